"""Bounds how often codes may be guessed."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection

from server.doors import refusals
from server.limits import callers
from server.limits import service as limits


@contextmanager
def limit_guesses(connection: HTTPConnection) -> Iterator[None]:
    """The block tries a door code: what it raises as CodeUnknown counts, what is right never does.

    Forty guests share one address.
    """
    with limits.guessing(callers.of(connection), "door code", refusals.CodeUnknown):
        yield
