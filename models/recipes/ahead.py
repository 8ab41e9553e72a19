"""What takes long to make is made in a thread of its own, a few pieces ahead of who needs them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Made = TypeVar("Made")
PIECES = 3


def ahead(pieces: Iterable[Made], name: str) -> Iterator[Made]:
    """The pieces in their order, made up to ``PIECES`` ahead in a thread called `name`. What making one raises is raised here."""
    ready: queue.Queue[tuple[Made] | Exception | None] = queue.Queue(maxsize=PIECES)

    def produce() -> None:
        try:
            for piece in pieces:
                ready.put((piece,))
            ready.put(None)
        except Exception as error:  # noqa: BLE001  # handed to the consumer, who raises it
            ready.put(error)

    threading.Thread(target=produce, name=name, daemon=True).start()
    while (item := ready.get()) is not None:
        if isinstance(item, Exception):
            raise item
        yield item[0]
