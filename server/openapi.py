"""The API's description as OpenAPI: what FastAPI knows of the routes, and what a program needs beside it.

Which problems an operation may answer with is read from its code (server/reach.py), examples are made from the schemas
(server/examples.py): neither has to be kept by hand.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from server import examples, problems, protection, reach, requests, versions
from server.errors import Invalid, MusterError, NotFound, TooLarge, TooMany, Unavailable, http_status

PROBLEM = "Problem"
_SAFE = {"get", "head"}
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")

_PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": PROBLEM,
    "description": (
        "Why something was not done (RFC 9457). `code` stays and is what programs go by, docs/problems.md lists all;"
        " `detail` is a sentence for people; `faults` says what is wrong where in the request."
    ),
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "pattern": "^urn:muster:[a-z0-9_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "says"],
                "properties": {"at": {"type": "string"}, "says": {"type": "string"}},
            },
        },
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the app, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _make(app)
    return app.openapi_schema


def _make(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(document["paths"][route.path_format][method.lower()], route, method.lower(), schemas)
    for schema in schemas.values():
        schema["examples"] = [examples.make(schema, schemas)]
    schemas[PROBLEM] = _PROBLEM
    return document


def _complete(operation: dict[str, Any], route: RouteContext, method: str, schemas: dict[str, Any]) -> None:
    """Adds to what FastAPI says of one operation."""
    calls = set(_calls(route.dependant))
    reached = reach.from_function(*calls)
    operation["summary"] = str(route.name).replace("_", " ").capitalize()
    responses = operation["responses"]
    responses.pop("422", None)
    for status, answer in responses.items():
        _complete_answer(answer, schemas)
        if status.startswith("2"):
            answer.setdefault("headers", {}).update(_headers(calls, reached))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content.setdefault("example", examples.make(content["schema"], schemas))
    for parameter in operation.get("parameters", ()):
        name = parameter["name"].lower()
        known = examples.WORDS.get(name, examples.WORDS.get(name.removesuffix("_id")))
        if known is not None and "example" not in parameter:
            parameter["example"] = known
    taken = {*reached.errors, *_before(operation, method, calls)}
    for code, errors in _by_status(taken).items():
        said = responses.get(str(code), {})
        responses[str(code)] = {**_problem_answer(code, errors), **said}


def _complete_answer(answer: dict[str, Any], schemas: dict[str, Any]) -> None:
    if answer.get("description") == "Successful Response":
        answer["description"] = "Done."
    for kind, content in answer.get("content", {}).items():
        if kind == "application/json" and content.get("schema"):
            content.setdefault("example", examples.make(content["schema"], schemas))


def _headers(calls: set[Any], reached: reach.Reached) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if requests.page in calls:
        found["Link"] = {
            "description": 'The address of the next page, `<...>; rel="next"`; not there on the last one.',
            "schema": {"type": "string"},
        }
    if versions.tell in reached.functions:
        found["ETag"] = {
            "description": "The version of this; say it in `If-Match` when you change it.",
            "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
        }
    return found


def _before(operation: dict[str, Any], method: str, calls: set[Any]) -> Iterator[type[MusterError]]:
    """What is answered by what stands before and around the route."""
    if operation.get("parameters") or "requestBody" in operation:
        yield Invalid
    if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
        yield NotFound
    if requests.open_session in calls:
        yield Unavailable
    if method not in _SAFE:
        yield protection.OtherSite
        yield TooLarge


def _by_status(errors: Iterable[type[MusterError]]) -> dict[int, list[type[MusterError]]]:
    found: dict[int, list[type[MusterError]]] = {}
    for error in sorted(errors, key=lambda error: error.code):
        status = http_status(error())
        if status != HTTPStatus.INTERNAL_SERVER_ERROR:
            found.setdefault(status, []).append(error)
    return dict(sorted(found.items()))


def _problem_answer(status: int, errors: list[type[MusterError]]) -> dict[str, Any]:
    """The answer of one status, with its codes and an example of each."""
    codes = sorted({error.code for error in errors})
    answer: dict[str, Any] = {
        "description": " ".join(f"`{error.code}`: {error().detail}" for error in errors),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": f"#/components/schemas/{PROBLEM}"},
                        {"properties": {"status": {"const": status}, "code": {"enum": codes}}},
                    ]
                },
                "examples": {error.code: {"value": problems.body(error())} for error in errors},
            }
        },
    }
    if any(issubclass(error, TooMany) for error in errors):
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
        }
    return answer


def _calls(dependant: Dependant) -> Iterator[Any]:
    """The endpoint and all that it depends on."""
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)
