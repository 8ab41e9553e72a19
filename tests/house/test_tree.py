"""The shape of the tree: short modules, telling names, reasons beside exceptions, nothing secret or of one machine."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import tree

MAX_LINES = 400
MAX_TEST_LINES = 500  # one subject's examples belong together
# Names that say nothing about what is inside.
FORBIDDEN_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "manager", "base"}
TEXT_SUFFIXES = {"", ".cfg", ".css", ".html", ".json", ".md", ".mjs", ".py", ".sh", ".toml", ".ts", ".tsx", ".txt", ".yaml", ".yml", ".conf", ".service"}  # fmt: skip
MACHINE = re.compile(
    r"(?<![\w.$])/(?:work|root|opt/pypi|Users)/"  # a folder of one machine
    r"|(?<![\w.])/home/(?!patrol\b)\w+"
    r"|\b(?:registry\.npmjs|registry\.yarnpkg|registry\.npmmirror|files\.pythonhosted|test\.pypi)\b"  # a package registry
    r"|\bpypi\.org\b|\b(?:deb|security|snapshot)\.debian\.org\b|\bpypi\.tuna\b"
)
SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bxox[abp]-[A-Za-z0-9-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\."
)
PYTHON = tree.sources()
PRODUCT = [path for path in tree.sources("patrol", "edge") if "tests" not in path.parts]
TESTS = [path for path in tree.sources("tests") if path.name.startswith("test_")]
THIS = Path(__file__)


def texts() -> Iterator[tuple[str, str]]:
    """(name, content) of every tracked text file but this one, which must name what it looks for."""
    for path in tree.tracked():
        if path.suffix in TEXT_SUFFIXES and path != THIS and path.stat().st_size < 4_000_000:
            try:
                yield tree.name_of(path), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a binary file without a suffix


def comments(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every comment of a Python file."""
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def test_modules_are_short() -> None:
    """No source has 400 lines or more, no test 500: what grows longer is two things, and is split."""
    files = [*PYTHON, *tree.sources(suffix=".ts"), *tree.sources(suffix=".tsx")]
    assert len(files) > 50
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in files}
    limits = {path: MAX_TEST_LINES if path.name.startswith("test_") else MAX_LINES for path in files}
    long = {tree.name_of(path): lines[path] for path in files if lines[path] >= limits[path]}
    assert long == {}


def test_names_say_what_is_inside() -> None:
    """No file or folder is called util, common, helpers, misc, manager or base."""
    parts = {part for path in tree.tracked() for part in path.relative_to(tree.ROOT).parts}
    assert {part for part in parts if Path(part).stem.lower().strip("_") in FORBIDDEN_NAMES} == set()


def test_nothing_of_one_machine_stands_in_the_tree() -> None:
    """No tracked file holds a path of a developer's machine or the host of a package registry."""
    found = {name: match.group() for name, text in texts() if (match := MACHINE.search(text))}
    assert found == {}


def test_no_secret_stands_in_the_tree() -> None:
    """No tracked file holds a private key, a cloud key or a token; passwords in examples are `${NAME}`."""
    found = {name: match.group()[:12] for name, text in texts() if (match := SECRETS.search(text))}
    assert found == {}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE, "see /ro" + "ot/x"),
        (MACHINE, "at /home/" + "alice/patrol"),
        (MACHINE, '"https://registry.' + 'npmjs.org/a"'),
        (SECRETS, "-----BEGIN RSA PRIVATE " + "KEY-----"),
        (SECRETS, "AKIA" + "ABCDEFGHIJKLMNOP"),
    ],
)
def test_the_searches_find_what_they_look_for(pattern: re.Pattern[str], text: str) -> None:
    """Each pattern finds an example of what it is meant to keep out."""
    assert pattern.search(text)


def test_no_large_or_foreign_file() -> None:
    """Git keeps no clip, no pretrained weights, no archive, and nothing above 12 MB."""
    names = [
        tree.name_of(p) for p in tree.tracked() if p.suffix in {".mp4", ".pt", ".pth", ".zip", ".whl", ".so", ".pyc"}
    ]
    assert names == []
    assert [tree.name_of(p) for p in tree.tracked() if p.stat().st_size > 12_000_000] == []


