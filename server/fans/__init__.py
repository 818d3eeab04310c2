"""True fans of a house or a venue: who comes how often, who is new, whose rhythm broke, and what brought them."""
