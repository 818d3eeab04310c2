"""Sends a shop's invitation to who is near and wants to hear from it, and says of it what each may know."""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from config.settings import Invitations as Rules
from server import constraints, names, nonces, paging
from server.audit import service as audit
from server.errors import Conflict, Invalid, NotFound, Refused
from server.fans import rounding
from server.inbox import service as inbox
from server.inbox import wishes
from server.inbox import words as inbox_words
from server.inbox.groups import Group
from server.invitations import audience, words
from server.invitations.audience import Audience, Shop
from server.invitations.model import ShopAudience, ShopInvitation, ShopInvited, ShopInvitedLately
from server.people import access
from server.people.model import Member
from server.texts import Texts
from server.venues import hours
from server.venues import service as venues
from server.venues.model import Venue

KIND = "shop_invitation"
LONGEST = 280  # what is read in a moment, on the street
SHORTEST_TIME = dt.timedelta(minutes=15)  # to read it and to walk there
LONGEST_TIME = dt.timedelta(hours=24)  # who was near a day ago is not any more
USUAL_TIME = dt.timedelta(hours=4)  # where nobody said when the shop closes
DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
# After an operator hid what a shop wrote, it invites nobody for so long.
HIDDEN_FOR = dt.timedelta(days=30)
KEPT = dt.timedelta(days=366)  # a shop compares with the same weeks of last year
# An invitation comes from whom its reader never chose: it leads to our page of the shop, and nowhere else.
# Browsers take other full stops for dots as well; a word, a dot and two letters with no space between are an address.
_LINK = re.compile(r"://|\bwww\.|[a-z0-9-][.。][a-z]{2,24}(?![a-z])|\S@\S+\.\S", re.IGNORECASE | re.ASCII)
# Members first, as who erases one does.
_MEMBERS = text("SELECT id FROM member WHERE id = ANY(:ids) ORDER BY id FOR KEY SHARE")
# The rows of her wishes are held: whoever withdraws at this moment did so before, and is left out, or afterwards.
_INVITE = text("""
    INSERT INTO shop_invited (invitation_id, member_id, away_m)
    SELECT :invitation, uses.member_id, chosen.away_m
    FROM unnest(CAST(:ids AS text[]), CAST(:away AS bigint[])) AS chosen (id, away_m)
    JOIN position_use AS uses ON uses.member_id = chosen.id AND uses.shops
    WHERE NOT EXISTS (SELECT FROM shop_refusal WHERE shop_refusal.member_id = chosen.id AND venue_id = :venue)
      AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = chosen.id AND ended_at IS NULL)
    ORDER BY uses.member_id
    FOR SHARE OF uses
""")
_INVITED = text("SELECT member_id FROM shop_invited WHERE invitation_id = :invitation")
_REMEMBER = text("""
    INSERT INTO shop_invited_lately (member_id, venue_id, at)
    SELECT member_id, :venue, :now FROM shop_invited WHERE invitation_id = :invitation ORDER BY member_id
    ON CONFLICT (member_id, venue_id) DO UPDATE SET at = excluded.at
""")
_LATELY = text("""
    SELECT member_id FROM shop_invited_lately WHERE member_id = ANY(:ids) AND venue_id = :venue AND at > :since
""")


class InvitationUnknown(NotFound):
    """This invitation is over, or was not for you."""

    code = "invitation_unknown"


class NoShop(Refused):
    """Only a place that everybody finds, with a pin and somebody who answers for it, invites who is near."""

    code = "no_shop"


class TooFewNearby(Conflict):
    """Fewer than five who want to hear from you are nearby: nothing is sent to so few. Look again in a quarter."""

    code = "too_few_nearby"


class InvitedEnough(Conflict):
    """This shop has invited people of late as often as it may: wait a little."""

    code = "invited_enough"


class InvitationsHidden(Refused):
    """Who runs this server hid an invitation of this shop: for 30 days it sends none."""

    code = "invitations_hidden"


class NoLinks(Invalid):
    """An invitation has no links and addresses in it, it leads to your place: put a space after full stops."""

    code = "no_links"


class WrongEnd(Invalid):
    """An invitation holds from a quarter of an hour to a day."""

    code = "wrong_end"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a shop wants to send. until: None for the closing time, else some hours from now."""

    text: str
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """An invitation as it would go out. look: the note as its reader sees it, in the language of who asks."""

    audience: Audience
    until: dt.datetime
    look: str


def kept(session: Session, viewer: Member, venue_id: str) -> Venue:
    """A venue that the viewer keeps herself, an operator's not; raises VenueUnknown, NotYourVenue."""
    venue = venues.get(session, venue_id)
    if not access.keeps(session, viewer, venue):
        raise access.NotYourVenue
    return venue


