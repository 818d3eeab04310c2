"""People with a common goal."""
