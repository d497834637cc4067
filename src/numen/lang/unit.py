"""A program being compiled: which functions it needs, in which instances."""

import ast
from collections.abc import Mapping

import msgspec

from numen.lang import limits
from numen.lang.errors import TooLargeError
from numen.lang.scope import ConstantSymbol, FunctionSymbol
from numen.lang.signature import Signature, signature
from numen.lang.types import LangType


class Facts(msgspec.Struct, frozen=True):
    """What the names in a function's text say about it and what it calls.

    Attributes:
        callees: The functions it calls itself.
        tables: The array constants it uses, itself or through others.
        written: The parameters whose arrays it changes, itself or through others.
    """

    callees: tuple[FunctionSymbol, ...]
    tables: tuple[ConstantSymbol, ...]
    written: frozenset[str]


class Unit:
    """The instances that calls have asked for.

    Attributes:
        facts: By the function's name in the machine.
        results: What functions without annotations turned out to return.
        wanted: Every instance asked for, by its name in the machine; bodies add to it.
        is_halved: Whether the upper half of all slots is kept for what is private.
    """

    def __init__(self, facts: Mapping[str, Facts], *, is_halved: bool = False) -> None:
        self.facts = facts
        self.is_halved = is_halved
        self.results: dict[str, LangType] = {}
        self.wanted: dict[str, Signature] = {}
        self._open: dict[str, Signature] = {}

    def outline(self, symbol: FunctionSymbol) -> Signature:
        """The function before any size is settled."""
        if symbol.key not in self._open:
            self._open[symbol.key] = signature(symbol, {})
        return self._open[symbol.key]

    def instance(
        self, symbol: FunctionSymbol, sizes: Mapping[str, int], caller: FunctionSymbol, at: ast.AST
    ) -> Signature:
        """The instance of a function for some sizes; its body will be lowered.

        Raises:
            TooLargeError: The program has too many functions.
        """
        found = self.outline(symbol) if not sizes else signature(symbol, sizes)
        if symbol.is_plain:
            found = msgspec.structs.replace(found, result=self.results.get(symbol.key))
        if found.name not in self.wanted:
            if len(self.wanted) >= limits.INSTANCES_MAX:
                raise caller.scope.source.refuse(
                    TooLargeError, at, f"more than {limits.INSTANCES_MAX} functions"
                )
            self.wanted[found.name] = found
        return found
