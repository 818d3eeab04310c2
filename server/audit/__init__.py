"""What was done by whom with others' rights and data: granted, revoked, undone, erased, exported."""
