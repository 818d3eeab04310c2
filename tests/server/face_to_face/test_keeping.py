"""Keep or let go: the rule for any numbers, and its stories."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from server.face_to_face import keeping
from server.face_to_face.keeping import ANSWERS, SILENT, Circle, Verdict
from tests.server.places import NOW

MICRO = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)


@st.composite
def asked(draw: st.DrawFn) -> Circle:
    members = draw(st.integers(0, 9))
    keep = draw(st.integers(0, members))
    return Circle(NOW - SILENT, NOW, members, keep, draw(st.integers(0, members - keep)))


@given(asked())
def test_after_its_week_it_is_decided_and_one_more_keep_never_lets_go(circle: Circle) -> None:
    verdict = keeping.judge(circle, NOW + ANSWERS)
    assert verdict in (Verdict.KEEP, Verdict.LET_GO)
    more = keeping.judge(circle._replace(members=circle.members + 1, keep=circle.keep + 1), NOW + ANSWERS)
    if verdict is Verdict.KEEP:
        assert more is Verdict.KEEP
    assert (verdict is Verdict.KEEP) == (circle.keep >= max(1, circle.let_go))


@given(asked(), st.integers(0, 6))
def test_within_its_week_it_is_decided_only_when_all_have_answered(circle: Circle, days: int) -> None:
    early = keeping.judge(circle, NOW + days * DAY)
    all_did = circle.keep + circle.let_go >= circle.members
    assert (early is Verdict.WAIT) == (not all_did)
    if all_did:
        assert early is keeping.judge(circle, NOW + ANSWERS)


def test_it_is_asked_after_a_week_without_a_word_and_not_a_moment_sooner() -> None:
    fresh = Circle(NOW, None, 3, 0, 0)
    assert keeping.judge(fresh, NOW + SILENT - MICRO) is Verdict.WAIT
    assert keeping.judge(fresh, NOW + SILENT) is Verdict.ASK


def test_whatever_is_planned_is_a_word() -> None:
    assert keeping.judge(Circle(NOW + 30 * DAY, None, 3, 0, 0), NOW + 20 * DAY) is Verdict.WAIT


def test_a_word_after_the_question_keeps_it() -> None:
    assert keeping.judge(Circle(NOW + DAY, NOW, 3, 0, 2), NOW + 2 * DAY) is Verdict.KEEP


def test_a_tie_keeps_nobody_lets_go_a_majority_decides() -> None:
    def judged(keep: int, let_go: int) -> Verdict:
        return keeping.judge(Circle(NOW - SILENT, NOW, 9, keep, let_go), NOW + ANSWERS)

    assert (judged(2, 2), judged(1, 0)) == (Verdict.KEEP, Verdict.KEEP)
    assert (judged(0, 0), judged(1, 2)) == (Verdict.LET_GO, Verdict.LET_GO)
