"""Tests of sending to addresses that strangers gave."""
