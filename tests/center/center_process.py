"""A centre as a process of its own, for a test to kill: `center_process.py FOLDER DISTRICT BROKER_URL DATABASE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from patrol.center.service import run
from tests.center.conftest import ENVIRON, configured


def main() -> None:
    """Run until killed; the address of the pages is the first line of the output."""
    folder, district, broker_url, database = sys.argv[1:]
    config = configured(
        district__id=district, broker__url=broker_url, center__database=database, center__port=0,
        center__evidence_dir="evidence",
    )  # fmt: skip
    asyncio.run(run(config, Path(folder), ENVIRON, asyncio.Event(), ready=lambda url: print("READY", url, flush=True)))


if __name__ == "__main__":
    main()
