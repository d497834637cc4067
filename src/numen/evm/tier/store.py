"""Compiled regions by what they are made of: on disk as objects, in the process as libraries.

What was compiled of a code is named by the code's hash, the fork, the compiler, the machine and the
text of the modules that write regions, so it is found without being written again.
`kernels.cache` seals what is on disk, and nothing without our seal is loaded.
"""

import functools
import hashlib
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from numen.evm.halt import Halt
from numen.evm.native.convention import failure_name
from numen.evm.native.interpreter import Interpreter
from numen.evm.native.runtime_types import ROUTINES
from numen.evm.tier.blocks import Program
from numen.evm.tier.regions import Region, Shape, name_of
from numen.kernels import compiler
from numen.kernels.errors import LinkError
from numen.kernels.options import Options

SAVED_BYTES_MAX: Final = 4 << 20
"""Most object code that is kept on disk for one code."""

_WRITERS: Final = (
    "evm/tier",
    "evm/native",
    "evm/native/opcodes",
    "evm/forks.py",
    "evm/gas.py",
    "evm/meaning.py",
    "kernels/arithmetic.py",
    "kernels/llvm.py",
    "kernels/reciprocal.py",
    "kernels/wide.py",
    "jit/algebra.py",
    "jit/division.py",
)
"""The modules whose text decides what a region becomes."""


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """Regions of one code that were compiled together.

    Attributes:
        shapes: What they cover.
        object: Of them all; their functions are called `name_of` their heads.
    """

    shapes: tuple[Shape, ...]
    object: bytes


def compile_batch(program: Program, regions: Sequence[Region], options: Options) -> Batch:
    """Compile regions of one code.

    Args:
        program: The code.
        regions: With different heads.
        options: Effort and limits.

    Raises:
        CompileError: The compiler refuses, or met a limit.
    """
    once = msgspec.structs.replace(options, cached=False)
    code = compiler.compile_module(text_of(program, regions), options=once)
    return Batch(tuple(region.shape() for region in regions), code)


def text_of(program: Program, regions: Sequence[Region]) -> str:
    """Regions as a module of LLVM's."""
    # What writes regions is not needed where they are found on disk.
    from numen.evm.tier import divisions  # noqa: PLC0415
    from numen.evm.tier.emit import write_region  # noqa: PLC0415
    from numen.kernels import llvm  # noqa: PLC0415

    module = llvm.Module(provided=divisions.NAMES)
    for region in regions:
        write_region(module, program, region)
    return str(module)


Key: TypeAlias = tuple[str, bytes, str]
"""Name of the fork, `digest_of` the code, and how it was compiled."""

_DECODER: Final = msgspec.msgpack.Decoder(tuple[Batch, ...])


def load_batches(key: Key) -> tuple[Batch, ...]:
    """What was compiled of a code, by this process or others, as far as the disk has it."""
    data = compiler.remembered(_recipe(key))
    return () if data is None else _DECODER.decode(data)


def save_batches(key: Key, batches: Sequence[Batch]) -> None:
    """Keep what was compiled of a code on disk, if it is not too much."""
    if sum(len(batch.object) for batch in batches) <= SAVED_BYTES_MAX:
        compiler.remember(_recipe(key), msgspec.msgpack.encode(batches))


def _recipe(key: Key) -> str:
    fork, digest, how = key
    return f"regions {_writers()} {fork} {digest.hex()} {how}"


def digest_of(code: bytes) -> bytes:
    """Names a code, so that no other has the name; 32 bytes."""
    return hashlib.blake2b(code, digest_size=32, person=b"numen evm code").digest()


@functools.cache
def _writers() -> str:
    """Names the text of all modules that write regions."""
    root = Path(__file__).parents[2]
    digest = hashlib.blake2b(digest_size=32)
    for name in _WRITERS:
        path = root.joinpath(name)
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            data = file.read_bytes()
            digest.update(f"{file.relative_to(root)}:{len(data)}:".encode() + data)
    return digest.hexdigest()


class Linked:
    """Native code of regions.

    Attributes:
        batch: What was linked.
        addresses: Address of each region by its head; valid while this object lives.
    """

    def __init__(self, batch: Batch, imports: Mapping[str, int]) -> None:
        """Link a batch.

        Args:
            batch: Compiled on this machine.
            imports: Addresses of the interpreter's functions.

        Raises:
            LinkError: It cannot be linked.
        """
        self.batch = batch
        self._library = compiler.Library(batch.object, imports)
        heads = [shape.head for shape in batch.shapes]
        self.addresses = {head: self._library.address(name_of(head)) for head in heads}


KEPT_MAX: Final = 256
"""Libraries that stay in the process when no machine uses them; each takes about 100 KiB."""


class Shelf:
    """What this process has linked, for as long as some machine uses it, and a while longer.

    Machines of one fork share the interpreter's functions, so they share regions too.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._linked: dict[Key, weakref.WeakSet[Linked]] = {}
        self._kept: OrderedDict[int, Linked] = OrderedDict()
        self._sizes: set[int] = set()

    def may_have(self, size: int) -> bool:
        """Whether a code of so many bytes was ever put here: if not, it needs no digest."""
        return size in self._sizes

    def find(self, key: Key) -> list[Linked]:
        """Everything there is of a code."""
        with self._lock:
            found = list(self._linked.get(key, ()))
            for linked in found:
                self._keep(linked)
            return found

    def put(self, key: Key, linked: Linked, size: int) -> None:
        """Let other machines find what was linked, of a code of ``size`` bytes."""
        with self._lock:
            self._sizes.add(size)
            if len(self._linked) > 2 * KEPT_MAX:
                for gone in [each for each, kept in self._linked.items() if not kept]:
                    del self._linked[gone]
            self._linked.setdefault(key, weakref.WeakSet()).add(linked)
            self._keep(linked)

    def _keep(self, linked: Linked) -> None:
        self._kept[id(linked)] = linked
        self._kept.move_to_end(id(linked))
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)


SHELF: Final = Shelf()
"""The process's."""


class _Imports(Mapping[str, int]):
    """Addresses by name, looked up when the first region is linked."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    @functools.cached_property
    def _found(self) -> dict[str, int]:
        from numen.evm.tier import divisions  # noqa: PLC0415

        found = {}
        for name in (*ROUTINES, *(failure_name(halt) for halt in Halt), "land"):
            with suppress(LinkError):
                found[name] = self._interpreter.address(name)
        return found | divisions.addresses()

    def __getitem__(self, name: str) -> int:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@functools.cache
def imports_of(interpreter: Interpreter) -> Mapping[str, int]:
    """Addresses of the functions that regions may call or end in, as far as the fork has them."""
    return _Imports(interpreter)
