"""Made-up evenings in the live stream's format: a bookshop with an unheard room, a neighbourhood of three venues."""

import datetime
import random
from typing import Any

Topic = dict[str, Any]

TIME_ZONE = "Europe/Paris"
HERE = (2.3522, 48.8566)
METRES_PER_DEGREE_LAT = 111_320.0
METRES_PER_DEGREE_LON = 73_240.0  # at 48.86 degrees north

NAMES = ["Li Wei", "Ana M.", "Jonas", "Mariam", "Tomás", "周阿姨", "Ines", "Yuki", "Paul", "Fatou", "Olga", "Sam"]

SHOP_ROOMS = {  # name, west, south, width, height in metres; how many people
    "entrance": ("Entrance", 0.0, 6.8, 6.6, 5.0, 4),
    "reading": ("Reading room", 6.6, 3.4, 6.6, 8.4, 25),
    "counter": ("Counter", 0.0, 3.4, 6.6, 3.4, 6),
    "gallery": ("Gallery", 13.2, 6.8, 4.8, 5.0, 3),
    "children": ("Children's corner", 13.2, 3.4, 4.8, 3.4, 2),
    "courtyard": ("Courtyard", 0.0, -0.6, 18.0, 4.0, 0),
}


def text(moment: datetime.datetime) -> str:
    """A moment as the stream writes it, RFC 3339 in UTC."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def place(east_m: float, north_m: float) -> list[float]:
    """A place so many metres east and north of the scene's corner, [lon, lat]."""
    return [HERE[0] + east_m / METRES_PER_DEGREE_LON, HERE[1] + north_m / METRES_PER_DEGREE_LAT]


def rectangle(west_m: float, south_m: float, width_m: float, height_m: float) -> dict[str, Any]:
    """A GeoJSON polygon."""
    corners = [(0.0, 0.0), (width_m, 0.0), (width_m, height_m), (0.0, height_m), (0.0, 0.0)]
    return {"type": "Polygon", "coordinates": [[place(west_m + x, south_m + y) for x, y in corners]]}


def zone(zone_id: str, name: str, area: dict[str, Any] | None, count: int) -> dict[str, Any]:
    """A zone that is heard."""
    return {
        "id": zone_id,
        "name": name,
        "level": 0,
        "area": area,
        "count": count,
        "state": "covered",
        "since": None,
        "last_count": None,
    }


def badge(badge_id: int, zone_id: str | None, state: str, now: datetime.datetime) -> dict[str, Any]:
    """A badge that was heard a moment ago."""
    return {
        "id": badge_id,
        "zone": zone_id,
        "state": state,
        "since": text(now - datetime.timedelta(minutes=20)),
        "last_heard": text(now - datetime.timedelta(seconds=12)),
        "state_since": text(now - datetime.timedelta(seconds=5)),
    }


def agent(agent_id: str, zone_id: str, state: str = "listening", since: str | None = None) -> dict[str, Any]:
    """A Pi without a place of its own."""
    return {"id": agent_id, "zone": zone_id, "location": None, "state": state, "since": since, "unheard": []}


def bookshop(now: datetime.datetime) -> Topic:
    """42 people in five rooms, two of them away, five unknown in a courtyard whose Pi has fallen silent."""
    since = text(now - datetime.timedelta(minutes=65))
    zones, badges, agents = [], [], []
    number = 1
    for zone_id, (name, west_m, south_m, width_m, height_m, people) in SHOP_ROOMS.items():
        zones.append(zone(zone_id, name, rectangle(west_m, south_m, width_m, height_m), people))
        for _ in range(people):
            badges.append(badge(number, zone_id, "present", now))
            number += 1
        agents.append(agent(f"pi-{zone_id}", zone_id))
    for _ in range(2):
        badges.append(badge(number, "reading", "away", now))
        number += 1
    zones[1]["count"] += 2
    for _ in range(5):
        badges.append(badge(number, "courtyard", "unknown", now))
        number += 1
    badges.append(badge(number, "gallery", "left", now))
    agents.append(agent("pi-reading-2", "reading"))
    zones[-1] |= {"state": "unknown", "since": since, "last_count": 5}
    agents[5] |= {"state": "silent", "since": since}
    return {
        "rev": 1,
        "venue": {
            "id": "left-bank",
            "name": "Left Bank Books",
            "time_zone": TIME_ZONE,
            "simulated": True,
            "replayed": False,
            "location": place(9.0, 6.0),
            "now": text(now),
        },
        "zones": zones,
        "agents": agents,
        "badges": badges,
    }


