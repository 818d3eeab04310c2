"""What the inbox takes and gives over HTTP."""

import datetime as dt
from typing import Annotated

from pydantic import ConfigDict, Field

from server.fields import Incoming, Moment, Outgoing
from server.inbox import browsers, groups, log, words
from server.inbox.deciding import Channel, State
from server.inbox.groups import Group, Letters, Wish
from server.inbox.hours import Hours
from server.inbox.model import Delivery, Notification, ToldBrowser
from server.inbox.wishes import MOST_PER
from server.outward import addresses
from server.texts import Texts

Clock = Annotated[
    str,
    Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="as your clock shows it", examples=["22:00"]),
]
Cap = Annotated[int | None, Field(ge=0, le=MOST_PER, description="at most so many; null: all; 0: none")]


class NotificationOut(Outgoing):
    """Something you should know."""

    id: int
    kind: str = Field(description="what sort of note, for programs", examples=["event.promoted"])
    subject: str = Field(description="what it is about", examples=["event/chess-night"])
    group: Group = Field(description="by what you choose how you are told of it")
    sentence: str = Field(description="in your language")
    link: str | None = Field(description="the path of the page where you can act")
    at: Moment
    read: bool


class ReadUpTo(Incoming):
    """How far you have read."""

    up_to: int = Field(ge=1, le=2**63 - 1, description="the id of the newest note that you have seen")


class LettersWanted(Incoming):
    """Whether notes go out by e-mail as well."""

    letters: bool


class Telling(Incoming):
    """How you want to be told of a group. The caps are of what you are offered; elsewhere they mean nothing."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"letters": "daily", "push": False, "per_day": 2, "per_week": 3}]}
    )

    letters: Letters
    push: bool
    per_day: Cap = None
    per_week: Cap = None


class TellingOut(Outgoing):
    """How you are told of a group. offers: you may want none of it, by a cap of 0."""

    group: Group
    title: str = Field(description="in your language")
    letters: Letters
    push: bool
    per_day: int | None
    per_week: int | None
    offers: bool


class HoursWanted(Incoming):
    """Your quiet hours, and when your digest comes. quiet_from and quiet_to the same: no quiet hours."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"quiet_from": "22:00", "quiet_to": "08:00", "digest_at": "08:00"}]}
    )

    quiet_from: Clock
    quiet_to: Clock
    digest_at: Clock


class HoursOut(Outgoing):
    """Your hours. time_zone: whose clock they are by; UTC until you say yours (PATCH /api/me)."""

    quiet_from: str
    quiet_to: str
    digest_at: str
    time_zone: str


class PreferencesOut(Outgoing):
    """How you are told of what, and when."""

    groups: list[TellingOut]
    hours: HoursOut


class BrowserKeys(Incoming):
    """The keys of a subscription, as browsers give them."""

    p256dh: Annotated[str, Field(max_length=browsers.KEY_MAX_LENGTH)]
    auth: Annotated[str, Field(max_length=browsers.KEY_MAX_LENGTH)]


class NewBrowser(Incoming):
    """A subscription, as `PushSubscription.toJSON()` gives it."""

    model_config = ConfigDict(
        extra="ignore",  # browsers add fields, such as expirationTime
        json_schema_extra={
            "examples": [
                {
                    "endpoint": "https://push.example.org/send/1",
                    "keys": {
                        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
                        "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
                        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
                    },
                }
            ]
        },
    )

    endpoint: Annotated[str, Field(max_length=addresses.URL_MAX_LENGTH)]
    keys: BrowserKeys


class BrowserOut(Outgoing):
    """A browser of yours that is told."""

    id: int
    called: str
    at: Moment
    told_at: Moment | None = Field(description="when it last took something")
    failing_since: Moment | None


class PushKey(Outgoing):
    """The key by which this server is known to push services: `applicationServerKey`."""

    key: str


class DeliveryOut(Outgoing):
    """What became of a note on one way to you."""

    channel: Channel
    state: State
    sentence: str = Field(description="the same in your language, and why")
    queued_at: Moment
    due_at: Moment
    tried_at: Moment | None
    tries: int
    done_at: Moment | None


def show(note: Notification, say: Texts) -> NotificationOut:
    """A note in a language."""
    return NotificationOut(
        id=note.id,
        kind=note.kind,
        subject=note.subject,
        group=groups.about(note.kind).group,
        sentence=words.fill(note.sentence, note.values, say),
        link=note.link,
        at=note.at,
        read=note.read_at is not None,
    )


def show_preferences(wishes: dict[Group, Wish], hours: Hours, say: Texts) -> PreferencesOut:
    """How she is told of what."""
    return PreferencesOut(
        groups=[show_wish(group, wishes[group], say) for group in Group],
        hours=show_hours(hours),
    )


def show_wish(group: Group, wish: Wish, say: Texts) -> TellingOut:
    """How she is told of a group."""
    return TellingOut(
        group=group,
        title=say.look_up(groups.TITLES[group]),
        letters=wish.letters,
        push=wish.push,
        per_day=wish.per_day,
        per_week=wish.per_week,
        offers=group in groups.OFFERS,
    )


def show_hours(hours: Hours) -> HoursOut:
    """Her hours."""
    return HoursOut(
        quiet_from=write_clock(hours.quiet_from),
        quiet_to=write_clock(hours.quiet_to),
        digest_at=write_clock(hours.digest_at),
        time_zone=hours.zone,
    )


def show_browser(browser: ToldBrowser) -> BrowserOut:
    """A browser."""
    return BrowserOut(
        id=browser.id,
        called=browser.called,
        at=browser.made_at,
        told_at=browser.told_at,
        failing_since=browser.failing_since,
    )


def show_delivery(delivery: Delivery, say: Texts, zone: str) -> DeliveryOut:
    """What became of a note on one way; zone: by whose clock times are told."""
    return DeliveryOut(
        channel=Channel(delivery.channel),
        state=State(delivery.state),
        sentence=log.tell(delivery, say, zone),
        queued_at=delivery.queued_at,
        due_at=delivery.due_at,
        tried_at=delivery.tried_at,
        tries=delivery.tries,
        done_at=delivery.done_at,
    )


def read_clock(text: str) -> dt.time:
    """A time of a day: `22:00`."""
    return dt.time.fromisoformat(text)


def write_clock(clock: dt.time) -> str:
    """A time of a day: `22:00`."""
    return f"{clock:%H:%M}"
