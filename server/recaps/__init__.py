"""What a gathering was, in figures that say how sure they are, and in a picture for everybody who came.

check-ins, sign-ups, visits, coverage -> reading -> figures (pure) -> words -> report, picture
"""
