"""A shop invites who is near and wants to hear from it; it learns rounded numbers, and never who.

audience (of a part of town, for a quarter of an hour) -> service.send -> inbox -> counting (how many came, once)
"""
