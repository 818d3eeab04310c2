"""Pulse: one question of the host to the room, answered by those checked in, told in numbers on the wall."""
