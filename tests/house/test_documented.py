"""What users meet is documented, in both languages: messages, configuration, errors, commands."""

from __future__ import annotations

import inspect
import re
import string
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from patrol import errors, events
from patrol.config.problems import PROBLEMS
from patrol.config.shape import Config
from patrol.errors import PatrolError, Text
from patrol.events import DATA_TYPES, Event, Hazard
from patrol.reference.commands import sentences
from patrol.reference.errors import error_classes
from patrol.reference.examples import examples
from patrol.topics import TOPICS
from patrol.words import CHINESE
from patrol.words.units import UNITS
from tests.house import tree


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every pydantic model that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def reachable(root: type[BaseModel], found: dict[str, type[BaseModel]] | None = None) -> dict[str, type[BaseModel]]:
    """A model and every model within it, by name."""
    found = {} if found is None else found
    if root.__name__ not in found:
        found[root.__name__] = root
        for field in root.model_fields.values():
            for model in models_in(field.annotation):
                reachable(model, found)
    return found


WIRE = {name: model for data_type in DATA_TYPES for name, model in reachable(data_type).items()}
CONFIG = {
    name: model for name, model in reachable(Config).items() if name not in {"Hours", "DaySpan"}
}  # texts in the file
SHAPES: list[type[BaseModel]] = [*WIRE.values(), *CONFIG.values(), Event]
FIELDS = [
    pytest.param(field.description, id=f"{model.__name__}.{name}")
    for model in SHAPES
    for name, field in model.model_fields.items()
]


def placeholders(template: str) -> set[str]:
    """The names in braces of a template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def texts() -> Iterator[tuple[str, Text]]:
    """(name, Text) of every message and remedy that a user can see."""
    for error in error_classes():
        yield f"{error.__name__}.message", error.message
        yield f"{error.__name__}.remedy", error.remedy
    for code, (message, remedy) in PROBLEMS.items():
        yield f"{code}.message", message
        yield f"{code}.remedy", remedy
    for unit, text in UNITS.items():
        yield f"unit {unit}", text


TEXTS = [pytest.param(text, id=name) for name, text in texts()]


def has_chinese(text: str) -> bool:
    """Whether there is a Chinese character in it."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


@pytest.mark.parametrize("name", sorted(tree.docs_builder().PAGES))
def test_the_generated_pages_fit_the_code(name: str) -> None:
    """docs/ holds exactly what the code says today; `make docs` writes it."""
    made = tree.docs_builder().PAGES[name]()
    assert (tree.ROOT / "docs" / name).read_text(encoding="utf-8") == made, "run: make docs"


@pytest.mark.parametrize("description", FIELDS)
def test_every_field_says_what_it_means_in_both_languages(description: str | None) -> None:
    """No field of a message or of the configuration lacks its meaning, in English or in Chinese."""
    assert description, "give it a description"
    assert description in CHINESE, f"add its Chinese to patrol/words/: {description!r}"


@pytest.mark.parametrize("model", [pytest.param(m, id=n) for n, m in sorted((WIRE | CONFIG).items())])
def test_every_message_and_section_is_explained_in_both_languages(model: type[BaseModel]) -> None:
    """Each message, part of a message and section of the configuration has its sentence in both languages."""
    said = " ".join(inspect.cleandoc(model.__doc__ or "").split())
    assert said, "give it a docstring"
    assert said in CHINESE, f"add its Chinese to patrol/words/: {said!r}"


def test_every_message_has_a_row_an_example_and_a_rate_in_both_languages() -> None:
    """A message that is not in the wire table, has no example, or does not say how often it comes, is not documented."""
    assert {row.carries for row in TOPICS} == set(DATA_TYPES) == set(examples())
    assert not [row.rate for row in TOPICS if row.rate not in CHINESE]