def shop_of(venue: Venue) -> Shop:
    """The shop of a venue; raises NoShop."""
    place = venues.location_of(venue)
    if venue.kind != "place" or not venue.listed or venue.replayed or place is None or not venues.is_ready(venue):
        raise NoShop
    return Shop(venue.id, place, venue.simulated)


def audience_of(session: Session, venue: Venue, *, rules: Rules, now: dt.datetime) -> Audience:
    """How many are near a shop, and how many of them want to hear from it, as its keepers are told; raises NoShop."""
    return audience.of(session, shop_of(venue), fresh=_fresh(rules), now=now)


def preview(session: Session, venue: Venue, draft: Draft, *, rules: Rules, say: Texts, now: dt.datetime) -> Preview:
    """What would go out; raises what `send` raises."""
    shop = shop_of(venue)
    written, until = check_text(draft.text), _check_until(venue, draft.until, now)
    check_may_send(session, venue, rules=rules, now=now)
    found = audience.of(session, shop, fresh=_fresh(rules), now=now)
    if found.willing is None:
        raise TooFewNearby
    return Preview(found, until, inbox_words.fill(words.INVITES, _values(venue, written, until), say))


def send(
    session: Session, venue: Venue, draft: Draft, *, by: Member, nonce: str, rules: Rules, now: dt.datetime
) -> ShopInvitation:
    """Invites who is near and wants to hear from the shop, once for each nonce.

    Whether it may is judged by what its keepers were told, never by what is so at this moment: a refusal says nothing
    more. If fewer than five can be reached by then, nobody is, and nobody learns of that either.
    Raises NoShop, InvitationsHidden, InvitedEnough, TooFewNearby, NoLinks, WrongEnd, Invalid.
    """
    hashed = nonces.read(nonce, "shop invitation", venue.id, by.id)
    assert hashed is not None
    # Caps of a member are over all shops: whoever invites at the same moment waits here.
    constraints.take_turn(session, "invitations of shops")
    again = session.scalar(select(ShopInvitation).where(ShopInvitation.nonce == hashed))
    if again is not None:
        return again
    shop = shop_of(venue)
    written, until = check_text(draft.text), _check_until(venue, draft.until, now)
    check_may_send(session, venue, rules=rules, now=now)
    told = audience.of(session, shop, fresh=_fresh(rules), now=now)
    if told.willing is None:
        raise TooFewNearby
    made = ShopInvitation(venue_id=venue.id, by_id=by.id, text=written, at=now, until=until, nonce=hashed)
    session.add(made)
    session.flush()
    invited = _invite(session, shop, made, rules=rules, now=now)
    made.invited = rounding.at_least(len(invited), audience.offset(session, shop, told.until - audience.WINDOW))
    inbox.tell(
        session,
        invited,
        kind=KIND,
        of=f"{KIND}/{made.id}",
        sentence=words.INVITES,
        values=_values(venue, written, until),
        link=f"/invitations/{made.id}",
        due_by=until,
        now=now,
    )
    audit.note(session, "shop.invited", of=f"venue/{venue.id}", by=by.id, now=now, invitation=made.id)
    return made


def check_text(written: str) -> str:
    """The text of an invitation; raises NoLinks, Invalid."""
    found = names.check_text(written, "invitation", LONGEST)
    if not found:
        raise Invalid("Write a line first.")
    if _LINK.search(unicodedata.normalize("NFKC", found)):
        raise NoLinks
    return found


def check_may_send(session: Session, venue: Venue, *, rules: Rules, now: dt.datetime) -> None:
    """Raises InvitationsHidden, InvitedEnough: by what this shop sent of late."""
    of_shop = ShopInvitation.venue_id == venue.id
    hidden = select(ShopInvitation.id).where(of_shop, ShopInvitation.hidden_at > now - HIDDEN_FOR)
    if session.scalar(hidden.limit(1)) is not None:
        raise InvitationsHidden
    ats = session.scalars(select(ShopInvitation.at).where(of_shop, ShopInvitation.at > now - WEEK)).all()
    if sum(at > now - DAY for at in ats) >= rules.per_day:
        raise InvitedEnough("A shop sends at most %(times)s in 24 hours.", times=rules.per_day)
    if sum(at > now - WEEK for at in ats) >= rules.per_week:
        raise InvitedEnough("A shop sends at most %(times)s in a week.", times=rules.per_week)


