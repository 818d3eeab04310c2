"""Who lives in the demonstration: invented members, the badge each carries, and what each means to do tonight."""

from dataclasses import dataclass
from enum import StrEnum

# muster's own uuid for demonstrations; a badge's major is 1 and its minor counts the residents from 1.
UUID = bytes.fromhex("6d75737465724e6987687400" + "64656d6f")
MAJOR = 1
# What a badge says it is heard with at 1 m, in dBm: a usual value of tags set to 0 dBm.
POWER_DBM = -59
# Carried by strangers: identities that nobody registered, so no agent may ever report them.
STRANGERS = {
    "stranger-1": bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e0" + "00010001"),
    "stranger-2": bytes.fromhex("74278bdab64445208f0c720eaf059935" + "10014c2e"),
}


class Intent(StrEnum):
    """What a simulated person means to do."""

    WAIT = "wait"  # stands where she is until somebody moves her
    STORIES = "stories"  # comes to the night of short stories
    TABLE = "table"  # comes to the language table, then to the stories
    PRESS = "press"  # prints a cover in the workshop, then comes to the stories
    LOCAL = "local"  # works or strolls here, whatever is on
    AT_HOME = "at-home"  # signed up, and will not come
    CROWD = "crowd"  # comes when somebody calls for a crowd, and leaves again


@dataclass(frozen=True, slots=True)
class Resident:
    """An invented member."""

    id: str
    name: str
    intent: Intent
    signed_up: bool = True
    badge: bool = True
    operator: bool = False
    demo_order: int | None = None
    about: str = ""


YOU = Resident(
    "you",
    "Robin",
    Intent.WAIT,
    demo_order=1,
    about="This is you: a badge in your pocket, and three evenings to host. Walk into the café.",
)
CAFE_OWNER = Resident(
    "amina",
    "Amina Haddad",
    Intent.LOCAL,
    signed_up=False,
    demo_order=2,
    about="She runs the café Kettle & Crumb and sees who is in it right now.",
)
GUEST = Resident(
    "xiaowen",
    "林晓雯",
    Intent.STORIES,
    demo_order=3,
    about="She signed up for tonight and is on her way to the bookshop.",
)
OPERATOR = Resident(
    "ops",
    "Jun Park",
    Intent.AT_HOME,
    signed_up=False,
    badge=False,
    operator=True,
    demo_order=4,
    about="He runs this server and sees every venue and Pi.",
)
BOOKSELLER = Resident("jonas", "Jonas Lindqvist", Intent.LOCAL)
PRINTER = Resident("odile", "Odile Marchand", Intent.LOCAL, signed_up=False)

_STORIES = (
    ("anais", "Anaïs Moreau"),
    ("ben", "Ben Okafor"),
    ("chiara", "Chiara Bellini"),
    ("haoran", "张浩然"),
    ("dmitri", "Dmitri Volkov"),
    ("elif", "Elif Yılmaz"),
    ("fatou", "Fatou Diop"),
    ("gabriel", "Gabriel Santos"),
    ("hana", "Hana Kovář"),
    ("ingrid", "Ingrid Solberg"),
    ("siyu", "陈思雨"),
    ("javier", "Javier Ruiz"),
    ("kavya", "Kavya Iyer"),
    ("leila", "Leila Rahimi"),
    ("mateo", "Mateo Fuentes"),
    ("nadia", "Nadia Benali"),
    ("ruoxi", "王若曦"),
    ("oskar", "Oskar Nowak"),
    ("priya", "Priya Nair"),
    ("quentin", "Quentin Dubois"),
    ("rosa", "Rosa Almeida"),
    ("samir", "Samir Aziz"),
    ("tuan", "Tuấn Lê"),
    ("yifan", "李一凡"),
    ("ursula", "Ursula Brandt"),
)
_TABLE = (
    ("zofia", "Zofia Wiśniewska"),
    ("arjun", "Arjun Mehta"),
    ("jiaqi", "赵佳琪"),
    ("carmen", "Carmen Ortega"),
    ("tomas", "Tomáš Novotný"),
)
_PRESS = (("viktor", "Viktor Horváth"), ("wanjiku", "Wanjiku Kamau"), ("yuki", "Yuki Tanaka"))
_AT_HOME = (("freya", "Freya Jensen"), ("idris", "Idris Bello"), ("luca", "Luca Conti"), ("mei", "周梅"))
_CROWD = (
    ("ada", "Ada"),
    ("bruno", "Bruno"),
    ("cleo", "Cleo"),
    ("dario", "Dario"),
    ("emmy", "Emmy"),
    ("femi", "Femi"),
    ("greta", "Greta"),
    ("hugo", "Hugo"),
    ("ines", "Inès"),
    ("jamal", "Jamal"),
    ("kira", "Kira"),
    ("linus", "Linus"),
    ("mona", "Mona"),
    ("nilo", "Nilo"),
    ("olga", "Olga"),
    ("pavel", "Pavel"),
    ("qing", "阿青"),
    ("rafa", "Rafa"),
    ("sanna", "Sanna"),
    ("theo", "Theo"),
    ("uma", "Uma"),
    ("vera", "Vera"),
    ("wanda", "Wanda"),
    ("xavi", "Xavi"),
)
_WALK_INS = (("paloma", "Paloma Vega"), ("ewan", "Ewan Fraser"), ("noor", "Noor Haddad"))

RESIDENTS = (
    YOU,
    CAFE_OWNER,
    GUEST,
    OPERATOR,
    BOOKSELLER,
    PRINTER,
    *(Resident(id_, name, Intent.STORIES) for id_, name in _STORIES),
    *(Resident(id_, name, Intent.TABLE) for id_, name in _TABLE),
    *(Resident(id_, name, Intent.PRESS) for id_, name in _PRESS),
    *(Resident(id_, name, Intent.AT_HOME) for id_, name in _AT_HOME),
    *(Resident(id_, name, Intent.STORIES, signed_up=False) for id_, name in _WALK_INS),
    # The last ones: the place in this list is a badge's number, and badges that were handed out keep theirs.
    *(Resident(f"crowd-{id_}", name, Intent.CROWD, signed_up=False) for id_, name in _CROWD),
)


def identity_of(resident: Resident) -> bytes:
    """The 20 bytes that a resident's badge shows: uuid, major, minor."""
    return UUID + MAJOR.to_bytes(2) + (RESIDENTS.index(resident) + 1).to_bytes(2)


def frame_of(identity: bytes) -> bytes:
    """The manufacturer data of an iBeacon advert, company id (Apple's, 0x004C, little endian) included."""
    return bytes.fromhex("4c000215") + identity + POWER_DBM.to_bytes(1, signed=True)
