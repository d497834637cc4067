"""A compiled program, and its runs."""

import copy
import ctypes
import mmap
import struct
import threading
from collections.abc import Sequence
from typing import Final, TypeAlias

from numen.ir.nodes import Module
from numen.ir.outcome import Outcome
from numen.ir.trap import Reason
from numen.jit import marshal
from numen.jit.entry import ENTRY
from numen.jit.exits import trap_of
from numen.jit.host import NativeHost
from numen.jit.layout import (
    CODE_OFFSET,
    HOST_OFFSET,
    LEAVES_OFFSET,
    LEFT_OFFSET,
    LINE_BYTES,
    Layout,
)
from numen.kernels.compiler import Library

Memory: TypeAlias = bytearray | mmap.mmap | memoryview
"""Bytes that can be written, from anywhere."""

WORK_LIMIT_MAX = 2**64 - 1
"""The counter is a 64-bit word; higher limits are lowered to this."""

SHARED_STACK_BYTES = 1 << 20
"""What native code may take of the stack of the thread that calls it."""

_next_stack = threading.Lock()
"""Held while the size of the next thread's stack, which is the process's, is ours."""

_MAPPED_BYTES_MIN = 1 << 20
"""From this size on memory comes from the system, which clears a page when it is first touched."""


_HEAD: Final = struct.Struct("<QIxxxxQ")
"""Work units left, the code of the trap, the address of the host."""

assert (0, 8, _HEAD.size - 8) == (LEFT_OFFSET, CODE_OFFSET, HOST_OFFSET)


class Native:
    """Native code of one program. Threads may run it at the same time.

    Attributes:
        module: What was compiled.
        layout: Where the memory of a run holds what.
        stack_bytes: The most stack that it may use.
    """

    def __init__(
        self, library: Library, module: Module, layout: Layout, *, stack_bytes: int
    ) -> None:
        """Wrap native code.

        Args:
            library: Holds the code.
            module: What it was made of.
            layout: What it was made with.
            stack_bytes: The most stack it may use; where that is much, it gets a stack of its own.
        """
        self.layout = layout
        self.stack_bytes = stack_bytes
        self.module = module
        self._entry = library.function(ENTRY, None, ctypes.c_void_p)

    def of(self, module: Module) -> "Native":
        """The same code for a module that differs in nothing but its places and names."""
        other = copy.copy(self)
        other.module = module
        return other

    def call(self, address: int) -> None:
        """Run the code on memory that is prepared."""
        if self.stack_bytes <= SHARED_STACK_BYTES:
            self._entry(address)
            return
        with _next_stack:
            before = threading.stack_size(_rounded(self.stack_bytes + SHARED_STACK_BYTES))
            try:
                thread = threading.Thread(target=self._entry, args=(address,))
                thread.start()
            finally:
                threading.stack_size(before)
        thread.join()

    def run(self, args: Sequence[marshal.Given], *, work_limit: int) -> Outcome:
        """Run the program once, without the GIL.

        Args:
            args: One value for each leaf of the inputs, in the range of its word.
            work_limit: Work units, 1 or more.

        Returns:
            What `ir.interp.run` returns for the same module.
        """
        run = Run(self, new_memory(self.layout))
        run.prepare(args)
        run.execute(work_limit=work_limit)
        return run.outcome()


class Run:
    """One run, in three steps, so that a bench can time the one that is native."""

    def __init__(self, native: Native, memory: Memory) -> None:
        """Take memory as `new_memory` gives it; what is in it does not matter."""
        self._native = native
        buffer = (ctypes.c_char * len(memory)).from_buffer(memory)
        skip = -ctypes.addressof(buffer) % LINE_BYTES
        self._view = memoryview(memory)[skip : skip + native.layout.total_bytes]
        self._address = ctypes.addressof(buffer) + skip
        self._work_limit = 0

    def prepare(self, args: Sequence[marshal.Given]) -> None:
        """Write the inputs, and zeros for the arrays of the result."""
        layout = self._native.layout
        for slot, value in zip(layout.inputs, args, strict=True):
            marshal.write(self._view, slot, value)
        for slot in layout.results:
            self._view[slot.offset : slot.offset + slot.size_bytes] = bytes(slot.size_bytes)

    def prepare_bytes(self, raw: bytes) -> None:
        """Write inputs that lie next to each other as the bytes that they are in memory.

        The program has no arrays in its result.
        """
        self._view[LEAVES_OFFSET : LEAVES_OFFSET + len(raw)] = raw

    def execute(self, *, work_limit: int, host: NativeHost | None = None) -> None:
        """Call the native code, which may change its inputs: once after each `prepare`.

        Args:
            work_limit: Work units, 1 or more.
            host: What a contract speaks to, ready to begin.
        """
        self._work_limit = min(work_limit, WORK_LIMIT_MAX)
        address = 0 if host is None else host.address
        _HEAD.pack_into(self._view, 0, self._work_limit, 0, address)
        self._native.call(self._address)

    def outcome(self) -> Outcome:
        """Read what the call left behind."""
        left, code, _ = _HEAD.unpack_from(self._view)
        work = self._work_limit - left
        if code:
            trap = trap_of(code, self._native.module)
            is_limit = trap.reason is Reason.WORK_LIMIT
            return Outcome(None, trap, self._work_limit if is_limit else work)
        slots = self._native.layout.results
        results = tuple([marshal.read(self._view, slot) for slot in slots]) if slots else ()
        return Outcome(results, None, work)


def new_memory(layout: Layout) -> Memory:
    """Memory for one run, with room to begin at a full line."""
    size = layout.total_bytes + LINE_BYTES
    return bytearray(size) if size < _MAPPED_BYTES_MIN else mmap.mmap(-1, size)


def _rounded(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
