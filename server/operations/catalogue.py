"""Keeps the catalogue of texts in step with the code: `make texts` adds what is new and drops what is gone.

Texts come from the templates and from Python (`_`, `gettext`, `ngettext`, `later`), from errors (the template that is
raised, and the first line of each class's docstring), and from the names of the demonstration.
"""

import ast
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from server import texts
from server.operations.demo import names

SERVER = Path(__file__).parents[1]
GEO = SERVER.parent / "geo"
# A command line speaks English.
LEFT_OUT = ("operations", "migrations")
FUNCTIONS = {"_": 1, "gettext": 1, "later": 1, "ngettext": 2}  # and how many of the arguments are texts
# The root of the families of errors: whatever derives from it says what it says to people.
ROOT_ERROR = "MusterError"
PLACE_ERROR = "PlaceError"  # of geo: says what is wrong with a place, within a sentence of ours
WIDTH = 120
HEADER = """\
# What muster says, in Chinese. `make texts` keeps it in step with the code.
msgid ""
msgstr ""
"Language: zh_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""

Id = str | tuple[str, str]


class Found(NamedTuple):
    """A text in the code. id: itself, or both forms of one with a number. path: within server/."""

    id: Id
    path: str
    context: str | None = None


def extract() -> Iterator[Found]:
    """All texts there are, some several times."""
    for template in sorted(SERVER.glob("**/templates/**/*.html")):
        path = template.relative_to(SERVER).as_posix()
        with template.open("rb") as file:
            for _, name, message, _ in babel_extract(file, tuple(FUNCTIONS), (), {"silent": "false"}):
                # What is filled in stands after the texts, as None.
                said = [message] if isinstance(message, str) else list(message or ())
                yield Found(_id(said[: FUNCTIONS[name]]), path)
    yield from _extract_python()
    for name in names.all_names():
        yield Found(name, "operations/demo", texts.DEMO)


def _extract_python() -> Iterator[Found]:
    trees = {
        path.relative_to(SERVER).as_posix(): ast.parse(path.read_text())
        for path in sorted(SERVER.rglob("*.py"))
        if path.relative_to(SERVER).parts[0] not in LEFT_OUT
    }
    trees |= {f"geo/{path.name}": ast.parse(path.read_text()) for path in sorted(GEO.glob("*.py"))}
    errors = error_classes(trees.values())
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = last_name(node.func)
                count = 1 if name in errors else FUNCTIONS.get(name, 0)
                said = [arg.value for arg in node.args[:count] if isinstance(arg, ast.Constant)]
                if count and len(said) == count:
                    yield Found(_id(said), path)
            elif isinstance(node, ast.ClassDef) and node.name in errors:
                yield Found((ast.get_docstring(node) or "").splitlines()[0], path)


def error_classes(trees: Iterable[ast.Module]) -> set[str]:
    """The names of all classes of errors that have something to say to people."""
    bases = {
        node.name: {last_name(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {ROOT_ERROR, PLACE_ERROR}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def last_name(node: ast.expr) -> str:
    """`Refused` of both `Refused` and `errors.Refused`."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _id(texts_: Sequence[Any]) -> Id:
    return texts_[0] if len(texts_) == 1 else (texts_[0], texts_[1])


def made_anew(known: bytes) -> bytes:
    """The catalogue with exactly the texts there are, sorted; translations are taken from `known`."""
    before = read_po(io.BytesIO(known))
    fresh = Catalog(locale="zh_CN")
    for found in extract():
        id_ = found.id if isinstance(found.id, str) else found.id[0]
        old = before.get(id_, found.context)
        fresh.add(found.id, old.string if old else None, [(found.path, 0)], context=found.context)
    written = io.BytesIO()
    write_po(written, fresh, width=WIDTH, omit_header=True, sort_output=True, include_lineno=False)
    return HEADER.encode() + written.getvalue()


def missing(catalogue: bytes) -> list[str]:
    """The texts that have no translation yet."""
    return [str(message.id) for message in read_po(io.BytesIO(catalogue)) if message.id and not _is_said(message)]


def _is_said(message: Any) -> bool:
    said = [message.string] if isinstance(message.string, str) else message.string
    return bool(said) and all(said) and not message.fuzzy


def main() -> int:
    """Writes the catalogue anew; returns 1 and lists them while texts wait for a translation."""
    path = texts.CATALOGUES[texts.CHINESE]
    written = made_anew(path.read_bytes() if path.exists() else HEADER.encode())
    path.write_bytes(written)
    waiting = missing(written)
    for message in waiting:
        print(f"not translated yet: {message}")
    print(f"{path}: {len(waiting)} texts wait for a translation")
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
