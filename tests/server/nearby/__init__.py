"""Tests of what is near."""
