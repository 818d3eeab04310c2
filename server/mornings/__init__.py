"""The morning after: each who came is asked once "Again?", and what three say yes to is proposed again.

cards, from 08:00 of the day after (clock, or whoever looks first) --yes--> opening --> proposals
"""
