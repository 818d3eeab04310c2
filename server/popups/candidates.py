"""Who may be asked now: members who said so, of whom a fresh position is kept, and who were not asked too often."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from config.settings import PopUps
from geo import cells
from server import times
from server.consent import reading as consents
from server.consent import rules as consent
from server.consent.rules import Kind, Level
from server.inbox import hours, wishes
from server.inbox.groups import Group
from server.popups.rules import Blocks, Person, blocks_of

# By the partial index of those who agreed, and the key of their positions: what others keep is not looked at. A home
# that was set by hand is no place where somebody is. The newest that is good enough says where she is. Only who was
# really seen somewhere once, since anybody's phone may say that it is here. Of more than are looked at, each minute
# others.
_HERE = text("""
    SELECT member.id, member.simulated, found.cell, found.source
    FROM position_use AS used
    JOIN LATERAL (
        SELECT position.cell, position.source FROM position
        WHERE position.member_id = used.member_id AND position.source <> 'home' AND position.at > :fresh
          AND position.until > :now AND position.accuracy_m <= :accuracy_m
        ORDER BY position.at DESC, position.source, position.device LIMIT 1
    ) AS found ON true
    JOIN member ON member.id = used.member_id
    WHERE used.pop_ups AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = used.member_id
                                       AND consent_pause.ended_at IS NULL)
      AND EXISTS (SELECT FROM checkin WHERE checkin.member_id = used.member_id AND checkin.undone_at IS NULL
                  AND checkin.evidence NOT IN ('phone', 'heard') OFFSET 0)
    ORDER BY hashtextextended(used.member_id, :turn) LIMIT :most
""")
# The badge at a public place, by the index that keeps visits apart. Homes are left out, and so are recordings.
_HEARD = text("""
    SELECT DISTINCT ON (pairing.member_id) pairing.member_id, venue.id
    FROM pairing
    JOIN LATERAL (
        SELECT visit.venue_id, visit.to_ms FROM visit
        WHERE visit.badge_id = pairing.badge_id AND visit.to_ms >= :since_ms
          AND int8range(visit.from_ms, visit.reach_ms, '[]') && int8range(:since_ms, NULL)
        ORDER BY visit.to_ms DESC LIMIT 1
    ) AS here ON true
    JOIN venue ON venue.id = here.venue_id AND venue.kind = 'place' AND venue.listed AND NOT venue.replayed
    WHERE pairing.member_id = ANY(:members) AND pairing.valid @> CAST(:now AS timestamptz)
    ORDER BY pairing.member_id, here.to_ms DESC
""")
_INTERESTS = text("""
    SELECT member_interest.member_id, member_interest.interest_id
    FROM member_interest JOIN interest ON interest.id = member_interest.interest_id AND interest.retired_at IS NULL
    WHERE member_interest.member_id = ANY(:members)
""")
_WITHOUT = text("""
    SELECT member_id, other_id FROM met_without WHERE member_id = ANY(:members) AND other_id = ANY(:members)
""")
_ASKED = text("""
    SELECT pop_up_asked.member_id, pop_up_asked.asked_at, pop_up_asked.answer, pop_up.interest_id, pop_up.state
    FROM pop_up_asked JOIN pop_up ON pop_up.id = pop_up_asked.pop_up_id
    WHERE pop_up_asked.member_id = ANY(:members) AND pop_up_asked.asked_at > :since
""")
# Those of these who still agree, and are not paused.
_WILLING = text("""
    SELECT member_id FROM position_use WHERE member_id = ANY(:members) AND pop_ups
      AND NOT EXISTS (SELECT FROM consent_pause WHERE consent_pause.member_id = position_use.member_id
                      AND consent_pause.ended_at IS NULL)
