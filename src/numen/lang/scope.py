"""What the names of a file mean: functions, structs, constants, modules."""

import ast
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from numen.ir.interface import Shape, StructShape
from numen.ir.types import Word
from numen.lang.contracts.model import Declared, InterfaceSymbol
from numen.lang.source import Source
from numen.lang.types import TYPE_NAMES

RESERVED: Final = TYPE_NAMES | {
    "abs", "add_mod", "div_mod", "enumerate", "len", "max", "min", "mul_mod", "numen",
    "pow", "range", "reversed", "sub_mod", "wrapping_add", "wrapping_mul", "wrapping_sub", "zip",
}  # fmt: skip
"""Names that a program may not give another meaning."""


class Host(Protocol):
    """What gives meaning to the names that a function has beside those of its file.

    A contract does, for its methods: `self`, messages, events. Each question may be answered with
    None or False, and then the language answers it.
    """

    default_word: Word
    """The type of a literal that nothing else settles."""

    def functions(self, node: ast.AST) -> "Sequence[FunctionSymbol]":
        """The functions that a node may call, beside those that it names in its file."""
        ...

    def expression(self, f: Any, node: ast.expr) -> Any:
        """Lower an expression to a `frame.Value` or `frame.Literal`."""
        ...

    def statement(self, f: Any, node: ast.stmt) -> bool:
        """Lower a statement."""
        ...

    def target_type(self, f: Any, target: ast.expr) -> Any:
        """The type that a target of an assignment asks for."""
        ...

    def assign(self, f: Any, target: ast.expr, value: Any, node: ast.expr) -> bool:
        """Give a target a value."""
        ...


class FunctionSymbol(msgspec.Struct, frozen=True, eq=False):
    """A function of a program.

    Attributes:
        key: Its name in the machine: the file's name and its own.
        node: Its definition.
        scope: The file it stands in.
        host: What else its names mean.
    """

    key: str
    node: ast.FunctionDef
    scope: "Scope"
    host: Host | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it has no annotation at all: it then computes with field elements."""
        arguments = self.node.args.args
        if self.host is not None:
            return False
        return self.node.returns is None and all(arg.annotation is None for arg in arguments)


class ConstantSymbol(msgspec.Struct, frozen=True, eq=False):
    """A constant of a file.

    Attributes:
        key: Its name in the machine.
        type: Its type, or None for an integer that takes the type of its context.
        parts: One integer, or list of integers, for each leaf of the type.
        node: Where it is defined.
        scope: The file it stands in.
    """

    key: str
    type: Shape | None
    parts: tuple[int | list[int], ...]
    node: ast.AST
    scope: "Scope"


class ModuleSymbol(msgspec.Struct, frozen=True, eq=False):
    """A module named by ``import``."""

    scope: "Scope"


Symbol: TypeAlias = FunctionSymbol | ConstantSymbol | ModuleSymbol | StructShape | Declared


class Scope:
    """The names of one file.

    Attributes:
        source: Its text.
        name: Its name in imports; empty for the program's first file.
        names: What each of its names means.
        frozen: The structs whose fields may not be assigned.
        interfaces: What can be asked of a value of each interface, in any file of the program.
        library: Gives the scope of a standard module that the language itself uses.
    """

    def __init__(self, source: Source, name: str, library: "Callable[[str], Scope]") -> None:
        self.source = source
        self.name = name
        self.names: dict[str, Symbol] = {}
        self.frozen: set[str] = set()
        self.interfaces: dict[StructShape, InterfaceSymbol] = {}
        self.library = library

    def key(self, name: str) -> str:
        """The name in the machine of something in this file."""
        prefix = self.name.replace(".", "$")
        return f"{prefix}${name}" if prefix else name
