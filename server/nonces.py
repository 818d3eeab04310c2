"""The number that a request chooses for itself, so that it comes again as once: what is kept of it."""

import hashlib

from server.errors import Invalid

SIGNS = (16, 64)  # fewer could be guessed


def read(nonce: str | None, *of: str) -> bytes | None:
    """What is kept of a nonce, its SHA-256; of: whose it is, and of what: another's is another. Raises Invalid."""
    if nonce is None:
        return None
    if not SIGNS[0] <= len(nonce) <= SIGNS[1] or not nonce.isascii():
        raise Invalid("A number of a request has %(low)s to %(high)s signs.", low=SIGNS[0], high=SIGNS[1])
    return hashlib.sha256(" ".join((*of, nonce)).encode()).digest()
