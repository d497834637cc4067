"""How others speak to a contract, in the JSON that Ethereum's tools read.

Source: Solidity's documentation, "Contract ABI Specification", JSON.
"""

from collections.abc import Iterable
from typing import Any, TypeAlias

from numen.ir.interface import ListShape, Shape, StructShape, TupleShape, is_text
from numen.lang.contracts.layout import abi_type, is_address
from numen.lang.contracts.model import (
    BYTES32,
    ContractSymbol,
    ErrorSymbol,
    EventSymbol,
    Field,
    Method,
    Role,
)
from numen.lang.types import NOTHING

Abi: TypeAlias = list[dict[str, Any]]
"""Entries of functions, events and errors, as JSON has them."""


def abi_of(contract: ContractSymbol) -> Abi:
    """The ABI of a contract, with the events and errors that its file knows."""
    found: Abi = []
    for method in contract.methods.values():
        found += _method(method)
    for symbol in contract.scope.names.values():
        if isinstance(symbol, EventSymbol):
            inputs = [_field(f) | {"indexed": f.is_indexed} for f in symbol.fields]
            found.append(
                {"type": "event", "name": symbol.name, "inputs": inputs, "anonymous": False}
            )
        elif isinstance(symbol, ErrorSymbol):
            found.append({"type": "error", "name": symbol.name, "inputs": _fields(symbol.fields)})
    return found


def _method(method: Method) -> Abi:
    remote = method.remote
    mutability = "payable" if remote.is_payable else "nonpayable"
    match method.role:
        case Role.CONSTRUCTOR:
            inputs = _fields(remote.params)
            return [{"type": "constructor", "inputs": inputs, "stateMutability": mutability}]
        case Role.RECEIVE:
            return [{"type": "receive", "stateMutability": "payable"}]
        case Role.MESSAGE | Role.VIEW:
            return [
                {
                    "type": "function",
                    "name": remote.name,
                    "inputs": _fields(remote.params),
                    "outputs": _outputs(remote.result),
                    "stateMutability": "view" if method.role is Role.VIEW else mutability,
                }
            ]
        case _:
            return []


def _outputs(result: Shape) -> Abi:
    if result == NOTHING:
        return []
    if isinstance(result, TupleShape):
        return _fields(Field("", item) for item in result.items)
    return [_field(Field("", result))]


def _fields(fields: Iterable[Field]) -> Abi:
    return [_field(field) for field in fields]


def _field(field: Field) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": field.name, "type": _type(field.type)}
    inner: Shape = field.type
    while isinstance(inner, ListShape):
        inner = inner.element
    if entry["type"].startswith("tuple"):
        entry["components"] = _fields(_parts(inner))
    return entry


def _type(of: Shape) -> str:
    """The name of a type, where structs and tuples are ``tuple`` with their parts beside."""
    if isinstance(of, ListShape):
        return f"{_type(of.element)}[{of.length}]"
    if isinstance(of, TupleShape):
        return "tuple"
    if isinstance(of, StructShape) and not is_address(of) and of != BYTES32 and not is_text(of):
        return "tuple"
    return abi_type(of)


def _parts(of: Shape) -> list[Field]:
    match of:
        case StructShape(_, fields):
            return [Field(name, part) for name, part in fields]
        case TupleShape(items):
            return [Field("", item) for item in items]
        case _:
            raise AssertionError(of)
