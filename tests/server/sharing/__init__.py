"""Tests of what publishing gives."""
