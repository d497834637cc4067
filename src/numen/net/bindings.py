"""The bindings of the library iroh to Python, with one thing mended.

They hand bytes to the library one at a time, at a fifth of a microsecond each: a frame of 1 MiB
would hold the event loop for as long as 150 milliseconds. Here they are copied at once. Where the
bindings are made in another way than those that this knows, they are left as they are.
"""

import ctypes
from typing import Any

import iroh.iroh_ffi


def mend() -> None:
    """Let the bindings copy bytes at once."""
    builder = getattr(iroh.iroh_ffi, "_UniffiRustBufferBuilder", None)
    if builder is not None and hasattr(builder, "_reserve"):
        builder.write = _write


def _write(builder: Any, value: bytes) -> None:
    """Add bytes to a buffer of the library's, which grows by `_reserve` and counts them itself."""
    with builder._reserve(len(value)):  # noqa: SLF001 - see above
        start = ctypes.addressof(builder.rbuf.data.contents) + builder.rbuf.len
        ctypes.memmove(start, bytes(value), len(value))
