"""Gatherings: events of steps, and who signed up."""
