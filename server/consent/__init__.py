"""Whom members let see them: what they said, kept as said, and the one rule by which presence and check-ins are shown.

routes --said--> consent table (history is never overwritten) --reading--> windows of time, each with a level
                                                              ^ rules: what was said, the defaults, the pause; pure
whoever shows presence or check-ins of others asks `reading`, and judges its windows at the moment of showing
"""
