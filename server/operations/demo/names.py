"""The names that the demonstration is told with, for the catalogue of texts: only these are ever translated."""

from server.operations.demo import memories, neighbourhood, seed, tales
from server.operations.demo.residents import RESIDENTS


def all_names() -> list[str]:
    """Of places, events, communities and people, and what is said of them; each once."""
    streets = [*neighbourhood.HOUSES, neighbourhood.SQUARE]
    named = [
        *(venue.name for venue in neighbourhood.VENUES),
        *(zone.name for venue in neighbourhood.VENUES for zone in venue.zones),
        *(place.name for place in streets),
        neighbourhood.LANE,
        *tales.all_texts(),
        *memories.all_texts(),
        *seed.OFFERS.values(),
        *(name for gathering in seed.EVENING for name in (gathering.name, gathering.step)),
        *(text for resident in RESIDENTS for text in (resident.name, resident.about)),
    ]
    return sorted({name for name in named if name})
