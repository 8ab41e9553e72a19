"""Freeze the payload and the schema of every message version that has none yet. Existing files are never touched."""

from __future__ import annotations

import json
from pathlib import Path

from patrol.events import DATA_TYPES, Event
from patrol.reference.examples import examples

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write what is missing."""
    for data_type in DATA_TYPES:
        stem = f"{data_type.type_name}-{data_type.version[0]}.{data_type.version[1]}"
        schema = Event[data_type].model_json_schema()  # type: ignore[valid-type]  # the type is chosen at run time
        for name, content in (
            (f"{stem}.json", examples()[data_type].to_json()),
            (f"{stem}.schema.json", json.dumps(schema, indent=1).encode() + b"\n"),
        ):
            if not (HERE / name).exists():
                (HERE / name).write_bytes(content)
                print(f"frozen: {name}")


if __name__ == "__main__":
    main()
