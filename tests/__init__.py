"""Tests mirror the folders; journeys run across them, bench measures."""
