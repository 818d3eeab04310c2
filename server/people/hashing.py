"""Secrets that we give out and keep only the hash of."""

import hashlib
import secrets

TOKEN_BYTES = 32  # 256 bits: guessing is hopeless, and the SHA-256 that we keep needs no salt


def new_token() -> str:
    """A text that nobody guesses, fit for an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """What is kept of it."""
    return hashlib.sha256(token.encode(errors="replace")).digest()
