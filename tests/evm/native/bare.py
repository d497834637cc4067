"""A machine with one frame and nothing around it: handlers without accounts, calls and logs."""

import ctypes
import functools
import mmap
from collections.abc import Mapping

import msgspec

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import convention, layout
from numen.evm.native.body import Body
from numen.evm.native.interpreter import OPTIONS, TABLE, module_of
from numen.evm.native.layout import FRAME, MEMO, MEMO_ENTRIES, WINDOW_BYTES, WORLD
from numen.evm.native.opcodes import EMIT
from numen.kernels import compiler
from numen.kernels.compiler import Library
from numen.kernels.llvm import const

MEMORY_BYTES = 1 << 33
_NORESERVE = 0x4000


class Ran(msgspec.Struct, frozen=True):
    """What a run gave."""

    halt: Halt
    gas: int
    output: bytes


def _halt(halt: Halt, body: Body) -> None:
    if halt is Halt.STOP:
        place, size = body.frame, const("i64", 0)
    else:
        offset, length = body.pop(), body.pop()
        place, size = body.memory(offset, length)
    body.finish(halt, place, size)


@functools.cache
def library(name: str) -> Library:
    from numen.evm.forks import fork

    for byte, halt in ((0, Halt.STOP), (0xF3, Halt.RETURN), (0xFD, Halt.REVERT)):
        EMIT.setdefault(byte, functools.partial(_halt, halt))
    module = module_of(fork(name))
    module.functions.pop("finish", None)
    f, r = convention.open_function(module, "finish")
    world = FRAME.load(f, r.frame, "world")
    for field in ("halt", "output", "output_length"):
        WORLD.store(f, world, field, FRAME.load(f, r.frame, field))
    WORLD.store(f, world, "gas_left", r.gas)
    f.ret()
    return compiler.load(str(module), options=msgspec.structs.replace(OPTIONS, cached=True))


class Bare:
    """One World with one frame."""

    def __init__(self, fork: Fork) -> None:
        self.library = library(fork.name)
        self.enter = self.library.function("enter", None, ctypes.c_void_p)
        self._map = self.library.function(
            "map_jumps", None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p
        )
        self._kept: list[object] = []
        self.world = self._new(WORLD.size_bytes)
        self.frame = self._new(FRAME.size_bytes)
        self.stack = -(-self._new(2 * WINDOW_BYTES) // WINDOW_BYTES) * WINDOW_BYTES
        self._memory = mmap.mmap(
            -1, MEMORY_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE
        )
        self.memory = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self.account = self._new(layout.ACCOUNT.size_bytes)
        self.regions = 0
        for field, value in {
            "frame": self.frame,
            "table": self.library.address(TABLE),
            "memory": self.memory,
            "memory_limit": self.memory + MEMORY_BYTES - 64,
            "memory_peak": self.memory,
            "memo": self._new(MEMO_ENTRIES * MEMO.size_bytes),
            "return_data": self._new(64),
            "blob_hashes": self._new(64),
        }.items():
            WORLD.write(self.world, field, value)

    def _new(self, size: int) -> int:
        buffer = ctypes.create_string_buffer(size + 64)
        self._kept.append(buffer)
        return -(-ctypes.addressof(buffer) // 64) * 64

    def bytes_at(self, data: bytes) -> int:
        """Place bytes, padded."""
        address = self._new(len(data) + layout.CODE_PADDING_BYTES)
        ctypes.memmove(address, data, len(data))
        return address

    def load(self, code: bytes) -> tuple[int, int, int]:
        """Place a code and make its jump map."""
        at, jumps = self.bytes_at(code), self._new(len(code))
        self._map(at, len(code), jumps)
        return at, len(code), jumps

    def start(
        self,
        loaded: tuple[int, int, int],
        calldata: tuple[int, int] = (0, 0),
        *,
        gas: int,
        fields: Mapping[str, int] | None = None,
    ) -> None:
        """Make the frame."""
        at, length, jumps = loaded
        for field, value in {
            "world": self.world,
            "pc": at,
            "sp": self.stack,
            "gas": gas,
            "memory": self.memory,
            "msize": 0,
            "code": at,
            "code_length": length,
            "jumps": jumps,
            "regions": self.regions,
            "account": self.account,
            "calldata": calldata[0] or self.stack,
            "calldata_length": calldata[1],
            "stack": self.stack,
        }.items():
            FRAME.write(self.frame, field, value)
        for field, value in (fields or {}).items():
            (FRAME if field in FRAME else WORLD).write(
                self.frame if field in FRAME else self.world, field, value
            )

    def result(self) -> Ran:
        """What the run gave."""
        fields = ("halt", "gas_left", "output", "output_length")
        halt, gas, output, length = (WORLD.read(self.world, field) for field in fields)
        return Ran(Halt(halt), gas, ctypes.string_at(output, length))

    def run(self, code: bytes, data: bytes = b"", *, gas: int = 10**7, **fields: int) -> Ran:
        """Run a code once."""
        self.start(self.load(code), (self.bytes_at(data), len(data)), gas=gas, fields=fields)
        self.enter(self.world)
        return self.result()
