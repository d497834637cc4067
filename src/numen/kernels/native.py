"""Modules of kernels whose functions take addresses and 64-bit numbers."""

import ctypes
import functools
from collections.abc import Callable
from typing import Any

from numen.kernels import compiler
from numen.kernels.options import Options


class Kernels:
    """The functions of a module, which is compiled or found in the cache at the first call."""

    def __init__(self, text: Callable[[], str], options: Options) -> None:
        """Name a module.

        Args:
            text: Writes it.
            options: How it is compiled.
        """
        self._text = text
        self._options = options
        self._bound = functools.cache(self._bind)

    def call(self, name: str, *args: int) -> None:
        """Call a function without a result."""
        self._bound(name, len(args), None)(*args)

    def ask(self, name: str, *args: int) -> int:
        """Call a function whose result is an i64."""
        return int(self._bound(name, len(args), ctypes.c_int64)(*args))

    def _bind(self, name: str, count: int, result: Any) -> Any:
        # A pointer-sized argument is an address or any other i64.
        return self.library.function(name, result, *[ctypes.c_void_p] * count)

    @functools.cached_property
    def library(self) -> compiler.Library:
        """The linked module."""
        return compiler.load(self._text(), options=self._options)
