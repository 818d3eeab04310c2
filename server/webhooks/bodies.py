"""What a message says: data for a program, a few words for a group; names for a program alone, through consent."""

import html
import json
from collections.abc import Mapping
from typing import Any

from server.texts import IN_ENGLISH, Texts, later
from server.webhooks.rules import Kind

Names = Mapping[int, str]  # by the number of the check-in or the ask in a message: those that may be told
NAMED = ("check_ins", "asks")  # what in a message is of somebody

_SENTENCES = {
    "check_in": later("Here now: %(came)s. %(event)s"),
    "check_in_undone": later("A check-in was taken back. Here now: %(came)s. %(event)s"),
    "full": later("All %(capacity)s places are taken: %(event)s"),
    "asked": later("Somebody asks to come in. Waiting for an answer: %(waiting)s. %(event)s"),
    "event_opened": later("Doors are open: %(event)s"),
    "event_ended": later("It is over, %(came)s came: %(event)s"),
    "people_wanted": later("New: %(event)s"),
    "venue_unheard": later("Nothing is heard at %(venue)s: no Pi listens there at the moment"),
    "venue_heard": later("%(venue)s is heard again"),
    "test": later("This is a test from muster. News will appear here."),
}
_WANTED = {
    "free_place": later("A place is free: %(event)s"),
    "proposal_short": later("A few more are needed: %(proposal)s"),
}
_VISIT = later("Somebody came by: %(venue)s, %(came)s today")
# WeCom knows no way to escape: signs that it would take for a link, a call or a colour are told by ones like them.
_MARKDOWN = str.maketrans({"<": "‹", ">": "›", "[": "［", "]": "］", "*": "∗", "`": "ˋ", "\\": "＼"})


def make(
    kind: Kind, *, happening: str, at: str, content: Mapping[str, Any], names: Names, say: Texts = IN_ENGLISH
) -> bytes:
    """The body of a message. content: as `collecting` made it. names: for plain ones alone. say: to a group."""
    if kind is Kind.PLAIN:
        return _json({"type": happening, "timestamp": at, "data": _with_names(content, names)})
    if kind is Kind.WECOM:
        return _json(
            {"msgtype": "markdown", "markdown": {"content": f"**{_sentence(say, happening, content, _markdown)}**"}}
        )
    if kind is Kind.SLACK:
        shown = _sentence(say, happening, content, _slack)
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{shown}*"}}
        return _json({"text": shown, "blocks": [section]})
    plain = _sentence(say, happening, content, str)
    shown = _sentence(say, happening, content, html.escape)
    return _json({"username": "muster", "text": plain, "html": f"<strong>{shown}</strong>"})


def _sentence(say: Texts, happening: str, content: Mapping[str, Any], escape: Any) -> str:
    template = _SENTENCES[happening]
    if happening.startswith("check_in") and content.get("event") is None:
        template = _VISIT
    template = _WANTED.get(content.get("reason", ""), template)
    values = {
        key: escape(str(value["name"] if isinstance(value, Mapping) else value))
        for key, value in content.items()
        if not isinstance(value, list)
    }
    return say.gettext(template, **values) if values else say.look_up(template)


def _with_names(content: Mapping[str, Any], names: Names) -> dict[str, Any]:
    told = dict(content)
    for key in set(NAMED) & set(told):
        told[key] = [{**one, "name": names.get(one["id"])} for one in told[key]]
    return told


def _markdown(text: str) -> str:
    """Text that WeCom shows as it is: nobody is called by a name of an event, and no link is made."""
    return " ".join(text.split()).translate(_MARKDOWN)


def _slack(text: str) -> str:
    """Text as Slack asks for it: with these three escaped it has neither links nor calls; a star would end the bold."""
    plain = " ".join(text.split()).replace("*", "∗")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
