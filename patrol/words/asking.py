"""Chinese for what click says about a command line: errors, hints, headings of its help. Keys are click's own templates.

A test looks at the installed click and fails when it can say something to a user that is not here.
"""

from __future__ import annotations

import re
from functools import cache

CHINESE: dict[str, str] = {
    "Usage:": "用法：",
    "Usage": "用法",
    "Options": "选项",
    "Commands": "命令",
    "Positional arguments": "参数",
    "Show this message and exit.": "显示本帮助并退出。",
    "Show the version and exit.": "显示版本并退出。",
    "default: {default}": "默认：{default}",
    "env var: {var}": "环境变量：{var}",
    "(dynamic)": "（动态）",
    "required": "必填",
    "deprecated": "已弃用",
    "Try '{command} {option}' for help.": "用 '{command} {option}' 查看帮助。",
    "Error: {message}": "错误：{message}",
    "Aborted!": "已中止！",
    "unknown error": "未知错误",
    "Did you mean {possibility}?": "是否想写 {possibility}？",
    "(Did you mean one of: {possibilities}?)": "（是否想写以下之一：{possibilities}？）",
    "Invalid value: {message}": "值无效：{message}",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值无效：{message}",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "Missing parameter": "缺少参数",
    "Missing {param_type}": "缺少 {param_type}",
    "Missing parameter: {param_name}": "缺少参数：{param_name}",
    "Missing command.": "缺少命令。",
    "No such option {name!r}.": "没有选项 {name!r}。",
    "No such command {name!r}.": "没有命令 {name!r}。",
    "Could not open file {filename!r}: {message}": "无法打开文件 {filename!r}：{message}",
    "Choose from:\n\t{choices}": "可选：\n\t{choices}",
    "{value!r} is not {choice}.": "{value!r} 不是 {choice}。",
    "{value!r} is not one of {choices}.": "{value!r} 不是以下之一：{choices}。",
    "{value!r} does not match the format {format}.": "{value!r} 不符合格式 {format}。",
    "{value!r} does not match the formats {formats}.": "{value!r} 不符合任何一种格式：{formats}。",
    "{value!r} is not a valid {number_type}.": "{value!r} 不是有效的 {number_type}。",
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 内。",
    "{value!r} is not a valid boolean. Recognized values: {states}": "{value!r} 不是有效的布尔值。可用：{states}",
    "{value!r} is not a valid UUID.": "{value!r} 不是有效的 UUID。",
    "{name} {filename!r} does not exist.": "{name} {filename!r} 不存在。",
    "{name} {filename!r} is a file.": "{name} {filename!r} 是文件。",
    "{name} {filename!r} is a directory.": "{name} {filename!r} 是文件夹。",
    "{name} {filename!r} is not readable.": "{name} {filename!r} 不可读。",
    "{name} {filename!r} is not writable.": "{name} {filename!r} 不可写。",
    "{name} {filename!r} is not executable.": "{name} {filename!r} 不可执行。",
    "file": "文件",
    "directory": "文件夹",
    "path": "路径",
    "{len_type} values are required, but {len_value} was given.": "需要 {len_type} 个值，只给了 {len_value} 个。",
    "{len_type} values are required, but {len_value} were given.": "需要 {len_type} 个值，给了 {len_value} 个。",
    "Got unexpected extra argument ({args})": "多余的参数（{args}）",
    "Got unexpected extra arguments ({args})": "多余的参数（{args}）",
    "Value must be an iterable.": "值必须是多个。",
    "Takes {nargs} values but 1 was given.": "需要 {nargs} 个值，只给了 1 个。",
    "Takes {nargs} values but {len} were given.": "需要 {nargs} 个值，给了 {len} 个。",
    "Argument {name!r} takes {nargs} values.": "参数 {name!r} 需要 {nargs} 个值。",
    "Option {name!r} does not take a value.": "选项 {name!r} 不带值。",
    "Option {name!r} requires an argument.": "选项 {name!r} 需要一个值。",
    "Option {name!r} requires {nargs} arguments.": "选项 {name!r} 需要 {nargs} 个值。",
}
# what click puts together from pieces, and the words of its types and of ours
PIECES: dict[str, str] = {
    "{first} Did you mean {possibility}?": "{first} 是否想写 {possibility}？",
    "{first} (Did you mean one of: {possibilities}?)": "{first}（是否想写以下之一：{possibilities}？）",
    "Missing argument {hint}.": "缺少参数 {hint}。",
    "Missing option {hint}.": "缺少选项 {hint}。",
    "Missing argument {hint}. {more}": "缺少参数 {hint}。{more}",
    "Missing option {hint}. {more}": "缺少选项 {hint}。{more}",
    "Missing parameter {hint}.": "缺少参数 {hint}。",
    "integer": "整数",
    "number": "数",
    "float": "数",
    "integer range": "整数",
    "float range": "数",
    "{value!r} is not like 5@270": "{value!r} 的写法不像 5@270",
    "{value!r} is not a wind": "{value!r} 不是合理的风",
    "{value!r} is not like 2026-11-24T08:00+08:00": "{value!r} 的写法不像 2026-11-24T08:00+08:00",
    "{value!r} has no offset from UTC": "{value!r} 没有写明与 UTC 的时差",
}


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Templates as patterns, those with most words of their own first: `{first} …` fits nearly everything."""
    both = {**CHINESE, **PIECES}
    ordered = sorted(both, key=lambda t: -len(re.sub(r"\{.*?\}", "", t)))
    return tuple((_pattern(template), both[template]) for template in ordered)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(?:!r)?\}", template)
    text = "".join(re.escape(part) if n % 2 == 0 else f"(?P<{part}>.+?)" for n, part in enumerate(parts))
    return re.compile(text, re.DOTALL)


def in_chinese(said: str) -> str:
    """What click said, in Chinese, piece by piece; what it was told by others stays as it is."""
    for pattern, chinese in _patterns():
        match = pattern.fullmatch(said)
        if match is not None:
            facts = {name: in_chinese(value) for name, value in match.groupdict().items()}
            return chinese.replace("!r}", "}").format_map(facts)
    return said
