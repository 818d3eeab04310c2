"""For a gathering: whom to tell of it, of those near it or who will be, who want to be told and would love it.

events, places that come free, proposals --opening--> call --choosing, standing--> members --words--> their inboxes
                                                        \\--> its host: about how many, never who or where
"""
