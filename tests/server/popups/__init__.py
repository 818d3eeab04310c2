"""Tests of pop-up gatherings."""
