"""How a community is changed, decided about, and lives: edits with their history, votes, life."""