def test_every_dependency_has_its_reason() -> None:
    """docs/decisions/0002-dependencies.md has a row for each package that pyproject.toml names, and for no other."""
    project = tree.project()["project"]
    wanted = set[str]()
    for requirement in [*project["dependencies"], *(r for rs in project["optional-dependencies"].values() for r in rs)]:
        name = re.match(r"[A-Za-z0-9.-]+", requirement)
        assert name is not None
        wanted.add(name.group().lower())
    page = (tree.ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    told = {name.lower() for name in re.findall(r"^\| `([A-Za-z0-9.-]+)`", page, re.MULTILINE)}
    assert told == wanted - {"sky-ground-patrol"}


def test_every_lint_exception_has_its_reason() -> None:
    """Each rule that pyproject.toml switches off, for all files or for some, has its reason on the same line."""
    text = (tree.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text[text.index("[tool.ruff.lint]") : text.index("[tool.mypy]")]
    section = section[section.index("ignore = [") :]
    codes = [line for line in section.splitlines() if re.search(r'"[A-Z]+\d+"', line)]
    assert len(codes) > 15
    assert [line for line in codes if not re.search(r"#\s*\S.{4,}", line)] == []


@pytest.mark.parametrize("path", PYTHON, ids=tree.name_of)
def test_every_exception_in_the_code_has_its_reason(path: Path) -> None:
    """`noqa` names its rule and why; `type: ignore` names its error and why."""
    wrong = [
        f"{line}: {text}"
        for line, text in comments(path)
        if ("noqa" in text and not re.search(r"noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*( - |\s+# )\S.{5,}", text))
        or ("type: ignore" in text and not re.search(r"# type: ignore\[[a-z, -]+\]\s+# \S.{5,}", text))
    ]
    assert wrong == []


def public(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """(name, node) of a module and of every public class, function and method in it."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    yield tree.name_of(path), module

    def inside(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith(
                "_"
            ):
                yield f"{prefix}.{child.name}", child
                if isinstance(child, ast.ClassDef):
                    yield from inside(child, f"{prefix}.{child.name}")

    yield from inside(module, tree.name_of(path))


def documented(node: ast.AST) -> bool:
    """Whether a module, class or function has a docstring."""
    return isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and bool(
        ast.get_docstring(node)
    )


@pytest.mark.parametrize("path", PRODUCT, ids=tree.name_of)
def test_what_is_public_is_explained(path: Path) -> None:
    """Every module, public class, function and method of the product has a docstring."""
    silent = [name for name, node in public(path) if not documented(node)]
    assert silent == []


@pytest.mark.parametrize("path", TESTS, ids=tree.name_of)
def test_every_test_says_what_it_proves(path: Path) -> None:
    """Each test function has a docstring of its own."""
    silent = [name for name, node in public(path) if ".test_" in name.replace("/test_", "/") and not documented(node)]
    assert silent == []


BROAD = {"BaseException", "Exception", "PatrolError", "OSError", "ValueError"}


def caught_by(handler: ast.ExceptHandler) -> set[str]:
    """The names of the errors that a handler catches; BaseException for a bare one."""
    if handler.type is None:
        return {"BaseException"}
    return {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", PRODUCT, ids=tree.name_of)
def test_no_error_is_swallowed(path: Path) -> None:
    """What is caught broadly is neither everything without a reason beside it, nor passed over in silence."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.ExceptHandler) and caught_by(node) & BROAD:
            everything = bool(caught_by(node) & {"BaseException", "Exception"})
            reasoned = "noqa: BLE001 - " in lines[node.lineno - 1]  # the outermost loop of a process or thread
            last = node.body[-1].end_lineno or node.lineno
            silent = [type(part) for part in node.body] == [ast.Pass] and "#" not in "".join(
                lines[node.lineno - 1 : last]
            )
            translated = isinstance(node.body[-1], ast.Raise)
            if (everything and not reasoned and not translated) or silent:
                found.append(node.lineno)
    assert found == []
