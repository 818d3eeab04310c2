"""Sending to addresses that strangers gave: never into a private network, for a bounded time, following nobody."""
