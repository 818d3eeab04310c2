"""Interests: a small vocabulary in every language of muster; communities, gatherings and members are tagged with it."""
