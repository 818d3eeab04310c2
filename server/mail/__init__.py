"""Letters by e-mail: written in the transaction that wants one sent, sent by a job, kept for the operator to see.

service.post (in the caller's transaction) --letter, job--> tasks.deliver --smtp--> the mail server of the settings
                                                       without one: /operator/letters, `muster-server codes`
"""
