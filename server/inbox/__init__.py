"""What muster has to tell a member: notes, read in her language on a page of her own, and by e-mail unless she said no.

service.tell (in the caller's transaction) --note, job--> planning (deciding, by wishes and hours) --a row each way-->
    letters: one for a note, or the digest of a day --> server/mail
    push: to each of her browsers --> server/outward --> its push service
groups: which kind of note is about what. log: what became of each, and why. stopping: links that end letters.
"""
