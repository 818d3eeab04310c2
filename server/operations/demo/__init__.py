"""The demonstration neighbourhood: simulated people, a radio model, real agents."""
