"""docs/config.md and docs/config.schema.json: every field of config.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from patrol.config import Config
from patrol.reference.tables import GENERATED, Schema, default_text, page, table, type_text, unit_text
from patrol.words import chinese

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
INTRODUCTION = """\
One district in one YAML file, read once; nothing is probed while it is read. `patrol check-config FILE` lists everything
that is wrong with it, each with its line and remedy, and exits 2. Editors that know YAML schemas complete and check it
with [config.schema.json](config.schema.json); the first line of `config.yaml` tells them so.

- Positions are `[longitude, latitude]`, WGS 84 degrees, as in GeoJSON. Polygons need no repeated last corner.
- Units stand at the end of the names. Write bare numbers.
- Secrets never stand in the file: write `${NAME}` and set `NAME` in the environment of the program.
- Folders and files are relative to the configuration file.

一个辖区写在一个 YAML 文件里，只读一次；读取时不探测任何设备。`patrol check-config 文件` 一次列出全部问题（行号和改法），并以 2 退出。
支持 YAML schema 的编辑器可用 [config.schema.json](config.schema.json) 补全和检查，`config.yaml` 第一行已写明。

- 位置写 `[经度, 纬度]`，WGS 84，单位为度，与 GeoJSON 相同。多边形不必重复首点。
- 单位写在名称末尾；数值只写数字。
- 机密不写在文件里：写 `${NAME}`，并在程序的环境变量里设置 `NAME`。
- 文件夹和文件都相对于配置文件。
"""


def config_schema() -> str:
    """The text of docs/config.schema.json, which editors use to complete and check config.yaml."""
    schema = {"$schema": SCHEMA_DIALECT, "title": "Sky-Ground Patrol configuration", **Config.model_json_schema()}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def sections(schema: dict[str, Any]) -> Iterator[tuple[str, Schema]]:
    """(dotted path, schema) of every mapping in the configuration, outermost first."""
    definitions = schema.get("$defs", {})

    def inside(path: str, node: Schema) -> Iterator[tuple[str, Schema]]:
        yield path, node
        for name, field in node.get("properties", {}).items():
            for suffix, definition in _mappings(field):
                yield from inside(f"{path}.{name}{suffix}" if path else name + suffix, definitions[definition])

    return inside("", schema)


def _mappings(field: Schema) -> Iterator[tuple[str, str]]:
    """(what to add to the path, name of the definition) for each mapping that a field may hold."""
    if "$ref" in field:
        yield "", str(field["$ref"]).rsplit("/", 1)[-1]
    for choice in [*field.get("anyOf", []), *field.get("oneOf", [])]:
        yield from _mappings(choice)
    if isinstance(field.get("items"), dict):
        for suffix, definition in _mappings(field["items"]):
            yield f"[]{suffix}", definition


def _rows(node: Schema) -> Iterator[list[str]]:
    required = node.get("required", [])
    for name, field in node.get("properties", {}).items():
        about = str(field.get("description", ""))
        yield [
            f"`{name}`",
            type_text(field, links=False),
            unit_text(name),
            default_text(field, name in required),
            about,
            chinese(about),
        ]


def config_page() -> str:
    """The text of docs/config.md."""
    schema = Config.model_json_schema()
    parts = [GENERATED, "", "# Configuration 配置", "", INTRODUCTION]
    told = set[str]()
    for path, node in sections(schema):
        about = str(node.get("description", ""))
        if node.get("title") == "Name" and "Name" in told:
            continue  # a name has the same two fields everywhere
        told.add(str(node.get("title")))
        hazard = node.get("properties", {}).get("hazard", {}).get("const")
        heading = f"`{path or 'config.yaml'}`" + (f" with `hazard: {hazard}`" if hazard else "")
        parts += [f"## {heading}", "", f"{about} {chinese(about)}", ""]
        parts += table(["field", "type", "unit", "default", "meaning", "含义"], _rows(node))
        parts += [""]
    return page(parts)
