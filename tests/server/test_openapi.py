"""The API's description: complete, true to what is checked, and with examples that fit."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

from server import examples, reach
from server.communities import service as communities
from server.errors import Conflict, Invalid
from server.live.hub import Hub
from server.live.rights import TopicUnknown
from server.people import service as people
from tests.server.conftest import As

PROBLEM = "application/problem+json"


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = app.openapi()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that can be read by itself."""
    return {**schema, "components": document["components"]}


def test_anonymous_is_refused(as_: As) -> None:
    assert as_(None).get("/api/openapi.json").json()["code"] == "sign_in_needed"


def test_every_operation_says_what_it_does_and_what_may_go_wrong(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], f"{name}: give the route a docstring"
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "503" in refusals, name
        assert "401" in refusals or name == "POST /api/sign-in" or not operation.get("security"), name
        if not name.startswith("GET"):
            assert {"403", "413"} <= set(refusals), name
        for answer in refusals.values():
            assert list(answer["content"]) == [PROBLEM], name
            assert answer["description"], name


def test_problems_are_read_from_the_code(document: dict[str, Any]) -> None:
    def codes(path: str, method: str, status: int) -> set[str]:
        answer = document["paths"][path][method]["responses"][str(status)]
        return set(answer["content"][PROBLEM]["schema"]["allOf"][1]["properties"]["code"]["enum"])

    assert codes("/api/events/{event_id}/sign-up", "put", 403) == {
        *("already_begun", "called_off", "event_over", "members_only", "not_announced", "other_site"),
        *("party_too_large", "said_no"),
    }
    assert codes("/api/members", "post", 409) == {"member_exists"}
    assert codes("/api/communities", "post", 409) >= {"community_exists", "conflict"}
    assert codes("/api/members", "get", 403) == {"operators_only"}
    assert codes("/api/members", "get", 422) == {"cursor_unknown", "invalid", "address_invalid"}
    assert "topic_unknown" in codes("/api/live", "get", 404)


def test_what_a_function_raises_is_found_through_others_modules_and_methods() -> None:
    assert people.MemberUnknown in reach.from_function(communities.join).errors
    assert {Conflict, Invalid} & reach.from_function(communities.list_all).errors == set()
    assert TopicUnknown in reach.from_function(_opens_a_stream).errors


def _opens_a_stream(hub: Hub) -> object:
    return hub.join


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    checked = 0
    for name, operation in operations(document):
        described = [operation.get("requestBody", {}), *operation["responses"].values()]
        for kind, content in ((kind, each) for part in described for kind, each in part.get("content", {}).items()):
            if kind not in ("application/json", PROBLEM):
                continue
            shown = [content["example"]] if "example" in content else []
            shown += [each["value"] for each in content.get("examples", {}).values()]
            assert shown, f"{name}: no example"
            for example in shown:
                jsonschema_rs.validate(resolved(document, content["schema"]), example)
                checked += 1
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                jsonschema_rs.validate(resolved(document, parameter["schema"]), parameter["example"])
    assert checked > 100


def test_examples_are_of_the_neighbourhood(document: dict[str, Any]) -> None:
    content = document["paths"]["/api/venues"]["post"]["requestBody"]["content"]["application/json"]
    assert content["example"]["name"] == "Kettle & Crumb"
    assert content["example"]["zones"][0]["name"] == "bar"
    own = {name.rpartition(".")[0] for name in examples.WORDS if "." in name}
    titles = {schema["title"] for schema in document["components"]["schemas"].values()}
    assert own <= titles, "examples.WORDS speaks of schemas that are no more"


def unbounded(schema: dict[str, Any], schemas: dict[str, Any], at: str) -> Iterator[str]:
    """Where in what comes in something could be of any size."""
    if "$ref" in schema:
        yield from unbounded(schemas[schema["$ref"].rpartition("/")[2]], schemas, at)
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key, ()):
            yield from unbounded(option, schemas, at)
    kind = schema.get("type")
    if kind == "string" and not {"maxLength", "format", "enum", "const", "pattern"} & set(schema):
        yield f"{at}: a text without max_length"
    if kind in ("integer", "number"):
        low = {"minimum", "exclusiveMinimum"} & set(schema)
        high = {"maximum", "exclusiveMaximum"} & set(schema)
        if not (low and high) and "enum" not in schema:
            yield f"{at}: a number without ge and le"
    if kind == "array":
        if "maxItems" not in schema:
            yield f"{at}: a list without max_length"
        for part in (*schema.get("prefixItems", ()), *([schema["items"]] if schema.get("items") else [])):
            yield from unbounded(part, schemas, f"{at}[]")
    if kind == "object":
        if "maxProperties" in schema and isinstance(schema.get("additionalProperties"), dict):
            yield from unbounded(schema["additionalProperties"], schemas, f"{at}[]")
        elif "properties" not in schema:
            yield f"{at}: an object of any fields"
        for name, part in schema.get("properties", {}).items():
            yield from unbounded(part, schemas, f"{at}.{name}")


def test_everything_that_comes_in_is_bounded(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    found: list[str] = []
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "header" or parameter["name"].lower() == "if-match":
                found += unbounded(parameter["schema"], schemas, f"{name} ?{parameter['name']}")
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found += unbounded(content["schema"], schemas, name)
    assert found == [], "bound it with Field(max_length=..., ge=..., le=...)"


def test_lists_say_where_the_next_page_is(document: dict[str, Any]) -> None:
    answer = document["paths"]["/api/members"]["get"]["responses"]["200"]
    assert 'rel="next"' in answer["headers"]["Link"]["description"]
    assert "Link" not in document["paths"]["/api/me"]["get"]["responses"]["200"].get("headers", {})


def test_streams_are_described(document: dict[str, Any]) -> None:
    for path in ("/api/live", "/api/me/live", "/api/venues/{venue_id}/live", "/api/events/{event_id}/live"):
        answer = document["paths"][path]["get"]["responses"]["200"]
        assert list(answer["content"]) == ["text/event-stream"]
        assert "snapshot" in answer["description"]


def test_the_ways_to_sign_in_are_described(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["muster_session"]["in"] == "cookie"
    assert {"muster_session": []} in document["paths"]["/api/me"]["get"]["security"]
