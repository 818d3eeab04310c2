"""What a function may raise: read from its source and that of all of ours it uses, so that no list has to be kept.

It finds every `raise X` and every `X(...)` handed on, X a MusterError, in whatever the function names: functions,
methods of its parameters, properties of modules, and tables (mappings) that name X. What is caught on the way is found
too: it says what may happen, not what will.
"""

import ast
import functools
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from server.errors import MusterError

_OURS = ("server", "geo")

Errors = frozenset[type[MusterError]]


class Reached(NamedTuple):
    """All that a function uses of ours, itself included, and what of it may be raised."""

    functions: frozenset[Callable[..., Any]]
    errors: Errors


def from_function(*functions: Callable[..., Any]) -> Reached:
    """What these functions reach."""
    seen: set[tuple[Callable[..., Any], type | None]] = set()
    errors: set[type[MusterError]] = set()
    waiting: list[tuple[Any, type | None]] = [(inspect.unwrap(function), None) for function in functions]
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        found, raised = _look(*step)
        waiting.extend(found)
        errors |= raised
    return Reached(frozenset(function for function, _ in seen), frozenset(errors))


@functools.cache
def _look(function: Callable[..., Any], owner: type | None) -> tuple[frozenset[tuple[Any, type | None]], Errors]:
    """The functions of ours that this one names, each with the class whose method it is, and what it raises."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return frozenset(), frozenset()
    known = _names(function, owner)
    found: set[tuple[Any, type | None]] = set()
    errors: set[type[MusterError]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            errors.update(_errors(_value(node.exc, known)))
        elif isinstance(node, ast.Call):
            errors.update(_errors(_value(node.func, known)))
        elif isinstance(node, (ast.Name, ast.Attribute)):
            found.update(_functions(node, known))
            errors.update(_in_table(_value(node, known)))
    return frozenset(found), frozenset(errors)


def _names(function: Callable[..., Any], owner: type | None) -> dict[str, Any]:
    """What names mean inside a function; a parameter means its class."""
    known = dict(getattr(function, "__globals__", {}))
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError):
        hints = {}
    known |= {name: hint for name, hint in hints.items() if isinstance(hint, type) and name != "return"}
    return known if owner is None else known | {"self": owner}


def _value(node: ast.expr | None, known: dict[str, Any]) -> Any:
    """What an expression of names and dots means; None for all others."""
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _value(node.value, known)
        if isinstance(base, (types.ModuleType, type)) and base.__name__ and _is_ours(base):
            return inspect.getattr_static(base, node.attr, None)
    return None


def _errors(value: Any) -> Iterator[type[MusterError]]:
    if isinstance(value, type) and issubclass(value, MusterError):
        yield value


def _in_table(value: Any) -> Iterator[type[MusterError]]:
    """The errors that a table names: what it refuses is raised by whoever looks it up."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _errors(each)
            yield from _in_table(each)


def _functions(node: ast.expr, known: dict[str, Any]) -> Iterator[tuple[Any, type | None]]:
    value = _value(node, known)
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    if not callable(value) or isinstance(value, type):
        return
    function = inspect.unwrap(value)
    if inspect.isfunction(function) and _is_ours(function):
        base = _value(node.value, known) if isinstance(node, ast.Attribute) else None
        yield function, base if isinstance(base, type) else None


def _is_ours(value: Any) -> bool:
    module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
    return str(module).partition(".")[0] in _OURS
