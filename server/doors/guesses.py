"""Bounds how often codes may be guessed."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection


@contextmanager
def limit_guesses(connection: HTTPConnection) -> Iterator[None]:
    """The block tries a door code: what it raises as CodeUnknown counts, what is right never does.

    Forty guests share one address. To be wired to `limits.guessing(caller, "door code", refusals.CodeUnknown)`.
    """
    del connection
    yield
