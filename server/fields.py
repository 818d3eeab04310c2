"""The kinds of fields that the API reads and writes: times, places, ids and names."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from geo import areas, datums
from server import names

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})\Z")
# Before and after these a date is a slip, and sums of times leave what a calendar can hold.
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def read_moment(value: object) -> dt.datetime:
    """A time as RFC 3339 with its offset; raises ValueError with a sentence."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, str) or not _RFC3339.match(value):
        raise ValueError("a time is RFC 3339 with its offset, such as 2026-03-13T19:30:00+01:00")
    try:
        moment = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value.upper())).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time") from None
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"a time lies between {EARLIEST.year} and {LATEST.year}")
    return moment


def write_moment(moment: dt.datetime) -> str:
    """A time as RFC 3339 in UTC."""
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    dt.datetime,
    BeforeValidator(read_moment),
    PlainSerializer(write_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
NewId = Annotated[
    str | None,
    Field(
        default=None,
        max_length=names.ID_MAX_LENGTH,
        description="lower-case letters, digits and hyphens; made from the name where none is given",
    ),
]
# What is longer is no name; the sentence about what is too long for one is of `names`.
Name = Annotated[str, Field(max_length=1000)]
Text = Annotated[str, Field(max_length=names.TEXT_MAX_LENGTH)]
OfId = Annotated[str, Field(max_length=names.ID_MAX_LENGTH)]
# Bounds are told here and kept by geo.areas, which sees when the two are swapped and says so.
Longitude = Annotated[float, Field(json_schema_extra={"minimum": -180, "maximum": 180})]
Latitude = Annotated[float, Field(json_schema_extra={"minimum": -90, "maximum": 90})]
# Said as a plain list of two: tools that rewrite `prefixItems` for older JSON Schemas are many.
Position = Annotated[
    tuple[float, float],
    WithJsonSchema(
        {
            "type": "array",
            "description": "longitude and latitude in degrees (WGS 84), longitude first",
            "items": {"type": "number", "minimum": -180, "maximum": 180},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
Datum = Annotated[
    datums.Datum,
    Field(
        description="what the positions here were read off: wgs84 (GPS, GeoJSON), gcj02 (Amap, Tencent) or bd09"
        " (Baidu); they are kept as WGS 84"
    ),
]
_RINGS = {
    "type": "array",
    "minItems": 1,
    "maxItems": areas.MAX_POINTS // 4,
    "items": {
        "type": "array",
        "minItems": 4,
        "maxItems": areas.MAX_POINTS,
        "items": {
            "type": "array",
            "minItems": 2,
            "maxItems": 3,
            "items": {"type": "number", "minimum": -20_000, "maximum": 20_000},
        },
    },
}
Polygon = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "a GeoJSON Polygon (WGS 84, longitude first)",
            "required": ["type", "coordinates"],
            "properties": {"type": {"const": "Polygon"}, "coordinates": _RINGS},
        }
    ),
]


class Incoming(BaseModel):
    """What a request says; a field that is not known is refused, since it is a slip."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Outgoing(BaseModel):
    """What an answer says."""

    model_config = ConfigDict(frozen=True)
