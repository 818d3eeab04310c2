"""Tests of communities that leave with their people."""
