"""The `muster` command: starts the other parts as child processes and looks after them."""
