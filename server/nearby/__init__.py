"""The right gathering for a person: what is near her, in the order of what would bring her there, and why.

events, venues, sign-ups --triggers--> listing --candidates--> facts --geo.ranking--> points --words--> why
who came --learning, at night--> likeness, weights
who is heard --liveliness, each 5 minutes--> venue_moment; --usual, at night--> venue_usual
"""
