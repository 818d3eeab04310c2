"""The pages: HTML rendered by the server, and small ES modules for what moves.

templates/*.html --render.page()--> HTML, with a strict Content-Security-Policy
static/css, static/js, static/vendor --render.static_files()--> under a path that carries the content's hash
static/js: stream (bytes) -> store (snapshot and deltas merged) -> map, arrivals, rooms, phone, demo
"""
