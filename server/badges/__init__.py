"""Badges, the identities they show on the air, and who holds which when."""