""")


def willing(session: Session, member_ids: Collection[str]) -> set[str]:
    """Those of these members who want to be asked, now."""
    return set(session.scalars(_WILLING, {"members": sorted(member_ids)})) if member_ids else set()


def read(session: Session, *, now: dt.datetime, rule: PopUps) -> tuple[list[Person], Blocks]:
    """Who may be asked now, and who wants nothing to do with whom; at most most_looked_at of them."""
    fresh = now - dt.timedelta(seconds=rule.fresh_s)
    turn = times.to_ms(now) // 60_000
    given = {"fresh": fresh, "accuracy_m": rule.accuracy_m, "most": rule.most_looked_at, "turn": turn, "now": now}
    here = {row.id: row for row in session.execute(_HERE, given)}
    if len(here) < rule.people:
        return [], {}
    interests, asked = _interests(session, here, now, rule)
    allowed = _may_be_told(session, [one for one in here if interests.get(one)], now)
    if len(allowed) < rule.people:
        return [], {}
    said = consents.said_by(session, allowed)
    heard_ids = sorted(one for one in allowed if here[one].source == "visit")
    since_ms = times.to_ms(now - dt.timedelta(seconds=rule.heard_s))
    heard: dict[str, str] = dict(
        session.execute(_HEARD, {"members": heard_ids, "since_ms": since_ms, "now": now}).all() if heard_ids else ()
    )
    found = [
        Person(
            one,
            cells.parent(here[one].cell, cells.NEAR),
            heard.get(one),
            frozenset(interests[one]),
            here[one].simulated,
            asked.get(one, 0.0),
        )
        for one in sorted(allowed)
        if not _hides(said[one], heard.get(one), now)
    ]
    members = [one.member_id for one in found]
    return found, blocks_of((row[0], row[1]) for row in session.execute(_WITHOUT, {"members": members}))


def _interests(
    session: Session, members: Collection[str], now: dt.datetime, rule: PopUps
) -> tuple[Mapping[str, set[str]], Mapping[str, float]]:
    """For what each may be asked now, and when she was asked last; nothing of who has to answer, or is at one."""
    listed = sorted(members)
    found: dict[str, set[str]] = defaultdict(set)
    for member_id, interest_id in session.execute(_INTERESTS, {"members": listed}):
        found[member_id].add(interest_id)
    again = now - dt.timedelta(hours=rule.again_h)
    after_no = now - dt.timedelta(days=rule.after_no_days)
    asked: dict[str, float] = {}
    for row in session.execute(_ASKED, {"members": listed, "since": min(again, after_no)}):
        asked[row.member_id] = max(asked.get(row.member_id, 0.0), row.asked_at.timestamp())
        busy = (row.state == "offered" and row.answer is not False) or (row.state == "on" and row.answer)
        if busy:
            found[row.member_id] = set()
        elif row.asked_at > again or (row.answer is False and row.asked_at > after_no):
            found[row.member_id].discard(row.interest_id)
    return found, asked


def _may_be_told(session: Session, members: Collection[str], now: dt.datetime) -> set[str]:
    """Not in her quiet hours, when she would read of it too late; and not more often than she wants."""
    awake = {
        one for one, hers in wishes.hours_of_members(session, members).items() if hours.quiet_until(hers, now) is None
    }
    return wishes.allowed(session, awake, group=Group.POP_UPS, now=now)


def _hides(said: consents.Said, venue_id: str | None, now: dt.datetime) -> bool:
    """Whether somebody hides from people, or from whoever keeps the place where she is heard.

    Being asked is what she agreed to by itself: who said nothing of people does not hide.
    """
    now_ms = times.to_ms(now)
    if said.paused or any(
        grant.kind is Kind.PEOPLE
        and grant.level is Level.HIDDEN
        and now_ms < grant.until_ms
        and grant.of_id in (None, venue_id)
        for grant in said.grants
    ):
        return True
    if venue_id is None:
        return False
    return consent.level(said.grants, False, consent.Viewer(Kind.VENUE, venue_id), now_ms) is Level.HIDDEN
