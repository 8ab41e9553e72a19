"""The one door to numba: kernels compiled when they are first called, kept in numba's cache.

Compiled code goes beside the source, or into the user's cache folder when the package is read-only, or into
`NUMBA_CACHE_DIR`; when none of them can be written it is compiled anew in each process, which costs seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from zlib import crc32

import numba

P = ParamSpec("P")
R = TypeVar("R")

OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}


def part(function: Callable[P, R]) -> Callable[P, R]:
    """A function that only kernels call: compiled into them."""
    return cast("Callable[P, R]", numba.njit(**OPTIONS)(function))


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """A function that Python calls: compiled for the argument types it meets; releases the GIL, divides without checks.

    Nothing is looked up or written before the first call.
    """
    compiled: Any = numba.njit(**OPTIONS)(function)

    @cache
    def ready() -> Callable[P, R]:
        compiled.py_func.__qualname__ = f"{function.__qualname__}_{_stamp():08x}"
        try:
            compiled.enable_caching()
        except RuntimeError:
            return cast("Callable[P, R]", compiled)  # numba's word for "no folder to cache in": works without
        return cast("Callable[P, R]", compiled)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return ready()(*args, **kwargs)

    return call


@cache
def _stamp() -> int:
    """A checksum of the files whose kernels call one another.

    Numba reuses compiled code while the file of the called kernel is unchanged, and does not look at what that kernel
    calls in other files; carried in the kernels' names, the checksum makes it look.
    """
    folder = Path(__file__).parent
    return crc32(b"".join((folder / name).read_bytes() for name in ("textures.py", "shading.py")))
