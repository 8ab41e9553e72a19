"""The one door to numba: kernels compiled on first use, kept in numba's cache.

Compiled code goes beside the source, or into the user's cache folder when the package is read-only, or into
`NUMBA_CACHE_DIR`; when none of them can be written it is compiled anew in each process, which costs seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast
from zlib import crc32

import numba

P = ParamSpec("P")
R = TypeVar("R")

# Numba reuses compiled code while the file of the called kernel is unchanged, and does not look at the kernels that it
# calls in other files. The kernels' names therefore carry a checksum of the files that call one another.
_STAMP = crc32(b"".join((Path(__file__).parent / name).read_bytes() for name in ("textures.py", "shading.py")))


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """`function` compiled for the argument types it is called with; releases the GIL, divides without checks."""
    options: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    function.__qualname__ = f"{function.__qualname__}_{_STAMP:08x}"
    try:
        return cast("Callable[P, R]", numba.njit(cache=True, **options)(function))
    except RuntimeError:  # numba's word for "no folder to cache in"
        return cast("Callable[P, R]", numba.njit(**options)(function))
