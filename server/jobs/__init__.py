"""Work that need not be done before an answer goes out: queued with the transaction that asks for it, done for sure.

service --defer (in the caller's transaction)--> procrastinate's table --worker--> the task, in a thread of a server
"""
