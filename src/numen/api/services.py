"""Contracts in Numen's language as files: what is compiled of them, and written."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from numen.api.folder import Folder, read_text
from numen.api.stages import FormError
from numen.base.codec import encode
from numen.ir.text import print_module
from numen.jit.listing import listing
from numen.lang.contracts.build import Contract, build
from numen.lang.contracts.description import Description
from numen.proof.files import write_file
from numen.vm.codes import Code, write_code
from numen.vm.contract import write_contract

_CONTRACT: Final = re.compile(r"^@(numen\.)?contract\s*$", re.MULTILINE)


def creation(contract: Contract) -> bytes:
    """What a transaction to a ledger creates the contract from; arguments are put behind it."""
    return write_code(Code("numen", write_contract(contract)))


def atomic(initcode: bytes) -> bytes:
    """What a transaction creates EVM bytecode from in an EVM of its own, where calls run at once.

    Raises:
        CodecError: It is too long.
    """
    return write_code(Code("atomic", initcode))


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


FORMS: Final[dict[str, tuple[str, Callable[[Contract], bytes]]]] = {
    "abi": ("abi.json", lambda contract: _json(contract.abi)),
    "description": ("description.bin", lambda contract: encode(contract.description)),
    "creation": ("bin", lambda contract: f"0x{creation(contract).hex()}\n".encode()),
    "bytecode": ("numen", lambda contract: contract.program.code),
    "ir": ("ir", lambda contract: print_module(contract.program.module).encode()),
    "llvm": ("ll", lambda contract: listing(contract.program).optimised.encode()),
    "asm": ("s", lambda contract: listing(contract.program).assembly.encode()),
}
"""Name of a form, what its file ends with, and how it is made."""

OWN: Final = ("abi", "description", "creation")
"""Forms that only contracts have."""


def is_contract(path: Path) -> bool:
    """Whether a file is source with a contract in it.

    Raises:
        NumenError: It cannot be read.
    """
    return path.suffix == ".py" and _CONTRACT.search(read_text(path)) is not None


def from_file(path: Path, name: str = "") -> Contract:
    """Compile a contract of a file, by default the last one.

    Raises:
        NumenError: It cannot be read or compiled.
    """
    return build(read_text(path), file=str(path), name=name, resolver=Folder(path.parent))


def write(contract: Contract, form: str, folder: Path) -> Path:
    """Write one form into a folder, made if absent, and return its path.

    Raises:
        NumenError: Contracts do not have this form, or the file cannot be written.
    """
    if form not in FORMS:
        raise FormError(f"a contract has no form {form}", hint=f"one of {', '.join(FORMS)}")
    ending, make = FORMS[form]
    data = make(contract)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{contract.description.name}.{ending}"
    write_file(path, data)
    return path


def facts(description: Description) -> dict[str, Any]:
    """What is to be known of a contract, as JSON has it."""
    found: dict[str, Any] = msgspec.to_builtins(
        {name: getattr(description, name) for name in description.__struct_fields__[2:]}
    )
    for field in ("entries", "continuations", "storage", "warnings"):
        found[field] = [_named(each) for each in getattr(description, field)]
    return {"name": description.name, "program": description.program_id.hex(), **found}


def _named(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
