"""docs/wire.md: the wire table, and every message with its fields, types, units and an example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from patrol.events import DATA_TYPES, Data, Event, schema_name
from patrol.reference.examples import examples
from patrol.reference.tables import GENERATED, Schema, default_text, page, table, type_text, unit_text
from patrol.topics import ABSOLUTE_MAX_BYTES, PREFIX, TOPICS, topic_for
from patrol.words import chinese

RULES = f"""\
- Every message is a [CloudEvent 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) in structured
  JSON, UTF-8. `id` stays the same across retries: who receives a message twice acts once. `time` is when it *happened*.
- `dataschema` carries `major.minor`. Within a major version fields are only added: ignore what you don't know. A reader
  refuses a newer major version and keeps the message as a dead letter.
- Topics live under `{PREFIX}/<district>/`. Don't take a topic apart: what a message is about stands in the message. One
  that comes where its sender may not speak is refused.
- No message is longer than its row allows, and none than {ABSOLUTE_MAX_BYTES // 1024} KiB; files go by upload, addressed by their SHA-256.
- A box keeps every alert until the *centre* has acknowledged it; the broker's own acknowledgement is not enough. Its
  messages are numbered in `sequence`, so that a gap shows.
- Status messages are retained and have a last will. `session` grows with every start: ignore a status whose session is
  older than one you have seen.
- `late` says that a message comes later than it should; its `time` is still true. `drill` marks exercises, end to end:
  they never reach a real dispatch.
- MQTT 5 where the broker speaks it, otherwise 3.1.1; nothing here needs 5.
- Positions are WGS 84 with a stated accuracy. Times are RFC 3339 in UTC.

---

- 每条消息都是结构化 JSON（UTF-8）的 CloudEvent 1.0。重发时 `id` 不变：收到两次只处理一次。`time` 是事情*发生*的时间。
- `dataschema` 带 `主.次` 版本。同一主版本内只增加字段：不认识的请忽略。遇到更新的主版本，读者拒收并作为死信保留。
- 主题都在 `{PREFIX}/<辖区>/` 之下。不要拆解主题取信息：内容都在消息里。发送者无权使用的主题上的消息会被拒收。
- 消息长度不超过表中上限，任何消息不超过 {ABSOLUTE_MAX_BYTES // 1024} KiB；文件走上传通道，以 SHA-256 为地址。
- 盒子保留每条警报，直到*中心*确认；仅有消息代理的确认不算。消息以 `sequence` 编号，缺号可见。
- 状态消息为保留消息并带遗嘱。`session` 每次启动递增：忽略比已见会话更旧的状态。
- `late` 表示晚到，`time` 仍然真实。`drill` 自始至终标明演练：绝不进入真实派单。
- 消息代理支持时用 MQTT 5，否则用 3.1.1；这里的一切都不依赖 5。
- 位置为 WGS 84 并注明精度。时间为 RFC 3339，UTC。
"""


def _rows(node: Schema) -> Iterator[list[str]]:
    for name, field in node.get("properties", {}).items():
        about = str(field.get("description", ""))
        required = name in node.get("required", [])
        yield [
            f"`{name}`",
            "the message, see below 消息，见下" if name == "data" else type_text(field),
            unit_text(name),
            default_text(field, required),
            about,
            chinese(about),
        ]


def _table(node: Schema) -> list[str]:
    return table(["field", "type", "unit", "default", "meaning", "含义"], _rows(node))


def _about(node: Schema) -> str:
    said = " ".join(str(node.get("description", "")).split())
    return f"{said} {chinese(said)}" if said else ""


def _wire_table() -> list[str]:
    rows = [
        [
            f"`{row.pattern}`",
            f"[{row.carries.type_name}](#{row.carries.type_name.replace('.', '')})",
            str(row.qos),
            "yes 是" if row.retain else "no 否",
            row.sender,
            ", ".join(row.readers),
            f"{row.rate} {chinese(row.rate)}",
            f"{row.max_bytes // 1024} KiB",
        ]
        for row in TOPICS
    ]
    head = ["topic 主题", "message 消息", "QoS", "retained 保留", "sent by", "read by", "rate 频率", "at most 上限"]
    return table(head, rows)


def _message(data_type: type[Data], example: Event[Data]) -> tuple[list[str], dict[str, Any]]:
    schema = data_type.model_json_schema()
    shown = json.dumps(json.loads(example.to_json()), indent=2, ensure_ascii=False)
    lines = [
        f"### {data_type.type_name}",
        "",
        _about(schema),
        "",
        f"`dataschema`: `{schema_name(data_type)}`; topic: `{topic_for(data_type).pattern}`",
        "",
        *_table(schema),
        "",
        "<details><summary>example 示例</summary>",
        "",
        "```json",
        shown,
        "```",
        "",
        "</details>",
        "",
    ]
    return lines, schema.get("$defs", {})


def _part(name: str, node: Schema) -> list[str]:
    lines = [f"### {name}", "", _about(node), ""]
    if "enum" in node:
        return [*lines, ", ".join(f"`{value}`" for value in node["enum"]), ""]
    return [*lines, *_table(node), ""]


def wire_page() -> str:
    """The text of docs/wire.md."""
    shown, parts, messages = examples(), dict[str, Any](), list[str]()
    for data_type in DATA_TYPES:
        lines, definitions = _message(data_type, shown[data_type])
        messages += lines
        parts |= definitions
    envelope = Event[Data].model_json_schema()
    return page(
        [
            GENERATED,
            "",
            "# The wire 通信协议",
            "",
            RULES,
            "## The wire table 主题表",
            "",
            f"Below `{PREFIX}/<district>/`. 均在 `{PREFIX}/<辖区>/` 之下。",
            "",
            *_wire_table(),
            "",
            "## The envelope 信封",
            "",
            *_table(envelope),
            "",
            "## Messages 消息",
            "",
            *messages,
            "## Parts of messages 消息的组成部分",
            "",
            *(line for name in sorted(parts) for line in _part(name, parts[name])),
        ]
    )
