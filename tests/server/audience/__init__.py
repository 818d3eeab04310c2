"""Tests of server/audience."""
