"""Places: venues and the named zones of their levels."""
