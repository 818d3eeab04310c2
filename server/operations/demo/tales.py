"""What the demonstration tells of its communities: who they are, what they did, what they plan; all invented."""

import datetime as dt
from dataclasses import dataclass, field

from server.events.details import Kind
from server.operations.demo import neighbourhood

# What those like whom a visitor may be.
TASTES = {
    "you": ("books", "food", "languages"),
    "amina": ("crafts", "food"),
    "xiaowen": ("books", "hiking"),
    "ops": ("chess", "coding"),
}
HOUSE = "left-bank-house"
READERS = "left-bank-readers"
WALKERS = "long-lane-walkers"


@dataclass(frozen=True, slots=True)
class Community:
    """One of the three. members: ids of residents; everybody with a badge belongs to the readers anyway."""

    id: str
    name: str
    goal: str
    picture: str
    interests: tuple[str, ...]
    home: str
    charter: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shop:
    """A venue of the rally that no Pi listens in."""

    id: str
    name: str
    owner: str
    contact: str
    at: neighbourhood.Point
    category: str


@dataclass(frozen=True, slots=True)
class Past:
    """A gathering that is over. came: by what evidence; away: signed up, and did not come."""

    id: str
    name: str
    about: str
    community: str
    organizer: str
    venue: str
    days_ago: int
    hour: int
    kind: Kind
    came: dict[str, tuple[str, ...]] = field(default_factory=dict)
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A post. leads_to: the id of a gathering. answers: below the one before."""

    by: str
    text: str
    days_ago: float
    leads_to: str | None = None
    picture: str | None = None
    answers: bool = False


COMMUNITIES = (
    Community(
        HOUSE,
        neighbourhood.BOOKS.name,
        "A bookshop and its thousand true fans: we read aloud, we argue, we come back.",
        "shelf",
        ("books", "writing"),
        "Long Lane",
        "Circles form under this roof as they like. The reading room is theirs on any evening that nothing else is on.",
        ("you", "xiaowen", "amina", "odile", "anais", "ben", "chiara", "haoran", "siyu", "yifan", "ruoxi", "priya"),
    ),
    Community(
        READERS,
        "Left Bank Readers",
        "One book a month, read by people who look up from it.",
        "lamp",
        ("books",),
        "Long Lane",
    ),
    Community(
        WALKERS,
        "Long Lane Walkers",
        "Walk somewhere, then write three lines about it.",
        "hills",
        ("walking", "writing"),
        "Long Lane",
        "Nobody is left behind. Whoever knows the way walks at the end.",
        ("you", "xiaowen", "fatou", "ingrid", "elif", "haoran", "siyu", "mateo", "nadia", "priya", "tuan", "yifan"),
    ),
)
SHOPS = (
    Shop("salt-and-rye", "Salt & Rye", "carmen", "hello@bakery.example, 18 Quay Street", (71.0, 20.0), "cafe"),
    Shop("green-corner", "Green Corner", "tomas", "hello@flowers.example, 5 Mill Lane", (71.0, -11.0), "shop"),
    Shop("the-darkroom", "The Darkroom", "zofia", "hello@darkroom.example, 2 Quay Street", (-4.0, 19.0), "museum"),
)
LETTERS = Past(
    "night-of-old-letters",
    "Night of old letters",
    "Bring a letter that you may read to others. Soup from nine on.",
    READERS,
    "jonas",
    neighbourhood.BOOKS.id,
    8,
    19,
    "sharing",
    {
        "beacon": (
            *("you", "xiaowen", "anais", "ben", "chiara", "haoran", "elif", "fatou", "gabriel", "hana", "siyu"),
            *("kavya", "leila", "mateo", "nadia", "ruoxi", "priya", "rosa"),
        ),
        "screen": ("samir", "tuan", "yifan"),
        "manual": ("ursula",),
    },
    ("oskar", "quentin", "javier"),
)
LIGHTHOUSE = Past(
    "walk-to-the-lighthouse",
    "Walk to the lighthouse",
    "Nine kilometres along the water, slowly.",
    WALKERS,
    "fatou",
    neighbourhood.CAFE.id,
    5,
    10,
    "walk",
    {"beacon": ("you", "fatou", "ingrid", "elif", "haoran", "siyu", "mateo"), "screen": ("priya", "tuan")},
    ("nadia",),
)
TEA = Past(
    "tea-and-translations",
    "Tea and translations",
    "One poem in as many languages as there are at the table.",
    READERS,
    "siyu",
    neighbourhood.CAFE.id,
    20,
    17,
    "sharing",
    {"beacon": ("siyu", "yifan", "ruoxi", "chiara", "anais", "ben", "xiaowen", "priya"), "poster": ("dmitri",)},
)
PASTS = (TEA, LETTERS, LIGHTHOUSE)
TOPICS = (
    (
        READERS,
        "What shall we read aloud next?",
        (
            Words("siyu", "Old letters, please. I have one of my grandmother's that nobody heard yet.", 12, LETTERS.id),
            Words("ben", "I came because of this, and I would again.", 7, answers=True),
            Words("anais", "Ghost stories, when it gets dark early?", 2),
        ),
    ),
    (
        READERS,
        "One poem, many languages",
        (
            Words("chiara", "Same table, another poem? Last time five languages met over one cup.", 23, TEA.id, "cup"),
            Words("ruoxi", "I bring one by Li Qingzhao, and my mother's translation.", 21, answers=True),
        ),
    ),
    (
        READERS,
        "Lamps at half price",
        (Words("paloma", "Reading lamps at half price, today only, order at my stand! Tell all your friends!", 6),),
    ),
    (
        WALKERS,
        "Where do we walk next?",
        (
            Words("fatou", "To the lighthouse and back. Bring something warm to drink.", 9, LIGHTHOUSE.id, "sea"),
            Words("mateo", "The three lines that I wrote up there are pinned up in the café.", 4, answers=True),
            Words("elif", "What about walking at night, to see the stars?", 1),
        ),
    ),
)
CONVERSATION = 2.0  # hours that a past gathering lasted
VOTE_REASON = "Half of us live in the harbour town by now, and there is a server. Shall we move there, all of us?"


@dataclass(frozen=True, slots=True)
class Rally:
    """Six shops, and whoever comes to four of them has completed it. almost: one to whom one door is left."""

    prefix: str = "six-doors"
    name: str = "Six doors of Long Lane"
    about: str = "Come into four of six small shops. No stamp, no queue: your badge at the door is enough."
    needs: int = 4
    lasts: dt.timedelta = dt.timedelta(days=11)
    organizer: str = "jonas"
    interests: tuple[str, ...] = ("books",)
    almost: str = "xiaowen"
    been_to: tuple[int, ...] = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Trip:
    """Two days, and an evening in somebody's home."""

    prefix: str = "two-days-by-the-sea"
    name: str = "Two days by the sea"
    about: str = "By ferry on Saturday, supper at Ingrid's, the dunes on Sunday. Bring a book that may get wet."
    price: str = "the ferry, and something for the soup"
    organizer: str = "ingrid"
    steps: tuple[str, ...] = ("By ferry", "Supper at Ingrid's", "The dunes")
    landing: str = "Ferry landing"
    home: str = "Ingrid's home"
    district: str = "Old Harbour"
    address: str = "7 Rope Walk, second bell"
    going: tuple[str, ...] = ("fatou", "elif", "siyu", "tuan", "priya")


