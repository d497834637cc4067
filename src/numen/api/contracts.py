"""Contracts of the EVM as files: what `numen` makes of their bytecode."""

import functools
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from numen.base.errors import NumenError
from numen.evm.forks import Fork
from numen.evm.forks import fork as fork_by_name
from numen.evm.lift import lift_function, svg
from numen.evm.lift.graph import Graph, contract_graph
from numen.evm.lift.instructions import disassemble
from numen.evm.lift.listing import print_registers
from numen.evm.lift.reading import FILE_BYTES_MAX, read_bytecode
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


def read_function(path: Path, signature: str, fork: str) -> Module:
    """Lift a pure function of the contract in a file.

    Raises:
        NumenError: The file cannot be read, or the function cannot be lifted.
    """
    if "(" not in signature:
        raise ContractError(
            f"{path.name} is bytecode, whose functions are called by their signatures",
            hint=f"{path.name}:'f(uint256)' is a function, {path.name} the whole contract",
        )
    return lift_function(_read(path), signature, fork=fork, file=path.name)


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
