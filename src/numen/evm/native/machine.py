"""The native engine: a World in reserved memory, and the interpreter of a fork."""

import ctypes
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from numen.evm.block import Block, Context
from numen.evm.errors import ResourceLimitError
from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.message import Log, Message, Result
from numen.evm.native import passing
from numen.evm.native.arena import Reservation
from numen.evm.native.callbacks import Answers, connect
from numen.evm.native.changes import read_logs, take_diff
from numen.evm.native.contracts import PATIENCE_MAX
from numen.evm.native.layout import (
    CALLDATA_PADDING_BYTES,
    CODE,
    FRAME,
    MARKS,
    MOMENT,
    MOMENT_BYTES,
    SLOT,
    WORLD,
)
from numen.evm.native.natives import natives
from numen.evm.native.rooms import Rooms
from numen.evm.state import Source, StateDiff
from numen.evm.tier.service import Tier
from numen.evm.tier.store import imports_of

Mode = Literal["interpreter", "hot", "whole"]

KEPT_MEMORY_BYTES: Final = 64 << 20
"""Memory of frames that a machine keeps from one run to the next."""

KEPT_ARENA_BYTES: Final = 1 << 30
"""Accounts, slots and codes that a machine keeps from one transaction to the next."""

_NO_HEAT: Final = 2**63 - 1
_MOMENT: Final = struct.Struct("<4q")
_RESOURCE_LIMIT, _REVERT = int(Halt.RESOURCE_LIMIT), int(Halt.REVERT)
_HALTS: Final = {int(halt): halt for halt in Halt}


