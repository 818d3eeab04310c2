"""What was done, as sentences: the notes of a venue, an event, a community or the server, for whoever may read them."""

from collections.abc import Callable, Mapping, Sequence

from server.audit.model import Note
from server.pages.facts import Fact
from server.texts import Texts

# What muster does where nobody acts: news that do not arrive are paused, and a receiver can end them.
BY_ITSELF = ("webhook.paused", "webhook.ended")


def read_out(notes: Sequence[Note], *, viewer_id: str, called: Mapping[str, str], say: Texts) -> list[Fact]:
    """The notes as {"sentence", "at", "subject"}. called: what members are called here; others go by their ids."""

    def name(member_id: object) -> str:
        if member_id == viewer_id:
            return say.gettext("You")
        return called.get(str(member_id), str(member_id)) if member_id else say.gettext("Somebody")

    return [{"sentence": _sentence(note, name, say), "at": note.at, "subject": note.subject} for note in notes]


def _sentence(note: Note, name: Callable[[object], str], say: Texts) -> str:
    whom = name(note.details.get("member"))
    if note.actor_id is None and (note.door_id is not None or note.action in BY_ITSELF):
        who = say.gettext("A door") if note.door_id is not None else say.gettext("muster itself")
    else:
        who = name(note.actor_id)
    sentences = {
        "role.given": say.gettext("%(who)s gave a part to %(whom)s.", who=who, whom=whom),
        "role.taken_back": say.gettext("%(who)s ended the part of %(whom)s.", who=who, whom=whom),
        "door.in": say.gettext("%(who)s let somebody in.", who=who),
        "door.out": say.gettext("%(who)s let somebody out.", who=who),
        "door.asked": say.gettext("%(who)s asked the host about somebody.", who=who),
        "door.made": say.gettext("%(who)s made a door.", who=who),
        "door.revoked": say.gettext("%(who)s closed a door.", who=who),
        "door.refused": say.gettext("%(who)s could not let somebody in.", who=who),
        "ask.yes": say.gettext("%(who)s said yes to somebody at the door.", who=who),
        "ask.no": say.gettext("%(who)s said no to somebody at the door.", who=who),
        "check_in.undone": say.gettext("%(who)s took back a check-in.", who=who),
        "file.taken": say.gettext("%(who)s took a file along.", who=who),
        "list.taken": say.gettext("%(who)s took over a list of names.", who=who),
        "webhook.made": say.gettext("%(who)s had news sent to others.", who=who),
        "webhook.rotated": say.gettext("%(who)s gave news to others a new secret.", who=who),
        "webhook.resumed": say.gettext("%(who)s went on with news to others.", who=who),
        "webhook.paused": say.gettext("%(who)s paused news to others, which did not arrive.", who=who),
        "webhook.ended": say.gettext("%(who)s ended news to others.", who=who),
        "address.proved": say.gettext("%(who)s proved an e-mail address.", who=who),
        "guest.claimed": say.gettext("%(who)s kept what a guest had left.", who=who),
    }
    return sentences.get(note.action, f"{who}: {note.action}")
