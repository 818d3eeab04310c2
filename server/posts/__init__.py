"""Topics that float and sink: what members write, what of it is seen first, and what is hidden.

service (writing, reading, deleting) --places--> who may
       |--turnout_of (check-ins)--> ranking (pure) --floating--> what is seen first, with why
       `--hiding (pure: hidden_by)--> what is seen at all
"""
