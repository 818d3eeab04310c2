"""The API's description: a page of our own that loads nothing from elsewhere, made from the same OpenAPI document."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from server.pages import render
from server.people import access

OPENAPI_PATH = "/api/openapi.json"
router = APIRouter(include_in_schema=False)


@router.get(OPENAPI_PATH)
def give_openapi(request: Request) -> JSONResponse:
    """The OpenAPI document."""
    return JSONResponse(request.app.openapi())


@router.api_route("/api/docs", methods=["GET", "HEAD"])
def show_docs(request: Request, viewer: access.Viewer) -> Response:
    """All operations by capability, each with what it takes and gives."""
    document = request.app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault((operation.get("tags") or ["other"])[0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "says": operation.get("description") or operation.get("summary", ""),
                    "takes": _fields(document, _schema_of(operation.get("requestBody", {}))),
                    "gives": _name(_schema_of(_success(operation))),
                }
            )
    return render.page(
        request,
        "api_docs.html",
        viewer=viewer,
        groups=groups,
        openapi=OPENAPI_PATH,
        version=document["info"]["version"],
    )


def _success(operation: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        (answer for status, answer in operation["responses"].items() if status.startswith("2")), {}
    )
    return found


def _schema_of(part: dict[str, Any]) -> dict[str, Any]:
    for content in part.get("content", {}).values():
        found: dict[str, Any] = content.get("schema", {})
        return found
    return {}


def _name(schema: dict[str, Any]) -> str:
    """A schema in a few words: `Venue`, `list of Venue`, `text`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_name(schema.get('items', {}))}"
    kinds = [_name(option) for option in schema.get("anyOf", [])]
    return " or ".join(kinds) if kinds else str(schema.get("format") or schema.get("type") or "")


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" not in schema:
        return []
    model = document["components"]["schemas"][_name(schema)]
    required = set(model.get("required", ()))
    return [
        {"name": name, "kind": _name(field), "required": name in required}
        for name, field in model.get("properties", {}).items()
    ]