def short_stories(now: datetime.datetime) -> Topic:
    """The event at the bookshop, as its organizer sees it."""
    rng = random.Random(3)
    begin = now - datetime.timedelta(minutes=77)
    times = sorted(begin + datetime.timedelta(minutes=rng.gauss(46, 14)) for _ in range(42))
    times = [min(max(each, begin), now - datetime.timedelta(seconds=40)) for each in times]
    notes = ["third time here", None, None, "first time", None, "not signed up"]
    arrivals = []
    for i, at in enumerate(times):
        name = NAMES[i % len(NAMES)] if i % 6 != 5 else None
        arrivals.append(
            {
                "id": i + 1,
                "name": name,
                "initials": name
                and (name[0] if not name[0].isascii() else "".join(w[0] for w in name.split()).upper()),
                "badge": i + 1,
                "at": text(at),
                "evidence": "beacon",
                "note": notes[i % len(notes)] if name else None,
                "undone": False,
                "late": "recorded 2 h later" if i == 30 else None,
            }
        )
    return {
        "rev": 1,
        "event": {
            "id": "short-stories",
            "name": "Night of short stories",
            "organizer": True,
            "simulated": True,
            "steps": [
                {
                    "id": "evening",
                    "name": "The evening",
                    "venue": "left-bank",
                    "zone": None,
                    "starts_at": text(now - datetime.timedelta(minutes=17)),
                    "ends_at": text(now + datetime.timedelta(minutes=133)),
                    "opens_at": text(begin),
                    "capacity": 60,
                }
            ],
        },
        "figures": {"signed_up": 57, "arrived": 44, "here": 42, "expected": 9, "over_capacity": 0},
        "arrivals": arrivals[::-1],
        "curve": [[text(at), i + 1] for i, at in enumerate(times)],
        "names": {str(i + 1): NAMES[i % len(NAMES)] for i in range(0, 42, 2)},
        "pulse": None,
    }


def venue(venue_id: str, name: str, east_m: float, north_m: float, now: datetime.datetime) -> dict[str, Any]:
    """A venue of the neighbourhood."""
    return {
        "id": venue_id,
        "name": name,
        "time_zone": TIME_ZONE,
        "simulated": True,
        "replayed": False,
        "location": place(east_m, north_m),
        "now": text(now),
    }


def neighbourhood(now: datetime.datetime) -> dict[str, Topic]:
    """A cafe of two rooms, a workshop without a plan, and a bookshop; a few people in each."""
    cafe = [
        zone("bar", "Bar", rectangle(10, 50, 11, 14), 5),
        zone("terrace", "Terrace", rectangle(21, 50, 9, 14), 3),
    ]
    shop = [
        zone("front", "Front", rectangle(70, 12, 14, 10), 2),
        zone("back", "Reading room", rectangle(70, 22, 14, 12), 9),
    ]
    workshop = [zone("everywhere", "Everywhere", None, 4)]
    made = {}
    number = 1
    for venue_id, name, east_m, north_m, zones in (
        ("cafe", "Café Lumen", 20.0, 57.0, cafe),
        ("books", "Left Bank Books", 77.0, 23.0, shop),
        ("workshop", "Aunt Chen's kitchen", 72.0, 62.0, workshop),
    ):
        badges, agents = [], []
        for each in zones:
            agents.append(agent(f"pi-{each['id']}", str(each["id"])))
            for _ in range(each["count"]):
                badges.append(badge(number, str(each["id"]), "present", now))
                number += 1
        made[f"venue/{venue_id}"] = {
            "rev": 1,
            "venue": venue(venue_id, name, east_m, north_m, now),
            "zones": zones,
            "agents": agents,
            "badges": badges,
        }
    return made


def world(topics: dict[str, Topic]) -> dict[str, Any]:
    """What the demonstration tells of itself: where you are, its Pis, its streets."""

    def street(name: str, *points: tuple[float, float]) -> dict[str, Any]:
        line = {"type": "LineString", "coordinates": [place(x, y) for x, y in points]}
        return {"type": "Feature", "properties": {"kind": "street", "name": name}, "geometry": line}

    def block(kind: str, *sides: float) -> dict[str, Any]:
        return {"type": "Feature", "properties": {"kind": kind, "name": ""}, "geometry": rectangle(*sides)}

    def tree(east_m: float, north_m: float) -> dict[str, Any]:
        point = {"type": "Point", "coordinates": place(east_m, north_m)}
        return {"type": "Feature", "properties": {"kind": "tree", "name": ""}, "geometry": point}

    agents = [
        {"id": each["id"], "venue": topic["venue"]["id"], "running": True}
        for topic in topics.values()
        for each in topic["agents"]
    ]
    west_south, east_north = place(-2, -2), place(104, 84)
    return {
        "you": {"member": "robin", "badge": 99, "lon": place(45, 42)[0], "lat": place(45, 42)[1], "left": False},
        "agents": agents,
        "venues": [{"id": topic["venue"]["id"], "online": True} for topic in topics.values()],
        "crowd": False,
        "may_switch": True,
        "bounds": [*west_south, *east_north],
        "people_simulated": 23,
        "streets": {
            "type": "FeatureCollection",
            "features": [
                block("park", 4, 4, 34, 28),
                tree(10, 10),
                tree(22, 24),
                block("pavement", 100, 30, 20, 6),
                block("street", 100, 36, 20, 8),
                street("Rue du Phare", (-30, 41), (60, 43), (140, 40)),
                street("Passage Vert", (48, -30), (50, 42), (47, 120)),
                block("building", 56, 8, 10, 26),
                block("building", 88, 8, 12, 28),
                block("building", 4, 48, 5, 18),
                block("building", 33, 48, 9, 22),
                block("building", 86, 52, 14, 24),
                block("building", 54, 72, 8, 10),
            ],
        },
    }
