"""Invitations of shops."""
