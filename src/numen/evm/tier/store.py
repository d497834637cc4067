"""Compiled regions by what they are made of: on disk as objects, in the process as libraries.

An object is named by the bytes of the code, the fork, the shape of the regions, the compiler, the
machine and the text of the modules that write regions, so it is found without being written again.
`kernels.cache` seals what is on disk, and nothing without our seal is loaded.
"""

import functools
import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from numen.evm.halt import Halt
from numen.evm.native.convention import failure_name
from numen.evm.native.interpreter import Interpreter
from numen.evm.native.runtime_types import ROUTINES
from numen.evm.tier import divisions
from numen.evm.tier.blocks import Program
from numen.evm.tier.regions import Computed, Edge, Inner, Outer, Region, name_of
from numen.kernels import compiler, llvm
from numen.kernels.errors import LinkError
from numen.kernels.options import Options

_WRITERS: Final = (
    "evm/tier",
    "evm/native",
    "evm/native/opcodes",
    "evm/forks.py",
    "evm/gas.py",
    "evm/meaning.py",
    "kernels/llvm.py",
    "kernels/wide.py",
    "jit/algebra.py",
    "jit/division.py",
)
"""The modules whose text decides what a region becomes."""


def object_of(program: Program, regions: Sequence[Region], options: Options) -> bytes:
    """Compile regions of one code, or find their object on disk.

    Args:
        program: The code.
        regions: With different heads.
        options: Effort and limits.

    Raises:
        CompileError: The compiler refuses, or met a limit.
    """
    once = msgspec.structs.replace(options, cached=False)

    def make() -> bytes:
        return compiler.compile_module(text_of(program, regions), options=once)

    return compiler.recall(_recipe(program, regions, options), make) if options.cached else make()


def text_of(program: Program, regions: Sequence[Region]) -> str:
    """Regions as a module of LLVM's."""
    # What writes regions is not needed where they are found on disk.
    from numen.evm.tier.emit import write_region  # noqa: PLC0415

    module = llvm.Module(provided=divisions.NAMES)
    for region in regions:
        write_region(module, program, region)
    return str(module)


def _recipe(program: Program, regions: Sequence[Region], options: Options) -> str:
    code = hashlib.blake2b(program.code, digest_size=32).hexdigest()
    shapes = hashlib.blake2b(digest_size=32)
    for region in regions:
        shapes.update(f"{region.head}:".encode())
        for i in region.instances:
            edges = ",".join(_spelt(edge) for edge in i.edges())
            shapes.update(f"{i.block.pc},{i.height},{edges};".encode())
    fork, how = program.fork.name, options.recipe()
    return f"regions {_writers()} {fork} {code} {shapes.hexdigest()} {how}"


def _spelt(edge: Edge) -> str:
    match edge:
        case Inner(index):
            return f"i{index}"
        case Outer(pc):
            return f"o{pc}"
        case Computed():
            return "c"
        case _:
            return "w"


@functools.cache
def _writers() -> str:
    """Names the text of all modules that write regions."""
    root = Path(__file__).parents[2]
    digest = hashlib.blake2b(digest_size=32)
    for name in _WRITERS:
        path = root / name
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            data = file.read_bytes()
            digest.update(f"{file.relative_to(root)}:{len(data)}:".encode() + data)
    return digest.hexdigest()


class Linked:
    """Native code of regions.

    Attributes:
        addresses: Address of each region by its head; valid while this object lives.
    """

    def __init__(self, code: bytes, heads: Sequence[int], imports: Mapping[str, int]) -> None:
        """Link an object.

        Args:
            code: From `object_of`.
            heads: Of its regions.
            imports: Addresses of the interpreter's functions.

        Raises:
            LinkError: It cannot be linked.
        """
        self._library = compiler.Library(code, imports)
        self.addresses = {head: self._library.address(name_of(head)) for head in heads}


_Key: TypeAlias = tuple[str, bytes, str]


KEPT_MAX: Final = 256
"""Libraries that stay in the process when no machine uses them; each takes about 100 KiB."""


class Shelf:
    """What this process has linked, for as long as some machine uses it, and a while longer.

    Machines of one fork share the interpreter's functions, so they share regions too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._linked: dict[_Key, weakref.WeakSet[Linked]] = {}
        self._kept: OrderedDict[int, Linked] = OrderedDict()

    def find(self, program: Program, options: Options) -> list[Linked]:
        """Everything there is of a code, compiled with some effort."""
        with self._lock:
            found = list(self._linked.get(_key(program, options), ()))
            for linked in found:
                self._keep(linked)
            return found

    def put(self, program: Program, options: Options, linked: Linked) -> None:
        """Let other machines find what was linked."""
        with self._lock:
            if len(self._linked) > 2 * KEPT_MAX:
                for key in [key for key, kept in self._linked.items() if not kept]:
                    del self._linked[key]
            self._linked.setdefault(_key(program, options), weakref.WeakSet()).add(linked)
            self._keep(linked)

    def _keep(self, linked: Linked) -> None:
        self._kept[id(linked)] = linked
        self._kept.move_to_end(id(linked))
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


def _key(program: Program, options: Options) -> _Key:
    code = hashlib.blake2b(program.code, digest_size=32).digest()
    return program.fork.name, code, options.recipe()


SHELF: Final = Shelf()
"""The process's."""


@functools.cache
def imports_of(interpreter: Interpreter) -> dict[str, int]:
    """Addresses of the functions that regions may call or end in, as far as the fork has them."""
    found = {}
    for name in (*ROUTINES, *(failure_name(halt) for halt in Halt), "land"):
        with suppress(LinkError):
            found[name] = interpreter.address(name)
    return found | divisions.addresses()
