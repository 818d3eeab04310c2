"""A community leaves with its people, and opens on another server: a zip of JSON lines, all of it or nothing.

asking (who comes along) -> leaving (rows of who agreed, others as numbers) -> archive (zip, digests) ~~file~~>
archive (bounds, digests) -> checking (what refers to what) -> arriving (rows of ours, ids mapped, again as once)
"""
