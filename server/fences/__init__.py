"""Fences around the places that matter to a member: whether her phone is there, what follows, and why not.

fix --watched: which places matter--> states (folded by geo/fences.py) --arriving--> check-in by phone
                                             |------reminding--> "it begins in 30 minutes, you are near"
"""
