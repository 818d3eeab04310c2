"""The pages of webhooks: which there are, making one, how its messages went; each act is a form."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from server.errors import Conflict, Invalid
from server.outward import addresses
from server.pages import facts, render
from server.pages.facts import Fact
from server.pages.hosted import hosted, zone_of
from server.people import access
from server.people.model import Member
from server.requests import InSettings, InTransaction, Now, Number, texts_for
from server.texts import Texts
from server.webhooks import collecting, examples, happenings, rules
from server.webhooks import service as webhooks
from server.webhooks.model import Delivery, Webhook
from server.webhooks.rules import Kind

router = APIRouter(include_in_schema=False)
READ = ["GET", "HEAD"]
MOST_CHOSEN = 20


@router.api_route("/webhooks", methods=READ)
def show_webhooks(request: Request, viewer: access.Viewer, session: InTransaction) -> Response:
    """The webhooks of what she hosts and keeps, and a form for one more."""
    return _page(request, viewer, session, {"kind": Kind.PLAIN.value, "happenings": ["check_in"]})


@router.post("/webhooks")
def make_webhook(
    request: Request,
    viewer: access.Viewer,
    session: InTransaction,
    settings: InSettings,
    now: Now,
    of: Annotated[str, Form(max_length=80)] = "",
    kind: Annotated[Kind, Form()] = Kind.PLAIN,
    url: Annotated[str, Form(max_length=addresses.URL_MAX_LENGTH)] = "",
    happens: Annotated[list[str] | None, Form(max_length=MOST_CHOSEN)] = None,
    names: Annotated[bool, Form()] = False,
) -> Response:
    """Makes one and shows its secret, this once; what is not right is said above the form, with all that was typed."""
    what, _, of_id = of.partition("/")
    wanted = [happening for happening in happenings.ALL if happening in (happens or ())]
    try:
        webhook = webhooks.make(
            session,
            viewer=viewer,
            kind=kind,
            url=url,
            happenings=wanted,
            names=names,
            event_id=of_id if what == "event" else None,
            venue_id=of_id if what == "venue" else None,
            community_id=of_id if what == "community" else None,
            allow_private=settings.webhooks.allow_private,
            now=now,
        )
    except (Invalid, Conflict) as error:
        says = texts_for(request).gettext(error.template, **error.values)
        typed: Fact = {"of": of, "kind": kind.value, "url": url, "happenings": wanted, "names": names, "says": says}
        return _page(request, viewer, session, typed, status_code=422)
    return _one(request, viewer, session, webhook, secret=True)


@router.api_route("/webhooks/{webhook_id}", methods=READ)
def show_webhook(request: Request, webhook_id: Number, viewer: access.Viewer, session: InTransaction) -> Response:
    """One webhook: what it sends, how that went, and what can be done."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id)
    return _one(request, viewer, session, webhook)


@router.post("/webhooks/{webhook_id}/test")
def test(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Sends a test."""
    collecting.test(session, webhook=webhooks.get(session, viewer=viewer, webhook_id=webhook_id), now=now)
    return _back(webhook_id)


@router.post("/webhooks/{webhook_id}/resume")
def resume(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Goes on with a paused one."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id, lock=True)
    webhooks.resume(session, webhook=webhook, now=now, by=viewer.id)
    return _back(webhook_id)


@router.post("/webhooks/{webhook_id}/end")
def end(webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Ends one."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id, lock=True)
    webhooks.end(session, webhook=webhook, now=now, by=viewer.id)
    return _back(webhook_id)


@router.post("/webhooks/{webhook_id}/rotate")
def rotate(request: Request, webhook_id: Number, viewer: access.Viewer, session: InTransaction, now: Now) -> Response:
    """Makes a new secret and shows it, this once."""
    webhook = webhooks.get(session, viewer=viewer, webhook_id=webhook_id, lock=True)
    webhooks.rotate(session, webhook=webhook, now=now, by=viewer.id)
    return _one(request, viewer, session, webhook, secret=True)


def _back(webhook_id: int) -> Response:
    return RedirectResponse(f"/webhooks/{webhook_id}", status_code=303)


def _page(request: Request, viewer: Member, session: Session, typed: Fact, status_code: int = 200) -> Response:
    say = texts_for(request)
    form: Fact = {"of": "", "url": "", "names": False, "says": None, **typed}
    return render.page(
        request,
        "webhooks.html",
        status_code=status_code,
        viewer=viewer,
        webhooks=[_fact(session, webhook, say) for webhook in webhooks.list_of(session, viewer=viewer)],
        hosted=hosted(session, viewer, say),
        form=form,
    )


def _one(request: Request, viewer: Member, session: Session, webhook: Webhook, *, secret: bool = False) -> Response:
    say = texts_for(request)
    return render.page(
        request,
        "webhook.html",
        viewer=viewer,
        webhook=_fact(session, webhook, say),
        secret=rules.show_secret(webhook.secret) if secret and webhook.kind == Kind.PLAIN else None,
        made=secret,
        deliveries=[_delivery(one, say) for one in webhooks.deliveries_of(session, webhook=webhook)],
        example=examples.body(Kind(webhook.kind), webhook.happenings[0]),
        time_zone=zone_of(session, viewer, webhook.event_id, webhook.venue_id),
    )


def _fact(session: Session, webhook: Webhook, say: Texts) -> Fact:
    state = "ended" if webhook.ended_at else "paused" if webhook.paused_at else "waits" if webhook.next_at else "well"
    return {
        "id": webhook.id,
        "name": _name(session, webhook, say),
        "kind": webhook.kind,
        "to": webhooks.host_of(webhook),
        "happenings": webhook.happenings,
        "names": webhook.names,
        "state": state,
        "next_at": webhook.next_at,
        "why": say.look_up(webhook.why) if webhook.why else None,
    }


def _name(session: Session, webhook: Webhook, say: Texts) -> str:
    name = webhooks.name_of(session, webhook)
    if webhook.community_id is not None:
        return name
    return facts.naming(session, say, event_id=webhook.event_id, venue_id=webhook.venue_id)(name)


def _delivery(delivery: Delivery, say: Texts) -> Fact:
    return {
        "happening": delivery.happening,
        "made_at": delivery.made_at,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "sent_at": delivery.sent_at,
        "took_ms": delivery.took_ms,
        "answer_status": delivery.answer_status,
        "answer": delivery.answer,
        "why": say.look_up(delivery.why) if delivery.why else None,
    }
