"""Face to face: four digits that let in who stands here, and a circle of those who were in.

gather: proof.py --where--> digits of its own within 1 km, ten minutes --> join: proof first, then the digits
the second who is in founds the circle; a week of silence later its members are asked: keep or let go?
"""
