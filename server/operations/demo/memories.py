"""What the demonstration remembers: a circle that began over soup, a quarter of reading hours, what was said since."""

import datetime as dt
from dataclasses import dataclass

from server.operations.demo import neighbourhood, tales

BOOKS, CAFE = neighbourhood.BOOKS.id, neighbourhood.CAFE.id
# Where people go through, and where they stay: what the Pis would have heard.
ROOMS = {BOOKS: ("books-entrance", "books-reading"), CAFE: ("cafe-tables", "cafe-back")}

SOUP = tales.Community(
    "soup-on-thursdays",
    "Soup and strangers",
    "Six strangers, one pot of soup and four digits on a café table: that is how it began.",
    "soup",
    ("cooking",),
    "Long Lane",
    "Whoever cooks does not wash up. There is always one chair too many.",
    ("you", "mateo", "siyu", "priya", "haoran", "tuan", "yifan", "xiaowen", "fatou", "elif", "nadia"),
)


@dataclass(frozen=True, slots=True)
class Dinner:
    """It was the evening before yesterday, and is told anew when nobody is asked about it any more.

    said: on the cards of the morning after. One who has not answered yet, "you", makes it happen again.
    """

    prefix: str = "soup-for-ten"
    name: str = "Soup for ten"
    about: str = "One long table, one pot, and whoever brings bread."
    organizer: str = "mateo"
    days_ago: int = 2
    hour: int = 19
    said: tuple[tuple[str, str, str], ...] = (
        ("mateo", "yes", ""),
        ("siyu", "yes", "Same table, please: by the window one hears nothing."),
        ("tuan", "differently", "Half an hour earlier, and I catch the last bus."),
        ("priya", "yes", "More bread."),
        ("yifan", "no", "I am away until spring. It was lovely."),
        ("haoran", "yes", ""),
    )


DINNER = Dinner()
DINED = tales.Past(
    DINNER.prefix,
    DINNER.name,
    DINNER.about,
    SOUP.id,
    DINNER.organizer,
    CAFE,
    DINNER.days_ago,
    DINNER.hour,
    "dinner",
    {
        "beacon": ("mateo", "siyu", "you", "xiaowen", "priya", "haoran", "elif", "fatou"),
        "screen": ("tuan", "yifan"),
    },
    ("nadia",),
)


@dataclass(frozen=True, slots=True)
class ReadingHour:
    """Every Saturday at the house, for longer than a quarter. weeks: how long ago each of these came, in weeks."""

    prefix: str = "reading-hour"
    name: str = "Saturday reading hour"
    about: str = "An hour in which everybody reads what she brought, together and without a word."
    organizer: str = "jonas"
    hour: int = 11
    weeks: int = 18


READING_HOUR = ReadingHour()
_DRIFTING = ("javier", "quentin", "samir", "wanjiku", "yuki", "freya", "idris", "mei", "noor", "ewan")
# The rhythm of each: (every so many weeks, the first and the last of them, counted back from now).
RHYTHMS: dict[str, tuple[int, int, int]] = {
    "anais": (1, 18, 1),
    "ben": (2, 18, 2),
    "oskar": (1, 18, 6),  # came every week, and has not been seen for weeks
    "gabriel": (1, 9, 1),
    "chiara": (1, 3, 1),
    "hana": (3, 10, 1),
    "you": (3, 9, 3),
    "xiaowen": (2, 8, 2),
    **dict.fromkeys(("dmitri", "elif", "haoran", "ingrid", "kavya"), (2, 17, 1)),
    **dict.fromkeys(("leila", "nadia", "ruoxi", "rosa", "ursula", "zofia", "viktor"), (3, 16, 1)),
    **dict.fromkeys(_DRIFTING, (1, 18, 7)),
    **dict.fromkeys(("tuan", "yifan", "arjun", "jiaqi", "carmen", "tomas", "siyu", "priya", "mateo"), (2, 3, 1)),
}
# Who lets the house, and who reads with her, see her name.
BY_NAME = ("anais", "ben", "oskar", "gabriel", "chiara", "hana", "xiaowen", "siyu")
SEEN_FOR = dt.timedelta(days=300)
# Who lets people learn it whom she met.
WILLING = ("you", "xiaowen", "ben", "anais", "siyu", "fatou")


@dataclass(frozen=True, slots=True)
class Said:
    """A review: of a gathering, or of a venue."""

    by: str
    stars: int
    words: str
    of_event: str | None = None
    of_venue: str | None = None
    days_ago: float = 6
    answer: str = ""


SAID = (
    Said("anais", 5, "I read my grandmother's letter, and nobody coughed once.", tales.LETTERS.id),
    Said("ben", 5, "Came for the soup, stayed for a letter of 1943.", tales.LETTERS.id),
    Said("siyu", 4, "The reading room was full. Come early for a chair.", tales.LETTERS.id),
    Said("rosa", 3, "Lovely, and an hour longer than I can sit.", tales.LETTERS.id, answer="There are cushions now."),
    Said("haoran", 5, "My first time, and I said something.", tales.LETTERS.id),
    Said("anais", 5, "Somebody here always knows which book I mean.", of_venue=BOOKS),
    Said("ben", 4, "Warm, crooked, honest. The poetry is behind the ladder.", of_venue=BOOKS),
    Said("chiara", 5, "I came for one evening, and have three books now.", of_venue=BOOKS),
    Said("gabriel", 4, "The best chair is in the reading room, on the left.", of_venue=BOOKS),
    Said("xiaowen", 5, "They kept a book for me for a month.", of_venue=BOOKS),
    Said(
        "luca",
        1,
        "Far too dark, I hear. My cousin sells lamps.",
        of_venue=BOOKS,
        answer="Come in once: it is candlelight.",
    ),
)


@dataclass(frozen=True, slots=True)
class Card:
    """A stamp card. days_ago: of each who has it, on which days she came."""

    reward: str
    needs: int
    days_ago: dict[str, tuple[int, ...]]


CAFE_CARD = Card(
    "A coffee and a slice of cake",
    6,
    {"xiaowen": (33, 26, 19, 12, 5), "ben": (40, 37, 31, 30, 24, 20, 16, 9, 4), "you": (28, 14, 6)},
)
REDEEMED_BY = "ben"
RALLY_REWARD = "A print of the six doors"
QUESTION = "Which door was the warmest?"
CHOICES = (neighbourhood.BOOKS.name, neighbourhood.CAFE.name, "Salt & Rye")
ANSWERS = {"anais": 0, "ben": 1, "chiara": 0, "haoran": 2, "dmitri": 0, "elif": 1, "gabriel": 0, "hana": 2}
FAILED_REASON = "Nobody walks in November anyway. Shall we dissolve?"
FAILED_DAYS_AGO = 24


def all_texts() -> list[str]:
    """What of all this is told in the reader's language."""
    return [
        *(SOUP.name, SOUP.goal, SOUP.charter),
        *(DINNER.name, DINNER.about, *(line for _, _, line in DINNER.said)),
        *(READING_HOUR.name, READING_HOUR.about),
        *(text for said in SAID for text in (said.words, said.answer)),
        *(CAFE_CARD.reward, RALLY_REWARD, QUESTION, *CHOICES, FAILED_REASON),
    ]
