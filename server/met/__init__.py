"""Having met: two who were heard in one zone at one time, and both want to know it, learn it of each other.

stays, check-ins, pauses --judging, overlaps (pure)--> met --reading: both willing, nobody hidden--> the two
                                                       `--trust (pure)--> whose word counts
"""
