"""Chinese for what pydantic says about a field, and the faults of a document as one fact in both languages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patrol.errors.root import Text
from patrol.errors.translate import translator

CHINESE: dict[str, str] = {
    "Field required": "必须填写",
    "Extra inputs are not permitted": "没有这个字段",
    "Input should be {expected}": "应为 {expected}",
    "{first} or {last}": "{first} 或 {last}",
    "a valid string": "文字",
    "a valid number": "数字",
    "a finite number": "有限的数",
    "a valid integer": "整数",
    "a valid integer, unable to parse string as an integer": "整数",
    "a valid integer, got a number with a fractional part": "整数，而不是小数",
    "a valid number, unable to parse string as a number": "数字",
    "a valid boolean": "true 或 false",
    "a valid boolean, unable to interpret input": "true 或 false",
    "a valid list": "列表",
    "a valid tuple": "列表",
    "a valid dictionary": "映射（键: 值）",
    "a valid datetime": "日期时间",
    "a valid datetime or date, {why}": "日期时间",
    "a valid datetime, {why}": "日期时间",
    "a valid dictionary or instance of {name}": "映射（键: 值）",
    "a valid dictionary or object to extract fields from": "映射（键: 值）",
    "greater than {limit}": "大于 {limit}",
    "greater than or equal to {limit}": "不小于 {limit}",
    "less than {limit}": "小于 {limit}",
    "less than or equal to {limit}": "不大于 {limit}",
    "List should have at least {least} item after validation, not {count}": "至少应有 {least} 项，现有 {count} 项",
    "List should have at least {least} items after validation, not {count}": "至少应有 {least} 项，现有 {count} 项",
    "List should have at most {most} items after validation, not {count}": "至多应有 {most} 项，现有 {count} 项",
    "Tuple should have at least {least} item after validation, not {count}": "至少应有 {least} 项，现有 {count} 项",
    "Tuple should have at least {least} items after validation, not {count}": "至少应有 {least} 项，现有 {count} 项",
    "Tuple should have at most {most} items after validation, not {count}": "至多应有 {most} 项，现有 {count} 项",
    "String should have at least {least} character": "至少应有 {least} 个字符",
    "String should have at least {least} characters": "至少应有 {least} 个字符",
    "String should have at most {most} characters": "至多应有 {most} 个字符",
    "String should match pattern '{pattern}'": "应符合格式 {pattern}",
    "Unable to extract tag using discriminator '{name}'": "必须填写 {name}",
    "Input tag '' found using '{name}' does not match any of the expected tags: {tags}": "{name} 为空，可选：{tags}",
    "Input tag '{tag}' found using '{name}' does not match any of the expected tags: {tags}": "{name} 不能是“{tag}”，可选：{tags}",
    "Invalid JSON: {why}": "不是有效的 JSON：{why}",
    "Value error, {why}": "{why}",
}
MOST = 8  # faults that are told; the rest only counted

_in_chinese = translator(CHINESE)


def fault_in_chinese(message: str) -> str:
    """What pydantic says of one value, in Chinese; as it is where it has no Chinese."""
    return _in_chinese(message)


def faults_said(faults: Iterable[Mapping[str, Any]]) -> Text:
    """The faults of a document (`loc` and `msg` of pydantic's errors) in a row: where, and what is wrong there."""
    told = [(".".join(str(part) for part in fault["loc"]), str(fault["msg"])) for fault in faults]
    en = [f"{where}: {said}" if where else said for where, said in told]
    zh = [f"{where}：{fault_in_chinese(said)}" if where else fault_in_chinese(said) for where, said in told]
    more = len(told) - MOST
    rest = Text(f"; and {more} more", f"；另有 {more} 处") if more > 0 else Text("", "")
    return Text("; ".join(en[:MOST]) + rest.en, "；".join(zh[:MOST]) + rest.zh)