def usual_end(venue: Venue, now: dt.datetime) -> dt.datetime:
    """Until when an invitation holds of which nothing is said: the closing time, if that is known and not too near."""
    closes = hours.closes(venue, venues.location_of(venue), now)
    soon = closes is not None and closes < now + SHORTEST_TIME
    return (now + USUAL_TIME if closes is None or soon else closes).astimezone(dt.UTC)


def list_of(session: Session, venue: Venue, *, page: paging.Page = paging.EVERYTHING) -> list[ShopInvitation]:
    """What a shop sent, the newest first."""
    wanted = select(ShopInvitation).where(ShopInvitation.venue_id == venue.id)
    return page.read(session, wanted, paging.down(ShopInvitation.at), paging.down(ShopInvitation.id))


def get(session: Session, invitation_id: int, viewer: Member) -> ShopInvitation:
    """An invitation that the viewer got, or sent, or may judge as an operator; raises InvitationUnknown."""
    found = session.get(ShopInvitation, invitation_id)
    if found is None:
        raise InvitationUnknown
    if viewer.operator or access.keeps(session, viewer, venues.get(session, found.venue_id)):
        return found
    if found.hidden_at is not None or not got(session, invitation_id, viewer):
        raise InvitationUnknown
    return found


def got(session: Session, invitation_id: int, viewer: Member) -> bool:
    """Whether she was told of it, and has the note still."""
    return inbox.was_told(session, member_id=viewer.id, kind=KIND, of=f"{KIND}/{invitation_id}")


def venue_of(session: Session, invitation_id: int, viewer: Member) -> str:
    """The shop of an invitation that she was told of, even if it is over; raises InvitationUnknown."""
    found = session.get(ShopInvitation, invitation_id)
    if found is None or not got(session, invitation_id, viewer):
        raise InvitationUnknown
    return found.venue_id


def away_m(session: Session, invitation: ShopInvitation, viewer: Member) -> int | None:
    """About how far off she was when she was invited; None: she was not, or it is over."""
    row = session.get(ShopInvited, (invitation.id, viewer.id))
    return None if row is None else row.away_m


def tidy(session: Session, *, now: dt.datetime) -> None:
    """Forgets who was invited more than a week ago, old numbers, and invitations of more than a year ago."""
    session.execute(delete(ShopInvitedLately).where(ShopInvitedLately.at <= now - WEEK))
    session.execute(delete(ShopAudience).where(ShopAudience.at <= now - DAY))
    session.execute(delete(ShopInvitation).where(ShopInvitation.at <= now - KEPT))


def _invite(session: Session, shop: Shop, made: ShopInvitation, *, rules: Rules, now: dt.datetime) -> list[str]:
    """Writes down whom it goes to: who may be told, was not invited by this shop within a week, the nearest first."""
    near = audience.reachable(session, shop, fresh=_fresh(rules), now=now)
    if len(near) < rounding.K:
        return []
    since = {"ids": sorted(near), "venue": shop.id, "since": now - WEEK}
    lately = set(session.scalars(_LATELY, since))
    allowed = wishes.allowed(session, near.keys() - lately, group=Group.SHOPS, now=now)
    chosen = sorted(allowed, key=lambda member_id: (near[member_id], member_id))[: rules.most]
    given = {"invitation": made.id, "venue": shop.id, "now": now}
    session.execute(_MEMBERS, {"ids": chosen}).all()
    session.execute(_INVITE, {**given, "ids": chosen, "away": [near[one] for one in chosen]})
    session.execute(_REMEMBER, given)
    return list(session.scalars(_INVITED, given))


def _values(venue: Venue, written: str, until: dt.datetime) -> dict[str, object]:
    return {
        "venue": inbox_words.named(venue.name, venue.simulated),
        "until": inbox_words.moment(until, venue.time_zone),
        "text": written,
    }


def _check_until(venue: Venue, until: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    found = usual_end(venue, now) if until is None else until
    if not now + SHORTEST_TIME <= found <= now + LONGEST_TIME:
        raise WrongEnd
    return found


def _fresh(rules: Rules) -> dt.timedelta:
    return dt.timedelta(seconds=rules.fresh_s)
