"""Tests of what phones tell."""
