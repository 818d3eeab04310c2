"""The README in both languages: each leads to the other, and both say the same."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = (ROOT / "README.md").read_text(), (ROOT / "README.zh-CN.md").read_text()


def commands(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


def test_each_leads_to_the_other() -> None:
    assert "(README.zh-CN.md)" in ENGLISH
    assert "(README.md)" in CHINESE


def test_both_have_the_same_parts_commands_and_links() -> None:
    def links(text: str) -> set[str]:
        return set(re.findall(r"\]\(([^)]*)\)", text)) - {"README.md", "README.zh-CN.md"}

    assert ENGLISH.count("\n## ") == CHINESE.count("\n## ")
    assert commands(ENGLISH) == commands(CHINESE)
    assert links(ENGLISH) == links(CHINESE)
    assert set(re.findall(r"MUSTER_\w+=\S+?(?=\s)", ENGLISH)) == set(re.findall(r"MUSTER_\w+=\S+?(?=\s)", CHINESE))


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]*)\)", ENGLISH + CHINESE):
        assert (ROOT / target).exists(), target
