"""The folders: what stands where, who may import whom, and that no circles grow."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("config", "geo", "beacon_agent", "gateway", "server")
OTHERS = {"docs", "tests", ".ci"}
# The table of docs/architecture.md: part -> what of ours it may import besides itself.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "config": (),
    "geo": (),
    "beacon_agent": ("config",),
    "gateway": ("server", "geo", "config", "beacon_agent.wire"),
    "server": ("geo", "config"),
    "server.fleet": ("geo", "config", "beacon_agent.wire"),
}
# Imports lead only to what stands further up. Above all stand the single modules beside the capabilities (database,
# errors, names ...), which may use each other.
SERVER_ORDER = (
    "outward",
    "jobs",
    "mail",
    "limits",
    "audit",
    "people",
    "inbox",
    "interests",
    "pictures",
    "venues",
    "fleet",
    "badges",
    "communities",
    "events",
    "consent",
    "presence",
    "checkins",
    "positions",
    "doors",
    "corrections",
    "fences",
    "sharing",
    "calendars",
    "turnout",
    "met",
    "company",
    "phones",
    "governance",
    "proposals",
    "face_to_face",
    "posts",
    "pulse",
    "recaps",
    "mornings",
    "messages",
    "reviews",
    "fans",
    "stamps",
    "nearby",
    "popups",
    "audience",
    "invitations",
    "moving",
    "erasure",
    "exports",
    "webhooks",
    "live",
    "demo",
    "pages",
    "problems",  # what went wrong is told as a page, too
    "protection",
    "openapi",  # it describes all of the above
    "health",
    "routing",
    "app",
    "main",
    "migrations",
    "operations",
)
AGENT_MAY_USE = {"bleak", "dbus_fast", "paho"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "misc", "util", "helper"}
MOST_LINES = 450


@dataclass(frozen=True, slots=True)
class Import:
    """One import of one of our modules."""

    by: str
    of: str
    line: int
    at_start: bool  # not within a function

    def __str__(self) -> str:
        return f"{self.by} (line {self.line}) imports {self.of}"


def list_tracked() -> list[Path]:
    """The files of the checkout, those not yet added too; not what is installed or built in it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).exists()]


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    return list_tracked()


@pytest.fixture(scope="module")
def sources(tracked: list[Path]) -> dict[str, Path]:
    return {module_name(path): path for path in tracked if path.suffix == ".py" and path.parts[0] in PACKAGES}


@pytest.fixture(scope="module")
def imports(sources: dict[str, Path]) -> list[Import]:
    return [found for module, path in sources.items() for found in _imports_of(module, path, set(sources))]


def _imports_of(module: str, path: Path, known: set[str]) -> Iterator[Import]:
    tree = ast.parse((ROOT / path).read_text())
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    within_functions = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        targets: list[str] = []
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            # `from server import checkins` means the module server.checkins
            targets = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base for alias in node.names]
        for target in targets:
            yield Import(module, target, getattr(node, "lineno", 0), id(node) not in within_functions)


def is_within(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def server_rank(module: str, sources: dict[str, Path]) -> int:
    name = module.split(".")[1]
    if name in SERVER_ORDER:
        return 1 + SERVER_ORDER.index(name)
    assert sources[f"server.{name}"].name != "__init__.py", f"server/{name} has no place in the order of capabilities"
    return 0


def test_the_top_level_holds_the_five_parts_and_nothing_unexpected(tracked: list[Path]) -> None:
    folders = {path.parts[0] for path in tracked if len(path.parts) > 1}
    assert folders == {*PACKAGES, *OTHERS}


def test_every_folder_of_python_is_a_package(tracked: list[Path]) -> None:
    folders = {path.parent for path in tracked if path.suffix == ".py"}
    assert [str(folder) for folder in sorted(folders) if folder / "__init__.py" not in tracked] == []


def test_nothing_is_called_by_a_name_that_says_nothing(tracked: list[Path]) -> None:
    assert [str(path) for path in tracked if FORBIDDEN_NAMES & {path.stem, *path.parts}] == []


def test_every_module_says_what_it_is_for(sources: dict[str, Path]) -> None:
    silent = [module for module, path in sources.items() if not ast.get_docstring(ast.parse((ROOT / path).read_text()))]
    assert silent == []


def test_no_file_outgrows_one_sitting(tracked: list[Path]) -> None:
    code = [path for path in tracked if path.suffix in {".py", ".js", ".mjs"} and "migrations" not in path.parts]
    assert [str(path) for path in code if len((ROOT / path).read_text().splitlines()) > MOST_LINES] == []


def test_parts_import_only_what_they_may(imports: list[Import]) -> None:
    wrong = []
    for found in imports:
        own, target = found.by.split(".")[0], found.of.split(".")[0]
        if target == own or target not in {*PACKAGES, "tests"}:
            continue
        allowed = MAY_IMPORT["server.fleet" if is_within(found.by, "server.fleet") else own]
        if not any(is_within(found.of, part) for part in allowed):
            wrong.append(str(found))
    assert wrong == []


def test_the_agent_needs_bleak_and_paho_alone(imports: list[Import]) -> None:
    standard = set(sys.stdlib_module_names)
    wrong = [
        str(found)
        for found in imports
        if is_within(found.by, "beacon_agent")
        and found.of.split(".")[0] not in standard | AGENT_MAY_USE | {"beacon_agent", "config"}
    ]
    assert wrong == []


def test_config_needs_the_standard_library_alone(imports: list[Import]) -> None:
    outside = [
        str(found)
        for found in imports
        if is_within(found.by, "config") and found.of.split(".")[0] not in {*sys.stdlib_module_names, "config"}
    ]
    assert outside == []


def test_capabilities_import_only_what_stands_above_them(imports: list[Import], sources: dict[str, Path]) -> None:
    wrong = []
    for found in imports:
        if not (found.by.startswith("server.") and found.of.startswith("server.")):
            continue
        by, of = server_rank(found.by, sources), server_rank(found.of, sources)
        same = found.by.split(".")[1] == found.of.split(".")[1] or by == of == 0
        if not same and of >= by:
            wrong.append(str(found))
    assert wrong == []


def test_the_operations_start_the_other_parts_and_import_none(imports: list[Import]) -> None:
    started = ("gateway", "beacon_agent", "server.app", "server.main")
    wrong = [
        str(found)
        for found in imports
        if is_within(found.by, "server.operations") and any(is_within(found.of, part) for part in started)
    ]
    assert wrong == []


def test_modules_form_no_circles(imports: list[Import], sources: dict[str, Path]) -> None:
    graph: dict[str, set[str]] = {module: set() for module in sources}
    for found in imports:
        # A package that lists what it holds is no circle: what it holds does not import it.
        if found.of in sources and found.of != found.by:
            graph[found.by].add(found.of)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_tests_mirror_the_folders(tracked: list[Path]) -> None:
    free = {"journeys", "bench", "operations_journeys"}
    wrong = [
        str(path)
        for path in tracked
        if path.parts[0] == "tests"
        and len(path.parts) > 2
        and path.parts[1] not in free
        and not (ROOT / Path(*path.parts[1:-1])).is_dir()
    ]
    assert wrong == []
