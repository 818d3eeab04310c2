"""What messages say, whatever an event is called."""

import json
from typing import Any

import pytest

from server import texts
from server.webhooks import bodies
from server.webhooks.rules import Kind

CONTENT: dict[str, Any] = {"event": {"id": "x", "name": "Supper"}, "venue": {"id": "c", "name": "Café"}, "came": 3}
EVIL = "<!channel> <@all> [click](http://evil) *bold* `code` & <b>x</b>\nnew line %(came)s"


def _make(kind: Kind, name: str, language: str = "en") -> Any:
    content = {**CONTENT, "event": {"id": "x", "name": name}}
    say = texts.of(language)
    made = bodies.make(kind, happening="check_in", at="2026-03-13T19:00:00Z", content=content, names={}, say=say)
    return json.loads(made)


def test_each_kind_has_its_shape() -> None:
    assert _make(Kind.WECOM, "Supper") == {"msgtype": "markdown", "markdown": {"content": "**Here now: 3. Supper**"}}
    assert _make(Kind.SLACK, "Supper") == {
        "text": "Here now: 3. Supper",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*Here now: 3. Supper*"}}],
    }
    assert _make(Kind.MATRIX, "Supper") == {
        "username": "muster",
        "text": "Here now: 3. Supper",
        "html": "<strong>Here now: 3. Supper</strong>",
    }
    assert _make(Kind.PLAIN, "Supper") == {"type": "check_in", "timestamp": "2026-03-13T19:00:00Z", "data": CONTENT}


def test_no_name_calls_a_group_together_or_makes_a_link() -> None:
    wecom = _make(Kind.WECOM, EVIL)["markdown"]["content"]
    assert not set("<>[]`") & set(wecom)
    assert wecom.count("*") == 4
    slack = _make(Kind.SLACK, EVIL)["blocks"][0]["text"]["text"]
    assert "<" not in slack
    assert slack.count("*") == 2
    assert "&lt;!channel&gt;" in slack
    assert "<b>" not in _make(Kind.MATRIX, EVIL)["html"]


def test_a_venue_s_day_has_words_of_its_own() -> None:
    content = {"event": None, "venue": {"id": "c", "name": "Café"}, "came": 3, "check_ins": [{"id": 1}]}
    made = bodies.make(Kind.SLACK, happening="check_in", at="", content=content, names={})
    assert json.loads(made)["text"] == "Somebody came by: Café, 3 today"


@pytest.mark.parametrize("happening", ["check_in", "test"])
def test_a_group_is_told_in_the_language_of_who_made_it(happening: str) -> None:
    say = texts.of("zh")
    english = bodies.make(Kind.SLACK, happening=happening, at="", content=CONTENT, names={})
    assert bodies.make(Kind.SLACK, happening=happening, at="", content=CONTENT, names={}, say=say) != english