def test_every_hazard_is_one_the_configuration_knows() -> None:
    """The wire and the configuration know the same hazards, under the same names."""
    words = get_args(Config.model_fields["dispatch"].annotation.model_fields["deadlines_min"].annotation)[0]  # type: ignore[union-attr]  # the annotation is Dispatch
    assert set(get_args(words)) == {str(hazard) for hazard in Hazard}


@pytest.mark.parametrize("text", TEXTS)
def test_every_error_speaks_both_languages(text: Text) -> None:
    """Each message and remedy exists in English and in Chinese, with the same placeholders, and neither stands in the other."""
    assert text.en.strip()
    assert not has_chinese(text.en)
    assert has_chinese(text.zh)
    assert placeholders(text.en) == placeholders(text.zh)


@pytest.mark.parametrize("text", TEXTS)
def test_chinese_is_punctuated_as_chinese(text: Text) -> None:
    """After a Chinese character comes a Chinese comma, colon, semicolon or full stop."""
    bare = re.sub(r"\[.*?\]|\w+://.*", "", text.zh)  # data and addresses keep their own
    found = [pair for pair in pairwise(bare) if has_chinese(pair[0]) and pair[1] in ",;:.?!"]
    assert not found


@pytest.mark.parametrize("error", [pytest.param(e, id=e.__name__) for e in error_classes()])
def test_every_error_can_be_raised_and_explained(error: type[PatrolError]) -> None:
    """With the facts that its texts name, each error says something in both languages, and its docstring is not inherited."""
    names = set[str]().union(*(placeholders(t.en) for t in (error.message, error.remedy)))
    raised = error(**dict.fromkeys(names, "X"))
    assert error.__doc__ != getattr(error.__mro__[1], "__doc__", None)
    for language in errors.LANGUAGES:
        said = raised.explain(language)
        assert said
        assert not placeholders(said.replace("{NAME}", "").replace("${X}", "")) - {""}


def test_the_error_tree_is_drawn_as_it_is() -> None:
    """The tree in the docstring of patrol/errors/ has every error, each below its parent."""
    drawn, above = dict[str, str](), list[str]()
    for line in (inspect.getdoc(errors) or "").splitlines():
        name = line.lstrip(" │├└─").split(" ")[0]
        if "── " in line or name == "PatrolError":
            depth = (len(line) - len(line.lstrip(" │├└─"))) // 4 - 1
            drawn[name] = above[depth - 1] if depth else ""
            above = [*above[:depth], name]
    assert drawn == {e.__name__: e.__mro__[1].__name__ if e is not PatrolError else "" for e in error_classes()}


def test_every_command_and_option_has_help_in_both_languages() -> None:
    """No command and no option comes without a sentence on what it does, in English and in Chinese."""
    found = list(sentences(tree.programs()))
    assert len(found) > 10
    assert [where for where, english in found if not english] == [], "give them help"
    assert sorted({english for _, english in found} - set(CHINESE)) == [], (
        "add their Chinese to patrol/words/commands.py"
    )


def test_no_chinese_is_left_over() -> None:
    """Every entry of patrol/words still belongs to a sentence of the code, and is Chinese."""
    used = {str(p.values[0]) for p in FIELDS}
    used |= {" ".join(inspect.cleandoc(m.__doc__ or "").split()) for m in SHAPES}
    used |= {row.rate for row in TOPICS} | {english for _, english in sentences(tree.programs())}
    assert sorted(set(CHINESE) - used) == []
    assert sorted(english for english, chinese in CHINESE.items() if not has_chinese(chinese)) == []


def test_the_readers_version_is_the_writers() -> None:
    """Each message's version is a pair of numbers, and its type name is unlike every other."""
    assert len({t.type_name for t in DATA_TYPES}) == len(DATA_TYPES)
    for data_type in DATA_TYPES:
        major, minor = data_type.version
        assert major >= 1
        assert minor >= 0
        assert events.schema_name(data_type).endswith(f":{major}.{minor}")
