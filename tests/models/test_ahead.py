"""Pieces made ahead in a thread: all of them, in their order, and no error lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.recipes.ahead import PIECES, ahead


def test_every_piece_comes_in_its_order() -> None:
    """More pieces than are kept ready, some of them nothing: they come as they were made."""
    made: list[int | None] = [n if n % 3 else None for n in range(10 * PIECES)]
    assert list(ahead(made, "test")) == made


def test_what_making_one_raises_is_raised_to_who_needs_it() -> None:
    """The pieces before the bad one come, then its error; nobody waits for ever."""

    def pieces() -> Iterator[int]:
        yield 1
        raise ValueError("the second cannot be made")

    coming = ahead(pieces(), "test")
    assert next(coming) == 1
    with pytest.raises(ValueError, match="the second"):
        next(coming)
