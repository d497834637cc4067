"""Contracts of the EVM as files: what `numen` makes of their bytecode."""

import functools
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from numen.api.bounds import Bounds
from numen.base.errors import NumenError
from numen.evm.forks import Fork
from numen.evm.forks import fork as fork_by_name
from numen.evm.lift import lift_function, svg
from numen.evm.lift.graph import Graph, contract_graph
from numen.evm.lift.instructions import disassemble
from numen.evm.lift.listing import print_registers
from numen.evm.lift.reading import FILE_BYTES_MAX, read_bytecode
from numen.evm.lift.signature import WORD_BYTES
from numen.ir.interface import (
    Input,
    InputError,
    Interface,
    ListShape,
    Shape,
    StructShape,
    TupleShape,
)
from numen.ir.nodes import Module
from numen.proof.files import read_file, write_file


class ContractError(NumenError):
    """Something is asked of a contract that contracts do not have."""


class Contract:
    """Bytecode from a file.

    Attributes:
        name: Of the file.
        code: The bytecode.
        fork: Whose opcodes it is read with.
    """

    def __init__(self, name: str, code: bytes, fork: Fork) -> None:
        self.name = name
        self.code = code
        self.fork = fork

    @functools.cached_property
    def graph(self) -> Graph:
        """Its control flow.

        Raises:
            LiftLimitError: It is over the bounds of the lifter.
        """
        return contract_graph(disassemble(self.code, self.fork))


def read_contract(path: Path, fork: str) -> Contract:
    """Read a file of bytecode, raw or in hexadecimal.

    Raises:
        NumenError: It cannot be read, is no bytecode, or no fork has the name.
    """
    return Contract(path.name, _read(path), fork_by_name(fork))


def read_function(path: Path, signature: str, bounds: Bounds) -> Module:
    """Lift a pure function of the contract in a file.

    Raises:
        NumenError: The file cannot be read, or the function cannot be lifted.
    """
    if "(" not in signature:
        raise ContractError(
            f"{path.name} is bytecode, whose functions are called by their signatures",
            hint=f"{path.name}:'f(uint256)' is a function, {path.name} the whole contract",
        )
    memory = {} if bounds.memory_bytes is None else {"memory_bytes": bounds.memory_bytes}
    return lift_function(
        _read(path),
        signature,
        fork=bounds.fork,
        array_bound=bounds.array,
        private=frozenset(bounds.private),
        file=path.name,
        **memory,
    )


def fill(interface: Interface, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give arrays of any length their lengths, and the room behind them zeros.

    Raises:
        InputError: One is longer than there is room for, or no array.
    """
    return tuple(
        _filled(field, arg) if isinstance(field.shape, StructShape) else arg
        for field, arg in zip(interface.inputs, args, strict=True)
    )


def _filled(field: Input, arg: Any) -> Any:
    """An array of any length as a struct of its length and its room."""
    match field.shape:
        case StructShape(kind, (_, (_, ListShape(element, most)))):
            pass
        case _:
            return arg
    if isinstance(arg, dict):
        return arg
    if kind == "Array":
        if not isinstance(arg, list | tuple):
            raise InputError(f"{field.name}: expected a list")
        length, items = len(arg), list(arg)
    else:
        raw = _raw(field.name, kind, arg)
        parts = (raw[at : at + WORD_BYTES] for at in range(0, len(raw), WORD_BYTES))
        length = len(raw)
        items = [int.from_bytes(part.ljust(WORD_BYTES, b"\0"), "big") for part in parts]
    if len(items) > most:
        raise InputError(
            f"{field.name}: {length} elements do not fit",
            hint="there is room for as many as --array-bound says, and keys are of one bound",
        )
    return {"length": length, "items": items + [_empty(element)] * (most - len(items))}


def _empty(shape: Shape) -> Any:
    """Zeros in a shape."""
    match shape:
        case ListShape(element, length):
            return [_empty(element)] * length
        case TupleShape(items):
            return [_empty(item) for item in items]
        case _:
            return 0


def _raw(path: str, kind: str, arg: Any) -> bytes:
    """The bytes of a text: its own, or those that it writes in hexadecimal."""
    if not isinstance(arg, str):
        raise InputError(f"{path}: expected a text")
    if kind == "String":
        return arg.encode()
    try:
        return bytes.fromhex(arg.removeprefix("0x"))
    except ValueError:
        raise InputError(f'{path}: expected bytes in hexadecimal, like "0x00ff"') from None


def _read(path: Path) -> bytes:
    return read_bytecode(read_file(path, size_max=FILE_BYTES_MAX))


def _native(contract: Contract) -> tuple[str, str]:
    # LLVM takes long to load, and a drawing does without it.
    show = import_module("numen.evm.tier.listing").listing
    texts: tuple[str, str] = show(contract.code, contract.fork)
    return texts


FORMS: Final[dict[str, tuple[str, Callable[[Contract], str]]]] = {
    "ir": ("contract.ir.txt", lambda contract: print_registers(contract.graph)),
    "cfg": ("contract.svg", lambda contract: svg.draw(contract.graph, contract.name)),
    "llvm": ("contract.ll", lambda contract: _native(contract)[0]),
    "asm": ("contract.s", lambda contract: _native(contract)[1]),
}
"""Name of a form of a whole contract, its file, and how it is made."""


def write_form(contract: Contract, form: str, folder: Path) -> Path:
    """Write one form of a contract into a folder, made if absent, and return its path.

    Raises:
        ContractError: A whole contract does not have this form.
        NumenError: The file cannot be written, or the form cannot be made.
    """
    if form not in FORMS:
        raise ContractError(
            f"{contract.name} is a whole contract, which has no form {form}",
            hint=f"one of {', '.join(FORMS)}; or name a function: {contract.name}:'f(uint256)'",
        )
    name, emit = FORMS[form]
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / name, emit(contract).encode())
    return folder / name


def facts(contract: Contract) -> dict[str, Any]:
    """What is known of a contract, for machines to read."""
    graph = contract.graph
    return {
        "bytes": len(contract.code),
        "fork": contract.fork.name,
        "blocks": len({context.block.start for context in graph.contexts}),
        "contexts": len(graph.contexts),
        "unresolved": [instr.offset for instr in graph.unresolved],
    }
