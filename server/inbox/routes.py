"""Notes over HTTP: reading one's own, how and when one is told, what became of each, and browsers that are told."""

from fastapi import APIRouter, Request

from server.inbox import browsers, log, schema, wishes
from server.inbox import service as inbox
from server.inbox.groups import Group, Wish
from server.people import access, cookies, sessions
from server.requests import InPage, InSettings, InTransaction, Now, Number, texts_for

router = APIRouter(prefix="/api/me/notifications", tags=["inbox"])


@router.get("")
def list_notifications(
    viewer: access.Viewer, session: InTransaction, page: InPage, say: access.Say
) -> list[schema.NotificationOut]:
    """What you should know, the newest first; kept for 90 days."""
    return [schema.show(note, say) for note in inbox.list_of(session, member_id=viewer.id, page=page)]


@router.post("/read", status_code=204)
def read_notifications(wanted: schema.ReadUpTo, viewer: access.Viewer, session: InTransaction, now: Now) -> None:
    """Says how far you have read."""
    inbox.read(session, member_id=viewer.id, up_to=wanted.up_to, now=now)


@router.get("/{note_id}/deliveries")
def list_note_deliveries(
    note_id: Number, viewer: access.Viewer, session: InTransaction, say: access.Say, now: Now
) -> list[schema.DeliveryOut]:
    """On which ways a note went out to you besides this one, when, and why not."""
    zone = wishes.hours_of(session, member_id=viewer.id).zone
    found = log.of_note(session, member_id=viewer.id, note_id=note_id, now=now)
    return [schema.show_delivery(one, say, zone) for one in found]


@router.get("/letters")
def get_letters(viewer: access.Viewer, session: InTransaction) -> schema.LettersWanted:
    """Whether your notes of any group go out by e-mail as well."""
    return schema.LettersWanted(letters=wishes.wants_letters(session, member_id=viewer.id))


@router.put("/letters")
def choose_letters(wanted: schema.LettersWanted, viewer: access.Viewer, session: InTransaction) -> schema.LettersWanted:
    """Ends all letters, or begins those again that you get by default; `preferences` chooses by groups."""
    wishes.choose_letters(session, member_id=viewer.id, wanted=wanted.letters)
    return wanted


@router.get("/preferences")
def get_preferences(viewer: access.Viewer, session: InTransaction, say: access.Say) -> schema.PreferencesOut:
    """How you are told of what, and when."""
    found = wishes.of(session, member_id=viewer.id)
    return schema.show_preferences(found, wishes.hours_of(session, member_id=viewer.id), say)


@router.put("/preferences/{group}")
def choose_preference(
    group: Group, wanted: schema.Telling, viewer: access.Viewer, session: InTransaction, say: access.Say
) -> schema.TellingOut:
    """Chooses how you are told of a group of notes; in your inbox they stand whatever you choose."""
    wish = Wish(wanted.letters, wanted.push, wanted.per_day, wanted.per_week)
    wishes.choose(session, member_id=viewer.id, group=group, wish=wish)
    return schema.show_wish(group, wishes.of(session, member_id=viewer.id)[group], say)


@router.get("/hours")
def get_hours(viewer: access.Viewer, session: InTransaction) -> schema.HoursOut:
    """Your quiet hours, and when your digest comes."""
    return schema.show_hours(wishes.hours_of(session, member_id=viewer.id))


@router.put("/hours")
def choose_hours(
    wanted: schema.HoursWanted, viewer: access.Viewer, session: InTransaction, now: Now
) -> schema.HoursOut:
    """Chooses them. What cannot wait until they are over is sent all the same: that a gathering was called off."""
    wishes.choose_hours(
        session,
        member_id=viewer.id,
        quiet_from=schema.read_clock(wanted.quiet_from),
        quiet_to=schema.read_clock(wanted.quiet_to),
        digest_at=schema.read_clock(wanted.digest_at),
        now=now,
    )
    return schema.show_hours(wishes.hours_of(session, member_id=viewer.id))


@router.get("/push-key")
def get_push_key(_viewer: access.Viewer, session: InTransaction, settings: InSettings, now: Now) -> schema.PushKey:
    """What a browser needs to subscribe."""
    return schema.PushKey(key=browsers.public_key(browsers.key(session, settings.push, now)))


@router.get("/browsers")
def list_browsers(viewer: access.Viewer, session: InTransaction) -> list[schema.BrowserOut]:
    """Your browsers that are told."""
    return [schema.show_browser(one) for one in browsers.list_of(session, member_id=viewer.id)]


@router.post("/browsers", status_code=201)
def tell_browser(
    wanted: schema.NewBrowser,
    request: Request,
    viewer: access.InPerson,
    session: InTransaction,
    settings: InSettings,
    now: Now,
) -> schema.BrowserOut:
    """Tells this browser from now on, until you sign out in it or take it back; twice is as once."""
    made = browsers.take_in(
        session,
        member_id=viewer.id,
        session_number=sessions.number_of(session, token=access.session_token(request)),
        endpoint=wanted.endpoint,
        public_key=wanted.keys.p256dh,
        secret=wanted.keys.auth,
        called=cookies.describe(request.headers.get("user-agent", "")),
        language=texts_for(request).language,
        allow_private=settings.push.allow_private,
        now=now,
    )
    return schema.show_browser(made)


@router.delete("/browsers/{browser_id}", status_code=204)
def take_browser_back(browser_id: Number, viewer: access.Viewer, session: InTransaction) -> None:
    """Tells a browser of yours no more."""
    browsers.take_back(session, member_id=viewer.id, browser_id=browser_id)
