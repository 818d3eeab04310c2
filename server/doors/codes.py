"""Six signs that let somebody in: those of posters stay, those of screens follow from a secret and the time."""

import hashlib
import hmac
import secrets

# Without 0 and O, 1 and I and L: read from a wall, typed with a thumb.
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 6  # 31^6 are 887 million: a guess a second finds one of ten doors in a year and a half
SECRET_BYTES = 32
TURN_S = 30  # a screen's code changes so often: time to lift a phone, too short to send it around
ACCEPTED = 2  # this one and the last
REMEMBERED = 20  # of ten minutes: told that they have changed; older ones are not known any more
TICKET_S = 300  # who scanned a screen's code may take that long to write a name
_FORGIVEN = str.maketrans({"0": None, "O": None, "1": None, "I": None, "L": None, "-": None, " ": None})


def new_code() -> str:
    """Six signs for a poster."""
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def new_secret() -> bytes:
    """What a screen's codes follow from."""
    return secrets.token_bytes(SECRET_BYTES)


def read(text: str) -> str | None:
    """The six signs that somebody typed, in capitals, None when it cannot be a code.

    Case, spaces and hyphens do not matter, and signs that no code has are left out.
    """
    code = text[:40].upper().translate(_FORGIVEN)
    return code if len(code) == LENGTH and all(sign in SIGNS for sign in code) else None


def show(code: str) -> str:
    """A code as people read it: `K7M 2PX`."""
    return f"{code[:3]} {code[3:]}"


def turn_of(at_s: float) -> int:
    """Which turn of 30 s a time (seconds since the epoch) is in."""
    return int(at_s // TURN_S)


def of_turn(secret: bytes, turn: int) -> str:
    """What a screen shows in a turn: the first signs of HMAC-SHA256(secret, turn)."""
    number = int.from_bytes(hmac.digest(secret, str(turn).encode(), "sha256"), "big")
    signs = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(SIGNS))
        signs.append(SIGNS[place])
    return "".join(signs)


def age(secret: bytes, code: str, at_s: float) -> int | None:
    """How many turns ago a screen showed this code, None when not within those remembered."""
    turn = turn_of(at_s)
    for turns in range(REMEMBERED):
        if hmac.compare_digest(of_turn(secret, turn - turns), code):
            return turns
    return None


def ticket(secret: bytes, door_id: int, at_s: float) -> str:
    """Says that somebody scanned this screen's code at that time, for as long as she writes her name."""
    said = f"{door_id}.{int(at_s)}"
    return f"{said}.{hmac.digest(secret, said.encode(), 'sha256').hex()[:32]}"


def door_of(text: str) -> int | None:
    """Which door a ticket speaks of, unproven."""
    number = text.partition(".")[0]
    return int(number) if number.isdecimal() and len(number) < 19 else None


def is_ticket(secret: bytes, text: str, at_s: float) -> bool:
    """Whether a ticket is true and young enough."""
    said, _, _ = text.rpartition(".")
    _, _, when = said.partition(".")
    if not when.isdecimal() or len(when) > 12 or not said.isascii():
        return False
    expected = f"{said}.{hmac.digest(secret, said.encode(), 'sha256').hex()[:32]}"
    return text.isascii() and hmac.compare_digest(expected, text) and 0 <= at_s - int(when) <= TICKET_S


def new_token() -> str:
    """The secret part of a link: 256 bits, of which only the SHA-256 is kept."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token[:200].encode()).digest()
