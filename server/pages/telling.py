"""The pages of how a member is told: by groups, at which hours, on which browsers; and ending letters by a link."""

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server import texts
from server.errors import Invalid
from server.inbox import browsers, groups, stopping, wishes
from server.inbox import hours as clock
from server.inbox.groups import Group, Letters, Wish
from server.inbox.schema import Clock, read_clock, write_clock
from server.pages import facts, render
from server.pages.sign_in import READ
from server.people import access, profile
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now, Number, texts_for
from server.texts import Texts, later

router = APIRouter(include_in_schema=False)
strangers = APIRouter(include_in_schema=False)
Token = Annotated[str, Path(max_length=stopping.TOKEN_MAX_LENGTH)]
CAPS = (0, 1, 2, 3, 5, 7, 10, 20)  # to choose from; the API takes any
MOST_GROUPS = 40  # of one form: there are eight
_WORKER = render.STATIC_FOLDER / "js" / "telling_worker.js"
_BY_GROUP = later("%(group)s: %(error)s")


@router.api_route("/inbox/settings", methods=READ)
def show_settings(
    request: Request, viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now, say: access.Say
) -> Response:
    """How she is told of what, when, and where."""
    key = browsers.public_key(browsers.key(session, settings.push, now))
    return _page(request, viewer, session, say, key)


@router.post("/inbox/settings")
def choose(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    say: access.Say,
    group: Annotated[list[Group], Form(max_length=MOST_GROUPS)],
    letters: Annotated[list[Letters], Form(max_length=MOST_GROUPS)],
    per_day: Annotated[list[str], Form(max_length=MOST_GROUPS)],
    per_week: Annotated[list[str], Form(max_length=MOST_GROUPS)],
    push: Annotated[list[Group] | None, Form(max_length=MOST_GROUPS)] = None,
) -> Response:
    """Keeps how she is told of each group; what cannot be is said above the form."""
    said = None
    for one, wanted, day, week in zip(group, letters, per_day, per_week, strict=False):
        wish = Wish(wanted, one in (push or ()), _cap(day), _cap(week))
        try:
            wishes.choose(session, member_id=viewer.id, group=one, wish=wish)
        except Invalid as error:
            why = say.gettext(error.template, **error.values)
            said = say.gettext(_BY_GROUP, group=say.look_up(groups.TITLES[one]), error=why)
    if said is not None:
        key = browsers.public_key(browsers.key(session, settings.push, now))
        return _page(request, viewer, session, say, key, said, 422)
    return RedirectResponse("/inbox/settings", status_code=303)


@router.post("/inbox/hours")
def choose_hours(
    viewer: access.Viewer,
    session: InTransaction,
    now: Now,
    quiet_from: Annotated[Clock, Form()] = "22:00",
    quiet_to: Annotated[Clock, Form()] = "08:00",
    digest_at: Annotated[Clock, Form()] = "08:00",
    quiet: Annotated[bool, Form()] = False,
    time_zone: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Keeps her hours, and her time zone if she gave one. quiet: whether there are quiet hours at all."""
    if time_zone.strip() and time_zone.strip() != viewer.time_zone:
        profile.change(session, viewer.id, time_zone=time_zone.strip())
    begin = read_clock(quiet_from)
    wishes.choose_hours(
        session,
        member_id=viewer.id,
        quiet_from=begin,
        quiet_to=read_clock(quiet_to) if quiet else begin,
        digest_at=read_clock(digest_at),
        now=now,
    )
    return RedirectResponse("/inbox/settings#hours", status_code=303)


@router.post("/inbox/browsers/{browser_id}/remove")
def take_back(browser_id: Number, viewer: access.Viewer, session: InTransaction) -> Response:
    """Tells a browser no more."""
    browsers.take_back(session, member_id=viewer.id, browser_id=browser_id)
    return RedirectResponse("/inbox/settings#browsers", status_code=303)


@strangers.api_route("/inbox/worker.js", methods=READ)
def give_worker() -> Response:
    """The script that a browser wakes when something comes: at an address that stays, as its registration does."""
    headers = {"Content-Security-Policy": render.CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}
    return Response(_WORKER.read_bytes(), media_type="text/javascript", headers=headers)


@strangers.api_route("/letters/stop/{token}", methods=READ)
def ask_stop(request: Request, token: Token, session: InTransaction, now: Now) -> Response:
    """Asks once: what reads mail for viruses opens every link in it."""
    member, what = stopping.read(session, token, now)
    return _stop_page(request, member, what, done=False)


@strangers.post("/letters/stop/{token}")
def stop(request: Request, token: Token, session: InTransaction, now: Now) -> Response:
    """Ends those letters, also for a mailbox that does so by itself (RFC 8058): without cookies, and at once."""
    member, what = stopping.stop(session, token, now)
    return _stop_page(request, member, what, done=True)


def _page(
    request: Request,
    viewer: Member,
    session: Session,
    say: Texts,
    key: str,
    said: str | None = None,
    status_code: int = 200,
) -> Response:
    hours = wishes.hours_of(session, member_id=viewer.id)
    quiet = hours.quiet_from != hours.quiet_to
    shown = [
        {
            "id": group.value,
            "title": say.look_up(groups.TITLES[group]),
            "what": say.look_up(groups.WHAT[group]),
            "letters": wish.letters.value,
            "push": wish.push,
            "per_day": wish.per_day,
            "per_week": wish.per_week,
            "offers": group in groups.OFFERS,
            "stays": group is Group.SAFETY and wish.letters is not Letters.NEVER,
        }
        for group, wish in wishes.of(session, member_id=viewer.id).items()
    ]
    return render.page(
        request,
        "telling.html",
        viewer=viewer,
        say=say,
        status_code=status_code,
        said=said,
        groups=shown,
        caps=CAPS,
        quiet=quiet,
        quiet_from=write_clock(hours.quiet_from if quiet else clock.NIGHT),
        quiet_to=write_clock(hours.quiet_to if quiet else clock.MORNING),
        digest_at=write_clock(hours.digest_at),
        zone=viewer.time_zone,
        time_zone=facts.clock_of(viewer),
        address=viewer.email,
        letters=wishes.wants_letters(session, member_id=viewer.id),
        browsers=browsers.list_of(session, member_id=viewer.id),
        key=key,
    )


def _stop_page(request: Request, member: Member, what: str, *, done: bool) -> Response:
    # Nobody need be signed in: the page is in her language, and says nothing of her but that.
    say = texts.of(member.language) if member.language else texts_for(request)
    known = {group.value: group for group in Group}
    title = say.look_up(groups.TITLES[known[what]]) if what in known else None
    return render.page(request, "letters_stop.html", say=say, title=title, what=what, done=done)


def _cap(text: str) -> int | None:
    return min(int(text), wishes.MOST_PER) if text.isdecimal() and len(text) < 4 else None
