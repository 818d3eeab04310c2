"""Gatherings for calendar programs (RFC 5545): one as a file, and feeds of a member, a community and a venue.

gatherings (server/sharing, as their reader may see them) -> writing -> .ics
"""
