"""Who members are, how they sign in, and their sessions."""
