"""Who has come, by what evidence, and why somebody was not checked in."""
