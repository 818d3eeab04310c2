"""Space without I/O: shapes, distances and the few PostGIS phrases."""
