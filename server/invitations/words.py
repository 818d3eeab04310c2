"""What is said to members of an invitation, and why somebody reports or hides one."""

from server.texts import later

INVITES = later(
    "%(venue)s invites you, until %(until)s:\n\n%(text)s\n\n"
    "You are near it and said that shops near you may invite you."
)
WHYS = {
    "advert": later("It is no invitation but an advert for something else."),
    "unkind": later("It is unkind or unfit to be read."),
    "untrue": later("It says what is not so."),
    "other": later("Another reason."),
}
