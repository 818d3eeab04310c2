"""News of an event, a venue or a community, sent to an address that its host chose.

commit -> topics -> waking -> collecting (happenings) --a row each, once--> deliveries -> sending --> server/outward
"""
