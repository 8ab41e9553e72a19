"""docs/errors.md: every error and every problem of a configuration, in both languages."""

from __future__ import annotations

from patrol import errors
from patrol.config.problems import PROBLEMS
from patrol.errors import PatrolError, Text
from patrol.reference.tables import GENERATED, page, table


def error_classes(root: type[PatrolError] = PatrolError) -> list[type[PatrolError]]:
    """Every error of patrol/errors/, parents first, in the order of the files."""
    found = [root]
    for child in root.__subclasses__():
        if child.__module__.startswith(errors.__name__ + "."):
            found += error_classes(child)
    return found


def _said(message: Text, remedy: Text) -> list[str]:
    def line(text: str) -> str:
        return " ".join(text.split())

    return [f"{line(message.en)} *{line(remedy.en)}*", f"{line(message.zh)} *{line(remedy.zh)}*"]


def errors_page() -> str:
    """The text of docs/errors.md."""
    rows, own = [], {"message", "remedy"}
    for error in error_classes():
        depth = len(error.__mro__) - len(PatrolError.__mro__)
        name = "&nbsp;&nbsp;" * depth + f"`{error.__name__}`"
        said = _said(error.message, error.remedy) if own & set(vars(error)) else ["", ""]
        rows.append([name, (error.__doc__ or "").strip().splitlines()[0], *said])
    problems = [[f"`{code}`", *_said(message, remedy)] for code, (message, remedy) in PROBLEMS.items()]
    return page(
        [
            GENERATED,
            "",
            "# Errors 错误一览",
            "",
            "Each error says what happened and, in italics here, what to do. `{…}` is filled in when it is raised.",
            "A row without words of its own groups those under it.",
            "",
            "每个错误都说明发生了什么，并（此处用斜体）说明该怎么办。`{…}` 在出错时填入。没有文字的行是下面各行的类别。",
            "",
            *table(["error", "when", "English", "中文"], rows),
            "",
            "## Problems of a configuration 配置问题",
            "",
            "`patrol check-config` lists them all at once, each as `file:line: field: what is wrong. What to do.`",
            "",
            "`patrol check-config` 一次列出全部问题，格式为 `文件:行: 字段: 问题。怎么办。`",
            "",
            *table(["problem", "English", "中文"], problems),
        ]
    )
