"""Stamp cards of venues, houses and gatherings, which stamp themselves by who came."""
