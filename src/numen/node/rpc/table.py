"""The table of methods: everything true of a method follows from its row and its function.

A row is a name and a function. The function's first parameter is a session with the kind of node
that it asks; its other parameters, with their types and defaults, are what the method takes, in
order; its return type is what the method gives, and its docstring what it does. The decoder of the
parameters, the OpenRPC description and the page of the reference are made from that.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, Final, Generic, TypeAlias, TypeVar, get_origin, get_type_hints

import msgspec

from numen.node.devnode import DevNode
from numen.node.rpc import values
from numen.node.rpc.shapes import WrittenLogs
from numen.node.subscriptions import Subscriptions
from numen.node.surface import Node, Played

N = TypeVar("N", bound=Node)


class SessionOf(msgspec.Struct, Generic[N], frozen=True):
    """Who asks, and what kind of node.

    Attributes:
        node: The node that is asked.
        written: Logs that were written before.
        methods: All methods.
        subscriptions: Of the connection; None where answers are all that it can take.
    """

    node: N
    written: WrittenLogs
    methods: Mapping[str, "Method"]
    subscriptions: Subscriptions | None = None


Session: TypeAlias = SessionOf[Node]
"""Somebody asks any node."""

PlayedSession: TypeAlias = SessionOf[Played]
"""Somebody asks a node that tests play with."""

DevSession: TypeAlias = SessionOf[DevNode]
"""Somebody asks a development chain."""


class Param(msgspec.Struct, frozen=True):
    """A parameter of a method.

    Attributes:
        name: What it is called.
        type: What it has to be.
        default: What it is where it is left out; `NODEFAULT` where it may not be.
    """

    name: str
    type: Any
    default: Any

    @property
    def is_required(self) -> bool:
        """Whether it may not be left out."""
        return self.default is msgspec.NODEFAULT


class Method:
    """A method.

    Attributes:
        name: As clients call it.
        call: The function.
        summary: The first line of its description.
        description: The rest of it.
        params: What it takes.
        result: The type of what it gives.
    """

    def __init__(self, name: str, call: Callable[..., Any]) -> None:
        self.name, self.call = name, call
        text = inspect.getdoc(call) or ""
        self.summary, _, rest = text.partition("\n")
        self.description = rest.strip()

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """What it takes."""
        hints = get_type_hints(self.call, include_extras=True)
        first, *rest = inspect.signature(self.call).parameters.values()
        assert get_origin(hints[first.name]) is SessionOf, self.name
        return tuple(
            Param(
                each.name.rstrip("_"),
                hints[each.name],
                msgspec.NODEFAULT if each.default is each.empty else each.default,
            )
            for each in rest
        )

    @cached_property
    def result(self) -> Any:
        """The type of what it gives."""
        return get_type_hints(self.call, include_extras=True)["return"]

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[Any]:
        fields = [
            (each.name, each.type) if each.is_required else (each.name, each.type, _kept(each))
            for each in self.params
        ]
        shape = msgspec.defstruct(
            "Params", fields, array_like=True, forbid_unknown_fields=True, frozen=True
        )
        return msgspec.json.Decoder(shape, dec_hook=values.read)

    def answer(self, session: SessionOf[Any], params: bytes) -> Any:
        """Decode the parameters, and call the function.

        Args:
            session: Who asks.
            params: A JSON array; empty where there is none.

        Raises:
            msgspec.ValidationError: They are not the method's.
            NumenError: What is asked for cannot be done.
        """
        if not self.params and params in _NO_PARAMS:
            return self.call(session)
        given = self._decoder.decode(params or b"[]")
        return self.call(session, *(getattr(given, each.name) for each in self.params))


_NO_PARAMS: Final = (b"", b"[]")


def _kept(param: Param) -> Any:
    """A default that structs may share."""
    default = param.default
    return msgspec.field(default_factory=lambda: default) if default is not None else None


def rows(methods: Mapping[str, Callable[..., Any]], *aliases: str) -> tuple[Method, ...]:
    """Make rows of a namespace.

    Args:
        methods: Functions by name.
        aliases: Further namespaces with the same methods.
    """
    found = [Method(name, call) for name, call in methods.items()]
    for alias in aliases:
        for name, call in methods.items():
            found.append(Method(f"{alias}_{name.partition('_')[2]}", call))
    return tuple(found)


def table(*namespaces: Iterable[Method]) -> dict[str, Method]:
    """Put namespaces together; no name is there twice."""
    found: dict[str, Method] = {}
    for namespace in namespaces:
        for method in namespace:
            assert method.name not in found, f"{method.name} is there twice"
            found[method.name] = method
    return found
