"""Tests of where members are."""
