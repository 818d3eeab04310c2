"""What muster has to tell a member: notes, read in her language on a page of her own, and by e-mail unless she said no.

service.tell (in the caller's transaction) --note, job--> tasks.post --letter--> server/mail
"""
