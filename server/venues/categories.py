"""What a place is: a small list in both languages, and what OpenStreetMap and IMDF call the same."""

from collections.abc import Mapping

from server.errors import Invalid
from server.texts import later

CATEGORIES: Mapping[str, str] = {
    "cafe": later("Café"),
    "restaurant": later("Restaurant"),
    "bar": later("Bar"),
    "shop": later("Shop"),
    "bookshop": later("Bookshop"),
    "library": later("Library"),
    "museum": later("Museum or gallery"),
    "stage": later("Theatre, cinema or stage"),
    "school": later("School or university"),
    "community": later("Community centre"),
    "faith": later("House of worship"),
    "office": later("Office or shared desks"),
    "workshop": later("Workshop or studio"),
    "sports": later("Sports"),
    "park": later("Park or garden"),
    "hotel": later("Hotel or hostel"),
    "health": later("Clinic or pharmacy"),
    "station": later("Station or airport"),
    "other": later("Something else"),
}

_OSM: Mapping[str, Mapping[str, str]] = {
    "amenity": {
        "cafe": "cafe", "ice_cream": "cafe", "restaurant": "restaurant", "fast_food": "restaurant",
        "food_court": "restaurant", "bar": "bar", "pub": "bar", "nightclub": "bar", "biergarten": "bar",
        "library": "library", "theatre": "stage", "cinema": "stage", "arts_centre": "stage",
        "school": "school", "university": "school", "college": "school", "kindergarten": "school",
        "community_centre": "community", "social_centre": "community", "townhall": "community",
        "place_of_worship": "faith", "coworking_space": "office", "workshop": "workshop", "studio": "workshop",
        "hospital": "health", "clinic": "health", "pharmacy": "health", "bus_station": "station",
    },
    "shop": {"books": "bookshop"},
    "tourism": {
        "museum": "museum", "gallery": "museum", "hotel": "hotel", "hostel": "hotel", "guest_house": "hotel",
        "motel": "hotel",
    },
    "leisure": {
        "park": "park", "garden": "park", "playground": "park", "nature_reserve": "park", "sports_centre": "sports",
        "stadium": "sports", "pitch": "sports", "swimming_pool": "sports", "fitness_centre": "sports",
    },
}  # fmt: skip
_IMDF: Mapping[str, str] = {
    "airport": "station", "trainstation": "station", "transitstation": "station", "busstation": "station",
    "museum": "museum", "university": "school", "school": "school", "stadium": "sports", "hotel": "hotel",
    "shoppingcenter": "shop", "retailstore": "shop", "theater": "stage", "conventioncenter": "stage",
    "hospital": "health", "businesscampus": "office", "library": "library", "park": "park",
}  # fmt: skip


def check(category: str) -> str:
    """The category itself, or nothing; raises Invalid."""
    if category and category not in CATEGORIES:
        raise Invalid("A category is one of: %(known)s.", known=", ".join(CATEGORIES))
    return category


def of_osm(tags: Mapping[str, str]) -> str:
    """Of a place of OpenStreetMap."""
    for key, known in _OSM.items():
        if key in tags:
            return known.get(tags[key], "shop" if key == "shop" else "other")
    return "other"


def of_imdf(category: str) -> str:
    """Of a venue of an IMDF archive."""
    return _IMDF.get(category, "other")
