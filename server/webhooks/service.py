"""Makes webhooks, tries, rotates, resumes and ends them; sends nothing itself."""

import datetime as dt
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from server import constraints, paging
from server.audit import service as audit
from server.communities.model import Community
from server.errors import Conflict, Invalid, NotFound
from server.events.model import Event
from server.outward import addresses
from server.paging import Page
from server.people import roles
from server.people.model import Member
from server.texts import later
from server.venues.model import Venue
from server.webhooks import rights, rules
from server.webhooks.model import GIVEN_UP, WAITING, Delivery, Webhook
from server.webhooks.rules import Kind

MOST_OF_ONE = 10  # of an event, a venue or a community: a bot in each group, and a program or two
LAST = Page(50)  # deliveries of a page
OLD_SECRET_FOR = dt.timedelta(days=1)


class WebhookUnknown(NotFound):
    """There is no such webhook."""

    code = "webhook_unknown"


class WebhookOver(Conflict):
    """This webhook has ended; make a new one."""

    code = "webhook_over"


class TooManyWebhooks(Conflict):
    """There are ten webhooks of this already; end one first."""

    code = "too_many_webhooks"


class OneThing(Invalid):
    """A webhook is of one thing: an event, a venue or a community."""

    code = "one_thing"


class NamesForPrograms(Invalid):
    """Names go to a program of your own alone: everybody in a group would read them."""

    code = "names_for_programs"


def make(
    session: Session,
    *,
    viewer: Member,
    kind: Kind,
    url: str,
    happenings: Sequence[str],
    names: bool = False,
    event_id: str | None = None,
    venue_id: str | None = None,
    community_id: str | None = None,
    allow_private: bool,
    now: dt.datetime,
) -> Webhook:
    """Makes a webhook; whoever shows its secret shows it once.

    Raises OneThing, NamesForPrograms, TooManyWebhooks, AddressWrong, AddressPrivate, and what rights.check raises.
    """
    if sum(one is not None for one in (event_id, venue_id, community_id)) != 1:
        raise OneThing
    rights.check(session, viewer=viewer, event_id=event_id, venue_id=venue_id, community_id=community_id)
    if names and kind is not Kind.PLAIN:
        raise NamesForPrograms
    if not happenings:
        raise Invalid("A webhook tells of at least one kind of happening.")
    of_one = or_(Webhook.event_id == event_id, Webhook.venue_id == venue_id, Webhook.community_id == community_id)
    live = session.scalars(select(func.count()).select_from(Webhook).where(of_one, Webhook.ended_at.is_(None))).one()
    if live >= MOST_OF_ONE:
        raise TooManyWebhooks
    webhook = Webhook(
        event_id=event_id,
        venue_id=venue_id,
        community_id=community_id,
        made_by=viewer.id,
        made_at=now,
        kind=kind.value,
        url=addresses.check_url(url.strip(), allow_private=allow_private),
        happenings=sorted(set(happenings)),
        names=names,
        secret=secrets.token_bytes(rules.SECRET_BYTES),
        since=now,
        read_at=now,
        attempts=0,
    )
    session.add(webhook)
    session.flush()
    _note(session, "made", webhook, now, viewer.id, names=names)
    return webhook


def get(session: Session, *, viewer: Member, webhook_id: int, lock: bool = False) -> Webhook:
    """A webhook that the viewer may look after; raises WebhookUnknown for one that she may not, too."""
    webhook = constraints.read(session, Webhook, webhook_id, to_edit=lock)
    if webhook is None or not rights.may(session, viewer=viewer, webhook=webhook):
        raise WebhookUnknown
    return webhook


def list_of(session: Session, *, viewer: Member, page: Page = paging.EVERYTHING) -> list[Webhook]:
    """The webhooks that the viewer may look after, the newest first."""
    rows = select(Webhook)
    if not viewer.operator:
        rows = rows.where(
            or_(
                Webhook.event_id.in_(select(Event.id).where(Event.organizer_id == viewer.id)),
                Webhook.venue_id.in_(select(Venue.id).where(Venue.owner_id == viewer.id)),
                Webhook.event_id.in_(roles.held_by(session, member_id=viewer.id, kind="event")),
                Webhook.venue_id.in_(roles.held_by(session, member_id=viewer.id, kind="venue")),
                Webhook.community_id.in_(roles.held_by(session, member_id=viewer.id, kind="community")),
            )
        )
    return page.read(session, rows, paging.down(Webhook.id))


