"""Letters and digests: when each goes out, why not, once, and what her page says of it."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server import database
from server.inbox import deciding, letters, log, planning, tasks, wishes
from server.inbox import service as inbox
from server.inbox.groups import Group, Letters
from server.inbox.model import Digest, Notification
from server.mail import service as mail
from server.people import profile
from tests.server.inbox.conftest import Told
from tests.server.places import HOUR, NOW

EIGHT = dt.datetime(2026, 3, 14, 7, tzinfo=dt.UTC)  # in Berlin, the morning after NOW
NIGHT = NOW + 3 * HOUR  # 23:00


def test_letters_go_at_once_to_who_has_an_address_and_wants_them_and_once(told: Told) -> None:
    told.wish("ben", Group.GATHERINGS, letters=Letters.NEVER)
    with database.transaction(told.engine) as session:
        profile.change(session, "ana", language="zh")
    told.tell("ana", "ben", "cleo", "dora")
    told.do()
    told.do()
    found = {one.address: one for one in told.letters()}
    assert set(found) == {"ana@example.org", "dora@example.org"}
    assert found["dora@example.org"].subject == "Tea was called off: rain"
    assert "https://muster.example.org/events/tea" in found["dora@example.org"].text
    assert found["ana@example.org"].subject != found["dora@example.org"].subject
    assert told.said("dora") == ["By e-mail: written Fri 13 March 2026, 19:00, on its way."]
    assert told.said("ben") == ["By e-mail: You want no letters of this."]
    assert told.said("cleo") == ["By e-mail: You left no e-mail address."]


def test_the_log_says_what_became_of_a_letter_also_when_the_mail_forgot_it(told: Told) -> None:
    told.tell("dora", "ben")
    told.do()
    with database.transaction(told.engine) as session:
        session.execute(text("UPDATE letter SET sent_at = :now WHERE address = 'dora@example.org'"), {"now": NOW})
        session.execute(text("UPDATE letter SET refused = '550 no such box' WHERE address = 'ben@example.org'"))
    told.do()
    with database.transaction(told.engine) as session:
        mail.tidy(session, now=NOW + 24 * HOUR, keep=HOUR)
    assert told.letters() == []
    assert told.said("dora") == ["By e-mail: sent Fri 13 March 2026, 19:00."]
    assert told.said("ben")[0].endswith("The answer was: 550 no such box")


def test_what_was_read_or_is_old_or_over_takes_no_letter(told: Told) -> None:
    told.tell("dora")
    told.tell("ben", due_by=NOW + HOUR)
    told.tell("ana")
    with database.transaction(told.engine) as session:
        inbox.read(session, member_id="dora", up_to=2**62, now=NOW)
        session.execute(text("UPDATE notification SET at = :at WHERE member_id = 'ana'"), {"at": NOW - 25 * HOUR})
    told.at(NOW + HOUR)
    assert told.letters() == []
    assert [told.said(one) for one in ("dora", "ben", "ana")] == [
        ["By e-mail: You had read it here before."],
        ["By e-mail: It was over by then."],
        ["By e-mail: It was no news any more when its turn came."],
    ]


def test_what_can_wait_waits_for_the_end_of_quiet_hours(told: Told) -> None:
    told.clock.now = NIGHT
    told.tell("dora")
    told.do()
    assert told.letters() == []
    assert told.said("dora") == ["By e-mail: It waits until Sat 14 March 2026, 08:00: these are your quiet hours."]
    told.at(EIGHT - dt.timedelta(seconds=1))
    assert told.letters() == []
    told.at(EIGHT)
    assert len(told.letters()) == 1


@pytest.mark.parametrize(("kind", "sent"), [("event.called_off", 1), ("event.promoted", 0)])
def test_what_wakes_and_is_over_by_the_morning_goes_out_in_the_night(told: Told, kind: str, sent: int) -> None:
    told.clock.now = NIGHT
    told.tell("dora", kind=kind, due_by=EIGHT - HOUR)
    told.do()
    assert len(told.letters()) == sent
    if not sent:
        assert told.said("dora") == ["By e-mail: It was over before your quiet hours were."]


def test_what_wakes_but_has_time_until_the_morning_waits(told: Told) -> None:
    told.clock.now = NIGHT
    told.tell("dora", due_by=EIGHT + HOUR)
    told.do()
    assert told.letters() == []


def test_a_digest_holds_the_day_s_notes_by_group_once(told: Told) -> None:
    told.tell("dora", kind="nearby_event", event="Chess")
    told.tell("dora", kind="vote_opened", event="Choir")
    told.tell("dora", kind="nearby_event", event="Seen", nonce="seen")
    told.tell("cleo", kind="nearby_event", event="Chess")
    told.do()
    with database.transaction(told.engine) as session:
        seen = session.scalars(select(Notification).where(Notification.nonce == "seen")).one()
        seen.read_at = NOW
    assert told.letters() == []
    told.at(EIGHT)
    told.do()
    (letter,) = told.letters()
    assert letter.address == "dora@example.org"
    assert letter.text.index("MY COMMUNITIES\n- Choir") < letter.text.index("SOMETHING NEW NEAR ME\n- Chess")
    assert letter.text.count("https://muster.example.org/events/tea") == 2
    assert "Seen" not in letter.text
    assert sorted(one.state for one in told.deliveries("dora")) == ["handed", "handed", "suppressed"]
    # Nothing more, nothing to say: no letter.
    told.at(EIGHT + 24 * HOUR)
    assert len(told.letters()) == 1


def test_what_comes_due_on_the_day_of_a_digest_waits_for_the_next(told: Told) -> None:
    told.tell("dora", kind="nearby_event")
    told.do()
    told.at(EIGHT)
    told.tell("dora", kind="nearby_event", nonce="2")
    told.do()
    with database.transaction(told.engine) as session:
        eight, noon = dt.time(8), dt.time(12)
        wishes.choose_hours(
            session, member_id="dora", quiet_from=eight, quiet_to=eight, digest_at=noon, now=told.clock()
        )
    told.at(EIGHT + 4 * HOUR)
    assert len(told.letters()) == 1
    told.at(EIGHT + 28 * HOUR)
    assert len(told.letters()) == 2
    with database.transaction(told.engine) as session:
        assert len(session.scalars(select(Digest)).all()) == 2


def test_a_weekly_digest_comes_on_monday_and_what_was_chosen_meanwhile_holds(told: Told) -> None:
    told.wish("dora", Group.NEAR, letters=Letters.WEEKLY)
    told.tell("dora", "ben", kind="nearby_event")
    told.do()
    told.wish("ben", Group.NEAR, letters=Letters.NEVER)
    told.at(EIGHT)
    assert told.letters() == []
    assert told.said("ben") == ["In your digest: You want no letters of this."]
    told.at(EIGHT + 48 * HOUR)
    assert [one.address for one in told.letters()] == ["dora@example.org"]


def test_who_chose_the_digest_is_told_at_once_what_would_be_over_by_then(told: Told) -> None:
    told.wish("dora", Group.GATHERINGS, letters=Letters.DAILY)
    told.tell("dora", due_by=NOW + HOUR)
    told.do()
    assert len(told.letters()) == 1


def test_a_long_sentence_is_a_short_subject(told: Told) -> None:
    told.tell("dora", event="tea " * 100)
    told.do()
    (letter,) = told.letters()
    assert len(letter.subject) == letters.MOST_SUBJECT
    assert letter.subject.endswith("…")


def test_more_than_one_round_is_sent_and_old_notes_are_forgotten_with_their_log(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "AT_ONCE", 2)
    for number in range(5):
        told.tell("dora", nonce=str(number))
    told.do()
    assert len(told.letters()) == 5
    assert len(told.deliveries("dora")) == 5
    told.clock.now = NOW + inbox.KEPT
    tasks.tidy(told.work)
    assert told.deliveries("dora") == []


def test_two_workers_at_once_write_each_letter_and_each_digest_once(told: Told) -> None:
    for number in range(12):
        told.tell("ana", "ben", "dora", nonce=str(number))
        told.tell("ana", "ben", "dora", kind="nearby_event", nonce=str(number))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tasks.post, [told.work] * 4))
    tasks.post(told.work)
    assert len(told.letters()) == 36
    told.clock.now = EIGHT
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tasks.post, [told.work] * 4))
    assert len(told.letters()) == 39
    assert {one.state for name in ("ana", "ben", "dora") for one in told.deliveries(name)} == {"handed"}


def test_who_is_killed_between_letters_leaves_none_half_written(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transaction of a killed process is rolled back: the letter, its job and the note of it together."""
    told.tell("dora")
    real = mail.post

    def killed(session: Session, **given: object) -> None:
        real(session, **given)  # type: ignore[arg-type]
        raise SystemExit

    monkeypatch.setattr(mail, "post", killed)
    with pytest.raises(SystemExit):
        tasks.post(told.work)
    assert told.letters() == []
    assert [one.state for one in told.deliveries("dora")] == ["waiting"]
    monkeypatch.setattr(mail, "post", real)
    told.do()
    assert len(told.letters()) == 1


