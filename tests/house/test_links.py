"""Links in the documentation lead somewhere: to a file that is there, and to a heading that is in it."""

from __future__ import annotations

import re

import pytest

from tests.house import tree

PAGES = [path for path in tree.sources(suffix=".md") if path.relative_to(tree.ROOT).parts[0] in {"docs", "README.md", "README.zh-CN.md", "CHANGELOG.md", "tests", "models"}]  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown page's headings get on the usual forges."""
    found = set()
    for heading in re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE):
        bare = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        found.add(bare.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=tree.name_of)
def test_links_lead_somewhere(page: object) -> None:
    """Every relative link of a page names a file of the repository, and every anchor a heading in it."""
    path = next(known for known in PAGES if known is page)
    broken = []
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_there_are_pages_to_check() -> None:
    """The search for pages finds the ones that people start with."""
    assert {"README.md", "README.zh-CN.md", "docs/why.md", "docs/tour.md", "docs/operations.md"} <= {
        tree.name_of(p) for p in PAGES
    }
