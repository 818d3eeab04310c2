"""Links in what people write, as text and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.posts import words


@pytest.mark.parametrize(
    ("said", "links"),
    [
        ("no link", []),
        ("see https://example.org/a?b=c#d.", ["https://example.org/a?b=c#d"]),
        ("(http://example.org)", ["http://example.org"]),
        ("看https://example.org。好", ["https://example.org"]),
        ("javascript:alert(1) data:text/html,x ftp://a.b", []),
        ('https://a.b/"onmouseover="x', ["https://a.b/"]),
        ("HTTPS://A.B https://c.d", ["HTTPS://A.B", "https://c.d"]),
        ("https://", []),
        ("https://....", []),
    ],
)
def test_links_are_found_and_nothing_else_is_one(said: str, links: list[str]) -> None:
    assert [text for text, link in words.pieces(said) if link] == links


@given(st.text(alphabet="htps:/.a <>\"'()。\n", max_size=60))
def test_the_pieces_are_the_text(said: str) -> None:
    found = words.pieces(said)
    assert "".join(text for text, _ in found) == said
    assert all(text for text, _ in found)
    assert all(text.lower().startswith(("http://", "https://")) for text, link in found if link)
