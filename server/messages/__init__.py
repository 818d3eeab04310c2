"""What an organizer writes to who is going, came, did not come or waits: looked at first, twice at most.

service.preview -> service.send --one row, one inbox note for each--> server/inbox --> mail
"""
