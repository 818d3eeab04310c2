"""The live stream: a snapshot, then what changed, for each viewer as far as she may see."""
