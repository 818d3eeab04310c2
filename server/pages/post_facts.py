"""Posts as pages show them: plain dicts, texts in pieces, and why each stands where it stands."""

import datetime as dt

from config.settings import Posts as Rules
from server.pages.facts import Fact
from server.pictures import schema as pictures_schema
from server.posts import words
from server.posts.floating import Picture, Seen
from server.posts.model import Post
from server.texts import Texts


def of(seen: Seen, rules: Rules, now: dt.datetime, say: Texts) -> Fact:
    """A post as _post.html takes it."""
    post = seen.post
    gone = "hidden" if seen.closed else "deleted" if post.deleted_at is not None else None
    found: Fact = {
        "id": post.id,
        "at": post.at,
        "gone": gone,
        "by": None,
        "own": seen.own,
        "newcomer": seen.newcomer,
        "edited": post.edited_at is not None,
        "pieces": [],
        "picture": None,
        "leads_to": None,
        "hidden": None if seen.hidden is None else words.hidden(seen.hidden, say),
        "points": None,
        "why": None,
    }
    if gone is not None:
        return found
    if seen.by is not None:
        found["by"] = say.name(seen.by.name, seen.by.simulated)
    text = say.name(post.text, seen.by is not None and seen.by.simulated)
    found["pieces"] = [{"text": text, "link": link} for text, link in words.pieces(text)]
    if post.picture_id is not None:
        found["picture"] = pictures_schema.url_of(post.picture_id)
    if seen.leads_to is not None:
        name = say.name(seen.leads_to.name, seen.leads_to.simulated)
        found["leads_to"] = {"name": name, "href": f"/events/{seen.leads_to.id}"}
    if seen.why is not None:
        found["points"] = words.points(seen.why.tenths)
        found["why"] = words.explain(seen.why, rules=rules, now=now, say=say)[0].says
    return found


def why(seen: Seen, rules: Rules, now: dt.datetime, say: Texts) -> Fact | None:
    """Why a post stands where it stands, None of what is not ranked: {"points", "parts": [{"says", "points"}]}."""
    if seen.why is None:
        return None
    parts = words.explain(seen.why, rules=rules, now=now, say=say)
    return {
        "points": words.points(seen.why.tenths),
        "parts": [
            {"says": part.says, "points": f"{part.tenths / 10:+.1f}".replace("-", "\N{MINUS SIGN}")} for part in parts
        ],
    }


def whys(say: Texts) -> list[Fact]:
    """For what reasons something may be hidden, for a form."""
    return [{"value": value, "says": say.gettext(says)} for value, says in words.WHYS.items()]


def hidden_what(post: Post, picture: Picture) -> list[str]:
    """What of a post is hidden: itself, all of the newcomer who wrote it."""
    return [
        what
        for what, found in (
            ("post", picture.hidden.get(post.id)),
            ("newcomer", picture.members.get(post.member_id or "")),
        )
        if found is not None
    ]


def place_of(post: Post) -> str:
    """The page that a post stands on."""
    return f"/topics/{post.topic_id}" if post.topic_id is not None else f"/events/{post.event_id}/posts"
