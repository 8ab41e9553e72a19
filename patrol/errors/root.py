"""What every error has: a message and a remedy, each in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from patrol.errors.causes import NAMED, cause_in_chinese

Language = Literal["en", "zh-CN"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")


class Text(NamedTuple):
    """One sentence in both languages. Placeholders are the same in each."""

    en: str
    zh: str

    def render(self, language: Language, **facts: object) -> str:
        """The sentence in `language` with `facts` filled in. KeyError names a fact that was not given.

        A fact may itself be a Text (without placeholders); it is then said in the same language. So is a cause that
        stands in causes.py.
        """
        said = {name: _fact(name, fact, language) for name, fact in facts.items()}
        return self.said_in(language).format(**said)

    def said_in(self, language: Language) -> str:
        """The template in `language`."""
        return self.zh if language == "zh-CN" else self.en


def listed(texts: Iterable[Text]) -> Text:
    """Several things in a row, as one."""
    said = list(texts)
    return Text(", ".join(t.en for t in said), "、".join(t.zh for t in said))


def _fact(name: str, fact: object, language: Language) -> object:
    if isinstance(fact, Text):
        return fact.said_in(language)
    if language == "zh-CN" and name in NAMED and isinstance(fact, str | Exception):
        return cause_in_chinese(str(fact))
    return fact


class PatrolError(Exception):
    """The root: catch this to catch everything the product raises on purpose."""

    message: ClassVar[Text] = Text("Something went wrong.", "出错了。")
    remedy: ClassVar[Text] = Text("Read the cause below.", "请看下面的原因。")

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.explain("en"))

    def explain(self, language: Language) -> str:
        """What happened and what to do about it, in one line unless the message is a report of many."""
        message, remedy = self.message.render(language, **self.facts), self.remedy.render(language, **self.facts)
        return message + ("" if message.endswith("\n") else " ") + remedy
