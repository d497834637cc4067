"""What the classes of a file declare: contracts, events, errors, interfaces.

A state variable has a type that no register holds: a shape, a map, or an array that grows. Slots
are numbered as Solidity numbers them when nothing is packed: one slot for each word, in the order
of the text; the value of a key of a map is at the hash of the key and the map's own slot.
"""

import ast
from enum import Enum
from typing import Any, Final, TypeAlias

import msgspec

from numen.ir.interface import Shape, StructShape
from numen.ir.types import U256, Array

ADDRESS: Final = StructShape("address", (("word", U256),))
"""20 bytes, in a word of their own kind: nobody adds addresses."""

BYTES32: Final = StructShape("bytes32", (("word", U256),))
"""32 bytes that are no number, as Ethereum's ABI has them."""

CONTEXT_WORDS: Final = 8
CONTEXT: Final = Array(U256, CONTEXT_WORDS)
"""What every method of a contract is lent: why it runs, as `Context` numbers it."""


class Context:
    """Places in the context."""

    ENTRY, SENDER, VALUE, HEIGHT, TIME_MS, ADDRESS, BALANCE, SIZE = range(CONTEXT_WORDS)


class MapType(msgspec.Struct, frozen=True):
    """``map[key, value]``: every key has a value, zero before it is written."""

    key: Shape
    value: "StateType"

    def __str__(self) -> str:
        return f"map[{self.key}, {self.value}]"


class VectorType(msgspec.Struct, frozen=True):
    """``array[element]``: a list that grows."""

    element: "StateType"

    def __str__(self) -> str:
        return f"array[{self.element}]"


class SetType(msgspec.Struct, frozen=True):
    """``set[key]``: keys, each once, in an order that removals change."""

    key: Shape

    def __str__(self) -> str:
        return f"set[{self.key}]"


class IterableMapType(msgspec.Struct, frozen=True):
    """``iterable_map[key, value]``: keys that are there, as in a set, and a value for each."""

    key: Shape
    value: Shape

    def __str__(self) -> str:
        return f"iterable_map[{self.key}, {self.value}]"


class HeapType(msgspec.Struct, frozen=True):
    """``heap[entry]``: entries, of which the least comes out first."""

    entry: Shape

    def __str__(self) -> str:
        return f"heap[{self.entry}]"


class DequeType(msgspec.Struct, frozen=True):
    """``deque[element]``: a list that grows and shrinks at both ends."""

    element: Shape

    def __str__(self) -> str:
        return f"deque[{self.element}]"


StateType: TypeAlias = (
    Shape | MapType | VectorType | SetType | IterableMapType | HeapType | DequeType
)

NO_VALUES: Final = (MapType, VectorType, SetType, IterableMapType, HeapType, DequeType)
"""Types of the state that no register holds."""


class Variable(msgspec.Struct, frozen=True):
    """A state variable: its first slot, where it is written, and whether only keys open it."""

    name: str
    type: StateType
    slot: int
    node: ast.AST
    is_private: bool = False


class Role(Enum):
    """When a method runs."""

    MESSAGE = "message"
    """Somebody asks for it."""
    VIEW = "view"
    """Somebody looks; it changes nothing."""
    CONSTRUCTOR = "constructor"
    TIMER = "timer"
    """The contract's own schedule is due."""
    ON_BOUNCE = "on_bounce"
    """A request that nobody awaits came back."""
    RECEIVE = "receive"
    """Coins came without a word."""
    INTERNAL = "internal"
    """The contract's own code calls it."""


class Field(msgspec.Struct, frozen=True):
    """A named value of an event, an error or a message."""

    name: str
    type: Shape
    is_indexed: bool = False
    is_private: bool = False


class Remote(msgspec.Struct, frozen=True):
    """A message as its sender sees it."""

    name: str
    params: tuple[Field, ...]
    result: Shape
    is_payable: bool
    is_view: bool = False


class Method(msgspec.Struct, frozen=True, eq=False):
    """A method of a contract.

    Attributes:
        remote: Its name, parameters and result.
        role: When it runs.
        is_async: Whether it may await.
        symbol: The function that it is.
        node: Its definition.
        is_isolated: Whether it runs again where what it read before a wait has changed.
    """

    remote: Remote
    role: Role
    is_async: bool
    symbol: Any
    node: ast.AST
    is_isolated: bool = False


class EventSymbol(msgspec.Struct, frozen=True, eq=False):
    """An event of a file."""

    name: str
    fields: tuple[Field, ...]


class ErrorSymbol(msgspec.Struct, frozen=True, eq=False):
    """An error of a file."""

    name: str
    fields: tuple[Field, ...]


class InterfaceSymbol(msgspec.Struct, frozen=True, eq=False):
    """An interface of a file, or what others see of a contract.

    Attributes:
        shape: A value of it: an address, by which it is known that somebody answers there.
        methods: What can be asked.
    """

    shape: StructShape
    methods: dict[str, Remote]


class ContractSymbol(msgspec.Struct, frozen=True, eq=False):
    """A contract of a file.

    Attributes:
        name: Its name.
        variables: By name.
        methods: By name.
        interface: What others see of it.
        node: Its definition.
        scope: The file it stands in.
        host: What lowers its methods.
    """

    name: str
    variables: dict[str, Variable]
    methods: dict[str, Method]
    interface: InterfaceSymbol
    node: ast.ClassDef
    scope: Any
    host: Any


Declared: TypeAlias = EventSymbol | ErrorSymbol | InterfaceSymbol | ContractSymbol


def handle_of(name: str) -> StructShape:
    """The shape of an interface: an address under a name of its own."""
    return StructShape(name, (("address", ADDRESS),))