def name_of(session: Session, webhook: Webhook) -> str:
    """What the webhook tells of."""
    if webhook.event_id is not None:
        return session.get_one(Event, webhook.event_id).name
    if webhook.venue_id is not None:
        return session.get_one(Venue, webhook.venue_id).name
    return session.get_one(Community, webhook.community_id).name


def host_of(webhook: Webhook) -> str:
    """The machine that is told; the rest of its address lets others write."""
    return urlsplit(webhook.url).netloc


def deliveries_of(session: Session, *, webhook: Webhook, page: Page = LAST) -> list[Delivery]:
    """The last deliveries, the newest first."""
    return page.read(session, select(Delivery).where(Delivery.webhook_id == webhook.id), paging.down(Delivery.id))


def rotate(session: Session, *, webhook: Webhook, now: dt.datetime, by: str) -> None:
    """Gives it a new secret; the old one signs as well for a day. Raises WebhookOver."""
    refuse_over(webhook)
    webhook.old_secret, webhook.old_secret_until = webhook.secret, now + OLD_SECRET_FOR
    webhook.secret = secrets.token_bytes(rules.SECRET_BYTES)
    _note(session, "rotated", webhook, now, by)


def resume(session: Session, *, webhook: Webhook, now: dt.datetime, by: str) -> None:
    """Goes on with a paused one, with what happens from now on; one that is not paused is fine. Raises WebhookOver."""
    refuse_over(webhook)
    if webhook.paused_at is not None:
        webhook.paused_at = webhook.failing_since = webhook.next_at = webhook.why = None
        webhook.attempts, webhook.since, webhook.read_at = 0, now, now
        _note(session, "resumed", webhook, now, by)


def end(session: Session, *, webhook: Webhook, now: dt.datetime, by: str) -> None:
    """Ends it for good; twice is as once."""
    end_now(session, webhook, later("You ended it."), now, by)


def end_now(session: Session, webhook: Webhook, why: str, now: dt.datetime, by: str | None = None) -> bool:
    """Ends it, and what waits is not sent; False if it had ended. by: None when nobody did."""
    if webhook.ended_at is not None:
        return False
    webhook.ended_at, webhook.why, webhook.next_at = now, why, None
    give_up(session, webhook)
    _note(session, "ended", webhook, now, by)
    return True


def pause_now(session: Session, webhook: Webhook, why: str, now: dt.datetime) -> bool:
    """Stops telling until its host goes on; False if it has stopped already."""
    if webhook.paused_at is not None or webhook.ended_at is not None:
        return False
    webhook.paused_at, webhook.why, webhook.next_at = now, why, None
    give_up(session, webhook)
    _note(session, "paused", webhook, now, None)
    return True


def give_up(session: Session, webhook: Webhook) -> None:
    """What waits is not sent any more."""
    session.execute(
        update(Delivery).where(Delivery.webhook_id == webhook.id, Delivery.status == WAITING).values(status=GIVEN_UP)
    )
    session.flush()


def secrets_of(webhook: Webhook, now: dt.datetime) -> list[bytes]:
    """What signs at this moment, the newest first."""
    old = webhook.old_secret
    stands = old is not None and webhook.old_secret_until is not None and now < webhook.old_secret_until
    return [webhook.secret, old] if stands and old is not None else [webhook.secret]


def refuse_over(webhook: Webhook) -> None:
    """Raises WebhookOver for one that has ended."""
    if webhook.ended_at is not None:
        raise WebhookOver


def _note(session: Session, act: str, webhook: Webhook, now: dt.datetime, by: str | None, **details: bool) -> None:
    """In the record of what it is of. by: None when it stopped by itself."""
    kinds = {"event": webhook.event_id, "venue": webhook.venue_id, "community": webhook.community_id}
    of = next(f"{kind}/{of_id}" for kind, of_id in kinds.items() if of_id is not None)
    audit.note(session, f"webhook.{act}", of=of, now=now, by=by, webhook=webhook.id, **details)
