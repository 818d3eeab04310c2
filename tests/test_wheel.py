"""The wheel: what it carries, and how little of it a Pi installs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
# What the agent needs of `pip install '.[agent]'` on a Pi, most of it dbus-fast.
MOST_BYTES = 6_000_000
# There is one distribution, so the parts that a Pi never starts lie beside it: code and texts, which take room on its
# card and nothing else (docs/decisions/0021). Twice of what they were when it was decided would be a reason to divide
# it.
MOST_BESIDE_BYTES = 7_000_000
BESIDE = ("server", "gateway", "geo")
# In a plain clone the browser libraries are not installed, so that the wheel built there has none.
BROWSER_LIBRARIES = "server/pages/static/vendor"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    hatchling = Path(sys.executable).with_name("hatchling")
    subprocess.run([hatchling, "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_the_parts_and_nothing_of_the_workshop(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"config", "geo", "beacon_agent", "gateway", "server"}
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]
    for needed in ("config/defaults.toml", "server/migrations/env.py", "server/pages/static/vendor/uplot/uPlot.mjs"):
        assert needed in names


def test_a_pi_installs_little_and_the_agent_says_its_help_without_bleak(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    constraints = tmp_path / "constraints.txt"
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    constraints.write_text("\n".join(line.rstrip("\\ ") for line in locked if line[:1].isalnum()))
    command = [str(UV), "pip", "install", "--quiet", "--no-config", "--python", str(python), "-c", str(constraints)]
    subprocess.run([*command, f"{wheel}[agent]"], check=True)

    (packages,) = venv.glob("lib/python*/site-packages")
    installed = [file for file in packages.rglob("*") if file.is_file() and BROWSER_LIBRARIES not in str(file)]
    beside = [file for file in installed if file.relative_to(packages).parts[0] in BESIDE]
    beside_bytes = sum(file.stat().st_size for file in beside)
    assert sum(file.stat().st_size for file in installed) - beside_bytes < MOST_BYTES
    assert beside_bytes < MOST_BESIDE_BYTES

    agent = venv / "bin" / "muster-agent"
    said = subprocess.run([agent, "--help"], capture_output=True, text=True, check=True)
    assert "muster-agent" in said.stdout
    code = (
        "import contextlib, sys\n"
        "from beacon_agent.main import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "assert 'bleak' not in sys.modules"
    )
    subprocess.run([python, "-c", code], check=True, capture_output=True)
