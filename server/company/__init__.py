"""Two members who both agreed and share a community learn that they are near each other: both, or neither.

fix --matching: who is near whom, by cells--> encounter --reading: while all still holds--> both; telling: once
"""
