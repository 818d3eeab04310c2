"""How often something may be tried: buckets in PostgreSQL, shared by all server processes.

a request --callers.Caller (whose network)--> service --bucket, in a short transaction of its own--> go on, or TooMany
"""
