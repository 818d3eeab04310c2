import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests import processes
from tests.bench import havoc, usage
from tests.bench.havoc import Part


def test_a_plan_follows_from_its_seed_and_strikes_each_kind_alike() -> None:
    plan = havoc.plan(7, every_s=1.0, lasting_s=60.0)
    assert plan == havoc.plan(7, every_s=1.0, lasting_s=60.0)
    assert plan != havoc.plan(8, every_s=1.0, lasting_s=60.0)
    assert [blow.at_s for blow in plan] == sorted(blow.at_s for blow in plan)
    assert plan[-1].at_s <= 60
    assert 45 <= len(plan) <= 80
    counts = Counter(blow.kind for blow in plan)
    assert counts.keys() == set(havoc.KINDS)
    assert max(counts.values()) - min(counts.values()) <= 1


def start(code: str, tmp_path: Path) -> "subprocess.Popen[bytes]":
    return processes.start([sys.executable, "-c", code], tmp_path / "log")


def test_a_killed_process_takes_its_children_with_it(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    process = start(code, tmp_path)
    processes.wait_until(lambda: usage.children_of(process.pid), "there is a child")
    children = usage.children_of(process.pid)
    havoc.kill_family(process)
    assert process.returncode == -9
    assert not any(havoc.lives(child) for child in children)


def test_a_part_that_was_killed_comes_back_when_it_is_due(tmp_path: Path) -> None:
    part = Part("sleeper", lambda: start("import time; time.sleep(60)", tmp_path))
    part.keep(0.0)
    assert part.runs()
    assert part.kill(1.0, 2.0)
    assert not part.kill(1.5, 2.0)
    part.keep(2.9)
    assert not part.runs()
    part.keep(3.0)
    assert part.runs()
    assert part.crashes == 0
    part.stop()


def test_a_part_that_fails_by_itself_is_counted_and_one_that_is_done_is_left_alone(tmp_path: Path) -> None:
    failing = Part("failing", lambda: start("raise SystemExit(3)", tmp_path), ends=True)
    ending = Part("ending", lambda: start("", tmp_path), ends=True)
    for part in (failing, ending):
        part.keep(0.0)
        assert part.process is not None
        part.process.wait(20)
        part.keep(0.5)
    assert (failing.crashes, failing.done) == (1, False)
    assert (ending.crashes, ending.done) == (0, True)
    assert not ending.kill(1.0, 1.0)
