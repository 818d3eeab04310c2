"""Examples for the API's description, made from its schemas: a word of the neighbourhood for each field.

A field takes the first that there is: its own example, WORDS by `Schema.field`, WORDS by its name, one of its values,
and else something of its kind. So what is added to a schema has an example at once; say here what reads better.
"""

from typing import Any

_SQUARE = [[[-30.0, 45.0], [-29.9998, 45.0], [-29.9998, 45.0001], [-30.0, 45.0001], [-30.0, 45.0]]]
_KEY = "8f14e45fceea167a5a36dedd4bea2543c9f0f895fb98ab9159f51fd0297e236d"

WORDS: dict[str, Any] = {
    # Whoever and wherever: the demonstration's neighbourhood, an evening in March.
    "DateOut.date": "2026-03-20T19:30:00",
    "SeriesDate.date": "2026-03-20T19:30:00",
    "SeriesOut.starts_at": "2026-03-13T19:30:00",
    "SeriesOut.ends_before": "2026-06-05T19:30:00",
    "rule": "FREQ=WEEKLY;BYDAY=FR",
    "ReviewIn.words": "A warm room, and nobody minds who loses.",
    "ReviewOut.words": "A warm room, and nobody minds who loses.",
    "ReviewOut.author": "Somebody who was there",
    "DraftIn.text": "Soup for two until it is gone.",
    "InvitationIn.text": "Soup for two until it is gone.",
    "InvitationOut.text": "Soup for two until it is gone.",
    "InvitedOut.text": "Soup for two until it is gone.",
    "DraftIn.until": None,
    "InvitationIn.until": None,
    "InvitationOut.invited": 15,
    "InvitationOut.came": 5,
    "AudienceOut.nearby": 20,
    "AudienceOut.willing": 10,
    "InvitedOut.away_m": 400,
    "InvitedOut.venue_name": "Kettle & Crumb",
    "PreviewOut.look": "Kettle & Crumb invites you, until Fri 13 March 2026, 22:00: Soup for two until it is gone.",
    "AnswerIn.words": "Thank you. Come again.",
    "ReviewOut.answer": "Thank you. Come again.",
    "RatingOut.mean": 4.6,
    "MeetingOut.sentence": "Your badges were heard in the same zone for 40 minutes at Swift night; radio says"
    " nothing about metres or words.",
    "WordOut.sentence": "Your word counts here: you came to 4 gatherings in 90 days.",
    "HomeIn.cell": None,
    "PositionOut.cell": "891f1d48177ffff",
    "centre": [-30.0, 45.0],
    "PositionOut.device": "pixel",
    "PhoneOut.name": "Pixel",
    "PhoneMade.name": "Pixel",
    "NewPhone.name": "Pixel",
    "device": "pixel",
    "login": "dora/pixel",
    "HeardOut.results": ["in"],
    "id": "kettle",
    "name": "Kettle & Crumb",
    "about": "Runs the café on Long Lane.",
    "venue": "kettle",
    "zone": "kettle-bar",
    "event": "swift-night",
    "step": "swift-night-1",
    "community": "swift-watchers",
    "agent": "kettle-door",
    "proposal": "swift-supper",
    "gather": "at-the-bar",
    "interest": "chess",
    "member": "dora",
    "owner": "ben",
    "organizer": "cleo",
    "holder": "dora",
    "email": "dora@longlane.example",
    "language": "en",
    "badge": 427,
    "leads_to": "swift-night",
    "topic_id": 7,
    "post_id": 12,
    "picture": "9f86d081884c7d659a2feaa0c55ad015",
    "label": "M-0427",
    "uuid": "daf246ce-f201-11e4-b116-123b93f75cba",
    "major": 14,
    "minor": 427,
    "time_zone": "Europe/Berlin",
    "location": [-30.0, 45.0],
    "lon": -30.0,
    "lat": 45.0,
    "area": {"type": "Polygon", "coordinates": _SQUARE},
    "level": 0,
    "join_gap_s": 300,
    "rssi_floor": -77,
    "question": "Another round of stories?",
    "choices": ["Yes", "No"],
    "choice": 0,
    "nonce": "4f1b9c0de2a7438a9c55",
    "dwell_signed_up_s": 15.0,
    "dwell_walk_in_s": 90.0,
    "capacity": 40,
    "opens_at": "2026-03-13T17:30:00Z",
    "starts_at": "2026-03-13T18:30:00Z",
    "ends_at": "2026-03-13T21:00:00Z",
    "at": "2026-03-13T18:28:04Z",
    "since": "2026-03-13T18:02:11Z",
    "until": "2026-03-13T20:47:30Z",
    "from": "2026-03-13T18:02:11Z",
    "to": "2026-03-13T20:47:30Z",
    "now": "2026-03-13T20:50:00Z",
    "recorded_at": "2026-03-13T18:28:06Z",
    "last_heard": "2026-03-13T20:47:30Z",
    "state_since": "2026-03-13T20:47:30Z",
    "expires_at": "2026-03-13T18:45:00Z",
    "enrolled_at": "2026-01-09T10:00:00Z",
    "held_since": "2026-01-09T10:00:00Z",
    "held_until": None,
    "late": None,
    "undone_at": None,
    "checked_in_at": "2026-03-13T18:28:04Z",
    "opens_local": "18:30",
    "evidence": "beacon",
    "state": "present",
    "code": "checked_in",
    "sentence": "You are in: your badge was heard for 15 seconds.",
    "heard_s": 15.0,
    "needed_s": 15.0,
    "away_after_s": 30.0,
    "key": _KEY,
    "url": "https://muster.example/sign-in/1f9b",
    "bounds": [-30.0002, 44.9997, -29.9989, 45.0004],
    "streets": {"type": "FeatureCollection", "features": []},
    "status": {"online": True, "boot": "9f3a17c2", "conn": 1, "rev": 3},
    "members": 17,
    "people_simulated": 36,
    "unheard": [],
    "silent": [],
    "refusals": [],
    "limit": 50,
    "direction": "in",
    "position": [-30.0, 45.0],
    "anchor": [-30.0, 45.0],
    "pixels": [[10, 20], [90, 20], [90, 80]],
    "corners": [[-30.0, 45.0], [-29.9, 45.0], [-29.9, 44.9], [-30.0, 44.9]],
    "accuracy_m": 12.0,
    "enter_m": 150.0,
    "exit_m": 250.0,
    "dwell_s": 90.0,
    "outside_m": 20.0,
    "off_m": 10.0,
    "more_s": 90.0,
    "venue_name": "Kettle & Crumb",
    "StandingOut.code": "outside",
    "StandingOut.sentence": "Outside by 20 m. Once there, 90 seconds are needed.",
    "StandingOut.inside": False,
    "StandingOut.steps": ["swift-night-1"],
    "NearOut.sentence": "Somebody of Swift watchers",
    "NearOut.name": None,
    "NearOut.member": None,
    "CheckIn.code": "K7PM2X",
    "CheckInDone.flags": [],
    "version": 3,
    "if-match": '"3"',
    "topic": ["venue/kettle"],
    # Where the schema says more than the field.
    "NewMember.id": "dora",
    "NewMember.name": "Dora Lindqvist",
    "NewMember.about": "Counts swifts.",
    "MemberOut.id": "dora",
    "MemberOut.name": "Dora Lindqvist",
    "MemberOut.about": "Counts swifts.",
    "CommunityChange.name": "Swift watchers of Long Lane",
    "CommunityChange.interests": ["birds"],
    "CommunityChange.picture": None,
    "goal": "Know every nest of Long Lane.",
    "charter": "We are quiet near the nests.",
    "under": None,
    "dissolved_at": None,
    "dissolves_at": None,
    "radius_km": 5.0,
    "Home.name": "Long Lane",
    "HomeOut.name": "Long Lane",
    "home": "Long Lane",
    "CommunityChange.home": {"name": "Long Lane", "location": [-30.0, 45.0], "radius_km": 5.0},
    "CommunityWhole.id": "swift-watchers",
    "CommunityWhole.name": "Swift watchers",
    "CommunityWhole.state": "lively",
    "CommunityOut.state": "lively",
    "NewCommunity.venue": None,
    "ChangeOut.field": "goal",
    "ChangeOut.was": "",
    "ChangeOut.became": "Know every nest of Long Lane.",
    "NewVote.kind": "dissolve",
    "NewVote.member": None,
    "NewVote.called": "",
    "NewVote.about": "",
    "NewVote.reason": "Nobody has seen a swift for years.",
    "VoteOut.kind": "dissolve",
    "VoteOut.called": "",
    "VoteOut.about": "",
    "VoteOut.reason": "Nobody has seen a swift for years.",
    "VoteOut.words": "",
    "VoteOut.sentence": "2 of 9 have voted. 3 are needed.",
    "WordsIn.words": "I am sorry.",
    "EventChange.name": "Swift night, moved inside",
    "NewCommunity.id": "swift-watchers",
    "NewCommunity.name": "Swift watchers",
    "CommunityOut.id": "swift-watchers",
    "CommunityOut.name": "Swift watchers",
    "NewEvent.id": "swift-night",
    "NewEvent.name": "Swift night",
    "EventOut.id": "swift-night",
    "EventOut.name": "Swift night",
    "NewStep.id": "swift-night-1",
    "NewStep.name": "Talk",
    "StepOut.id": "swift-night-1",
    "StepOut.name": "Talk",
    "NewZone.id": "kettle-bar",
    "NewZone.name": "bar",
    "ZoneOut.id": "kettle-bar",
    "ZoneOut.name": "bar",
    "ZoneNow.id": "kettle-bar",
    "ZoneNow.name": "bar",
    "ZoneNow.state": "covered",
    "AgentNow.id": "kettle-door",
    "AgentNow.state": "listening",
    "AgentOut.id": "kettle-door",
    "NewAgent.id": "kettle-door",
    "Enrolled.id": "kettle-door",
    "PiOut.id": "kettle-door",
    "PlacementOut.until": None,
    "NewPlacement.until": None,
    "IdentityOut.until": None,
    "PairingOut.until": None,
    "NewPairing.until": None,
    "CheckInOut.name": "Dora Lindqvist",
    "RefusalOut.code": "too_short",
    "RefusalOut.sentence": "Your badge was heard for 9 seconds; 15 are needed.",
    "WhyBadge.sentence": "Badge M-0427 was heard at the bar 12 seconds ago.",
}
_KINDS: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "null": None,
    "object": {},
}
_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "array": list,
}
_FORMATS = {"date-time": WORDS["at"], "uuid": WORDS["uuid"], "date": "2026-03-13", "uri": WORDS["url"]}