@dataclass(frozen=True, slots=True)
class Series:
    """It comes again by itself."""

    prefix: str = "first-sunday-walk"
    name: str = "First Sunday walk"
    about: str = "On every first Sunday of a month, whatever the weather says."
    organizer: str = "fatou"
    rule: str = "FREQ=MONTHLY;BYDAY=1SU"
    step: str = "From the café"


@dataclass(frozen=True, slots=True)
class Proposal:
    """It happens if two more can."""

    title: str = "A night walk to the observatory"
    about: str = "If eight of us come, they open the dome for us."
    by: str = "elif"
    quorum: int = 8
    votes: tuple[str, ...] = ("haoran", "siyu", "mateo", "priya", "yifan")


RALLY, TRIP, SERIES, PROPOSAL = Rally(), Trip(), Series(), Proposal()


def all_texts() -> list[str]:
    """What of all this is told in the reader's language."""
    return [
        *(text for one in COMMUNITIES for text in (one.name, one.goal, one.home, one.charter)),
        *(shop.name for shop in SHOPS),
        *(text for past in PASTS for text in (past.name, past.about)),
        *(text for _, title, posts in TOPICS for text in (title, *(post.text for post in posts))),
        *(RALLY.name, RALLY.about),
        *(TRIP.name, TRIP.about, TRIP.price, *TRIP.steps, TRIP.landing, TRIP.home, TRIP.district),
        *(SERIES.name, SERIES.about, SERIES.step),
        *(PROPOSAL.title, PROPOSAL.about),
        VOTE_REASON,
    ]