class NativeMachine:
    """A `Substate` in native memory.

    A machine is used by one thread at a time. Different machines run at once in different threads:
    native code lets go of the interpreter lock.

    Attributes:
        fork: The rules.
        tier: What compiles code, if anything does.
    """

    def __init__(self, fork: Fork, source: Source, tier: Mode = "hot") -> None:
        """Make a machine; it reads an account from the source when it first needs it.

        Args:
            fork: The rules.
            source: Accounts as they are before; they stay so while the machine lives, but for the
                differences that this machine gave out.
            tier: What becomes of code: ``interpreter``, compiled where it is ``hot``, or ``whole``
                before it runs.

        Raises:
            ResourceLimitError: The system refuses the addresses.
            CompileError: LLVM cannot make code for this machine.
        """
        self.fork = fork
        self._natives = natives(fork)
        engine = self._natives.engine
        rooms = self._rooms = Rooms()
        self._world = rooms.world
        self.tier = None if tier == "interpreter" else Tier(fork, imports_of(engine), mode=tier)
        self._answers = Answers(fork, source, rooms, self._natives.register_code, self.tier)
        heat = self.tier.heat_limit if self.tier else _NO_HEAT
        patience = self.tier.patience if self.tier else PATIENCE_MAX
        callbacks = connect(self._world, self._answers)
        limits = {"patience": patience, "heat_limit": heat}
        rooms.begin({"table": engine.table, **limits, **callbacks})
        self._error = _number_at(self._world, "error")
        self._codes: dict[int, bytes] = {}
        self._block: Block | None = None
        self._context: Context | None = None
        self._snapshots: list[bytes] = []
        self._blob_hashes: Any = None
        self._outputs: Reservation | None = None
        # What every run needs, one attribute away.
        self._run, self._control = self._natives.run, rooms.control.view
        start = WORLD.offset(MOMENT[0])
        self._moment = self._control[start : start + MOMENT_BYTES]
        self._input, self._input_at = rooms.input.view, rooms.input.address
        self._input_room = rooms.input.size_bytes - CALLDATA_PADDING_BYTES
        self._arena, self._arena_at = rooms.arena.view, rooms.arena.address
        self._arena_top = _number_at(self._world, "arena_top")
        self._arena_kept = rooms.arena.address + KEPT_ARENA_BYTES
        self._memory_kept = rooms.memory.address + KEPT_MEMORY_BYTES

    def set_block(self, block: Block) -> None:
        """Give the block that following messages see."""
        if block is self._block:
            return
        self._block = block
        self._answers.block_hashes = block.block_hashes
        passing.write_block(self._control, block)

    def set_context(self, context: Context) -> None:
        """Give the transaction that following messages see."""
        if context != self._context:
            self._context = context
            self._blob_hashes = passing.write_context(self._control, context)

    def begin(self) -> None:
        """Start a transaction; see `Substate`.

        A machine that has seen very much forgets it here, where no change waits for `take_diff`,
        and reads what it needs from the source again.
        """
        self._snapshots.clear()
        if self._arena_top.value > self._arena_kept:
            self._forget_accounts()
        self._natives.begin_transaction(self._world)

    def finish(self) -> None:
        """End it; see `Substate`."""
        self._snapshots.clear()
        self._natives.finish_transaction(self._world)
        self._check()

    def exists(self, address: bytes) -> bool:
        """Whether there is such an account, empty or not."""
        return bool(self._read(address)[2])

    def is_empty(self, address: bytes) -> bool:
        """Whether nonce, balance and code are nothing, or there is no account (EIP-161)."""
        wei, nonce, _, code = self._read(address)
        return not (nonce or any(wei) or CODE.read(code, "length"))

    def account(self, address: bytes) -> tuple[int, int, bytes]:
        """Nonce, balance and code; 0, 0 and no bytes where there is no account."""
        wei, nonce, _, code = self._read(address)
        return nonce, int.from_bytes(wei, "little"), self._code_at(code)

    def nonce(self, address: bytes) -> int:
        return self._read(address)[1]

    def balance(self, address: bytes) -> int:
        return int.from_bytes(self._read(address)[0], "little")

    def code(self, address: bytes) -> bytes:
        return self._code_at(self._read(address)[3])

    def storage(self, address: bytes, key: int) -> int:
        place = self._natives.slot_of(self._world, address, key.to_bytes(32, "little"))
        if not place:
            self._give_up()
        return SLOT.read(place, "value")

    def set_nonce(self, address: bytes, nonce: int) -> None:
        self._natives.put_nonce(self._world, address, nonce)
        self._check()

    def set_balance(self, address: bytes, wei: int) -> None:
        self._natives.put_balance(self._world, address, wei.to_bytes(32, "little"))
        self._check()

    def add_balance(self, address: bytes, wei: int) -> None:
        """Add wei, 0 or more; the account is touched, and made where there is none."""
        self._natives.add_balance(self._world, address, wei.to_bytes(32, "little"))
        self._check()

    def set_code(self, address: bytes, code: bytes) -> None:
        self._natives.put_code(self._world, address, self._answers.code(code))
        self._check()

    def set_storage(self, address: bytes, key: int, value: int) -> None:
        words = key.to_bytes(32, "little"), value.to_bytes(32, "little")
        self._natives.put_slot(self._world, address, *words)
        self._check()

    def warm(self, address: bytes) -> None:
        """Count an account as accessed (EIP-2929)."""
        self._natives.warm(self._world, address)
        self._check()

    def warm_all(self, addresses: Sequence[bytes]) -> None:
        """Count accounts as accessed, as `warm` does each; in one native call."""
        self._natives.warm_all(self._world, b"".join(addresses), len(addresses))
        self._check()

    def warm_slot(self, address: bytes, key: int) -> None:
        """Count a storage slot as accessed (EIP-2929)."""
        self._natives.warm_key(self._world, address, key.to_bytes(32, "little"))
        self._check()

    def snapshot(self) -> int:
        """Name the present moment, so that `revert` can come back to it."""
        self._snapshots.append(bytes(self._moment))
        return len(self._snapshots) - 1

    def revert(self, to: int) -> None:
        """Undo everything since a moment that `snapshot` named in this transaction."""
        mark = self._snapshots[to]
        del self._snapshots[to:]
        self._natives.revert_to(self._world, mark)

    def refund(self) -> int:
        """Gas to give back at the end of this transaction, not capped."""
        refund: int = _MOMENT.unpack(self._moment)[3]
        return refund

    def logs(self) -> tuple[Log, ...]:
        """The logs of this transaction so far."""
        return read_logs(_MOMENT.unpack(self._moment)[1], self._rooms)

    def take_diff(self) -> StateDiff:
        """Everything that changed since the last take; the caller applies it to its state.

        Cost: some microseconds for each account and slot that changed, whatever there is besides.
        """
        return take_diff(self._world, self._rooms.arena, self._code_at)

    def run(self, message: Message) -> Result:
        """Run a whole tree of calls; see `Substate`.

        Raises:
            ResourceLimitError: This machine cannot go on; everything the message did is undone.
        """
        length = len(message.data)
        if length:
            self._write_input(message.data, length)
        passing.write_message(self._control, Rooms.MESSAGE_OFFSET, message, self._input_at)
        self._run(self._world, self._rooms.message)
        error, halt, gas, output, length, created, peak = passing.read_result(self._control)
        if halt == _RESOURCE_LIMIT or error:
            self._undo_run()
            self._give_up()
        if peak > self._memory_kept:
            # Not before the output is read.
            data = ctypes.string_at(output, length)
            self._forget_memory()
        else:
            data = ctypes.string_at(output, length) if length else b""
        made = created[::-1] if message.to is None and halt < _REVERT else None
        return Result(_HALTS[halt], gas, data, made)

    def run_batch(self, messages: Iterable[Message]) -> list[Result]:
        """Run messages one after the other in one native call; each sees what those before it did.

        Args:
            messages: Their inputs and outputs are at most `BUFFER_BYTES` together.

        Returns:
            A result for each, as `run` would give it.

        Raises:
            ResourceLimitError: One of them cannot go on; all of them are undone.
        """
        if self._outputs is None:
            self._outputs = Reservation("results of a batch", self._rooms.output.size_bytes)
        batch = passing.Batch(list(messages), self._input_at)
        if batch.size_bytes > self._input_room:
            raise ResourceLimitError(f"no room for a batch of {batch.size_bytes} bytes")
        self._input[: batch.size_bytes] = batch.image
        start = self.snapshot()
        outputs = self._outputs
        self._natives.run_batch(self._world, *batch.places, outputs.address, outputs.size_bytes)
        results = batch.results(self._input)
        if results is None:
            self._undo_run()
            self.revert(start)
            self._give_up()
            raise AssertionError("giving up raises")
        del self._snapshots[start:]
        self._forget_memory()
        return results

    def _write_input(self, data: bytes, length: int) -> None:
        if length > self._input_room:
            raise ResourceLimitError(f"no room for an input of {length} bytes")
        self._input[:length] = data

    def _forget_accounts(self) -> None:
        if WORLD.read(self._world, "dirty_accounts"):
            return
        self._rooms.clear_arena()
        self._answers.forget_codes(self._rooms.empty_code)
        self._codes.clear()

    def _forget_memory(self) -> None:
        """Give memory back that a large run has touched."""
        if WORLD.read(self._world, "memory_peak") > self._memory_kept:
            self._rooms.memory.forget(KEPT_MEMORY_BYTES)
            WORLD.write(self._world, "memory_peak", self._rooms.memory.address)

    def _read(self, address: bytes) -> tuple[bytes, int, int, int]:
        """Balance, nonce, exists and Code of an account."""
        place = self._natives.account_of(self._world, address)
        if not place:
            self._give_up()
        return passing.read_account(self._arena, place - self._arena_at)

    def _code_at(self, place: int) -> bytes:
        found = self._codes.get(place)
        if found is None:
            start, length = CODE.read(place, "bytes"), CODE.read(place, "length")
            found = self._codes[place] = ctypes.string_at(start, length)
        return found

    def _check(self) -> None:
        """Raise what a callback kept, or say that there is no more room."""
        if self._error.value:
            self._give_up()

    def _undo_run(self) -> None:
        """Go back to before the message that was given up."""
        frame = WORLD.read(self._world, "frames")
        self._natives.revert_to(self._world, frame + FRAME.offset(MARKS[0]))

    def _give_up(self) -> None:
        """Say why something was given up: what a callback kept, or that there is no more room."""
        self._error.value = 0
        kept, self._answers.kept = self._answers.kept, None
        if kept is not None:
            raise kept
        raise ResourceLimitError("this needs more memory than the machine has room for")


def _number_at(world: int, field: str) -> ctypes.c_int64:
    return ctypes.c_int64.from_address(world + WORLD.offset(field))
