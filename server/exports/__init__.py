"""Files that go out and come in: check-ins of an event, visits of a venue, lists of who signed up elsewhere.

rows (one snapshot, a server-side cursor) --naming (consent)--> records --CSV or JSON--> download, a piece at a time
"""