def test_nobody_else_reads_what_became_of_a_note(told: Told) -> None:
    told.tell("dora")
    told.do()
    note_id = told.deliveries("dora")[0].notification_id
    with database.transaction(told.engine) as session:
        assert len(log.of_note(session, member_id="dora", note_id=note_id, now=NOW)) == 1
        with pytest.raises(log.NotificationUnknown):
            log.of_note(session, member_id="ben", note_id=note_id, now=NOW)


def test_simulated_members_are_written_to_by_nobody(told: Told) -> None:
    with database.transaction(told.engine) as session:
        session.execute(text("UPDATE member SET simulated = true"))
    told.tell("dora")
    told.do()
    assert (told.letters(), told.deliveries("dora")) == ([], [])


def test_due_deliveries_are_read_by_their_index(told: Told) -> None:
    with database.transaction(told.engine) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.execute(
            text(
                "EXPLAIN SELECT * FROM notification_delivery WHERE channel = 'push' AND state = 'waiting'"
                " AND state IN ('waiting', 'trying') AND due_at <= now() ORDER BY due_at, id LIMIT 1"
            )
        )
        assert "ix_notification_delivery_due" in "\n".join(plan.scalars())
        assert planning.due(session, deciding.Channel.PUSH, limit=1, now=NOW) == []