def make(schema: dict[str, Any], schemas: dict[str, Any], field: str = "", of: str = "") -> Any:
    """An example of what a schema describes. schemas: those that `$ref` names. field, of: whose it is."""
    if "$ref" in schema:
        return make(schemas[str(schema["$ref"]).rpartition("/")[2]], schemas)
    for known in (f"{of}.{field}", field):
        if known in WORDS and _fits(WORDS[known], schema):
            return WORDS[known]
    for told in ("example", "const", "default"):
        if schema.get(told):
            return schema[told]
    for told in ("examples", "enum", "anyOf", "oneOf", "allOf"):
        if schema.get(told):
            first = schema[told][0]
            return first if told in ("examples", "enum") else make(first, schemas, field, of)
    if "properties" in schema:
        title = schema.get("title", "")
        return {key: make(part, schemas, key, title) for key, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [make(part, schemas, field, of) for part in schema.get("prefixItems", [schema.get("items", {})])]
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if schema.get("type") in ("integer", "number"):
        return schema.get("minimum", _KINDS[schema["type"]])
    return _KINDS.get(str(schema.get("type")))


def _fits(word: Any, schema: dict[str, Any]) -> bool:
    """Whether a word is one that a field takes: the same name may mean a text here and a number there."""
    options = [option for option in schema.get("anyOf", [schema]) if word in option.get("enum", [word])]
    if not options:
        return False
    kinds = {option.get("type") for option in options}
    if None in kinds:
        return not any("$ref" in option for option in options)
    return any(isinstance(word, _TYPES[kind]) and isinstance(word, bool) == (kind == "boolean") for kind in kinds)
