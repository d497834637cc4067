"""The native engine: a World in reserved memory, and the interpreter of a fork."""

import ctypes
import struct
from typing import Any, Final, Literal

from numen.evm.block import Block, Context
from numen.evm.errors import ResourceLimitError
from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.message import Log, Message, Result
from numen.evm.native.callbacks import Answers, callbacks, tier_callbacks
from numen.evm.native.changes import read_logs, take_diff
from numen.evm.native.interpreter import interpreter
from numen.evm.native.layout import ACCOUNT, CALLDATA_PADDING_BYTES, CODE, FRAME, MESSAGE, WORLD
from numen.evm.native.natives import natives
from numen.evm.native.rooms import Rooms
from numen.evm.state import Source, StateDiff
from numen.evm.tier.service import Tier
from numen.evm.tier.store import imports_of

Mode = Literal["interpreter", "hot", "whole"]

GAS_MAX: Final = 2**63 - 1
"""Most gas of a message: native code counts it in a signed word."""

KEPT_MEMORY_BYTES: Final = 64 << 20
"""Memory of frames that a machine keeps from one run to the next."""

_MESSAGE: Final = struct.Struct("<20s20s8x32sQQQQQ")
"""A Message, whole."""

_ERROR: Final = WORLD.offset("error")
_GAP: Final = WORLD.offset("created") - _ERROR - 40
_RESULT: Final = struct.Struct(f"<QQQQQ{_GAP}x20s12xQ")
"""The World from ``error`` to ``memory_peak``."""

_RESOURCE_LIMIT, _REVERT = int(Halt.RESOURCE_LIMIT), int(Halt.REVERT)
_HALTS: Final = {int(halt): halt for halt in Halt}
_NOBODY: Final = bytes(20)
assert MESSAGE.offset("is_static") == _MESSAGE.size - 8
assert WORLD.offset("memory_peak") == _ERROR + _RESULT.size - 8


class NativeMachine:
    """A `Substate` in native memory.

    A machine is used by one thread at a time. Different machines run at once in different threads:
    native code lets go of the interpreter lock.

    Attributes:
        fork: The rules.
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
        engine = interpreter(fork)
        self._natives = natives(engine)
        self._rooms = Rooms()
        self._world = self._rooms.world
        WORLD.write(self._world, "table", engine.table)
        self._answers = Answers(fork, source, self._world, self._rooms.arena, self._rooms.output)
        self._answers.begin(self._natives.register_code, WORLD.read(self._world, "empty_code"))
        self._callbacks = callbacks(self._answers, self._world)
        self._tier = None if tier == "interpreter" else Tier(fork, imports_of(engine), mode=tier)
        if self._tier:
            self._callbacks += tier_callbacks(self._tier, self._answers, self._world)
        self._codes: dict[int, bytes] = {}
        self._snapshots: list[tuple[int, int, int, int]] = []
        self._blob_hashes: Any = None
        self._run = self._natives.run
        self._control = self._rooms.control.view
        self._input = self._rooms.input.view
        self._input_at = self._rooms.input.address
        self._memory_kept = self._rooms.memory.address + KEPT_MEMORY_BYTES
        self._input_room = self._rooms.input.size_bytes - CALLDATA_PADDING_BYTES

    def set_block(self, block: Block) -> None:
        """Give the block that following messages see."""
        self._answers.block_hashes = block.block_hashes
        fields = {
            "coinbase": int.from_bytes(block.coinbase, "big"),
            "timestamp": block.timestamp,
            "number": block.number,
            "prev_randao": block.prev_randao,
            "gas_limit": block.gas_limit,
            "chain_id": block.chain_id,
            "base_fee": block.base_fee,
            "blob_base_fee": block.blob_base_fee,
        }
        for name, value in fields.items():
            WORLD.write(self._world, name, value)

    def set_context(self, context: Context) -> None:
        """Give the transaction that following messages see."""
        WORLD.write(self._world, "origin", int.from_bytes(context.origin, "big"))
        WORLD.write(self._world, "gas_price", context.gas_price)
        hashes = b"".join(each[::-1] for each in context.blob_hashes)
        # One more, because native code reads a word before it knows whether it is there.
        self._blob_hashes = ctypes.create_string_buffer(hashes, len(hashes) + 32)
        WORLD.write(self._world, "blob_hashes", ctypes.addressof(self._blob_hashes))
        WORLD.write(self._world, "blob_count", len(context.blob_hashes))

    def begin(self) -> None:
        """Start a transaction; see `Substate`."""
        self._snapshots.clear()
        self._natives.begin_transaction(self._world)

    def finish(self) -> None:
        """End it; see `Substate`."""
        self._snapshots.clear()
        self._natives.finish_transaction(self._world)
        self._check()

    def exists(self, address: bytes) -> bool:
        """Whether there is such an account, empty or not."""
        return bool(ACCOUNT.read(self._account(address), "exists"))

    def is_empty(self, address: bytes) -> bool:
        """Whether nonce, balance and code are nothing (EIP-161)."""
        return not (self.nonce(address) or self.balance(address) or self.code(address))

    def nonce(self, address: bytes) -> int:
        return ACCOUNT.read(self._account(address), "nonce")

    def balance(self, address: bytes) -> int:
        return ACCOUNT.read(self._account(address), "balance")

    def code(self, address: bytes) -> bytes:
        return self._code_at(ACCOUNT.read(self._account(address), "code"))

    def storage(self, address: bytes, key: int) -> int:
        place = self._natives.slot_of(self._world, address, key.to_bytes(32, "little"))
        self._check()
        slot = ctypes.string_at(place + 32, 32)
        return int.from_bytes(slot, "little")

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

    def warm_slot(self, address: bytes, key: int) -> None:
        """Count a storage slot as accessed (EIP-2929)."""
        self._natives.warm_key(self._world, address, key.to_bytes(32, "little"))
        self._check()

    def snapshot(self) -> int:
        """Name the present moment, so that `revert` can come back to it."""
        names = ("journal_count", "log_count", "log_data_count", "refund")
        journal, logs, log_data, refund = (WORLD.read(self._world, name) for name in names)
        self._snapshots.append((journal, logs, log_data, refund))
        return len(self._snapshots) - 1

    def revert(self, to: int) -> None:
        """Undo everything since a moment that `snapshot` named in this transaction."""
        mark = self._snapshots[to]
        del self._snapshots[to:]
        self._natives.revert_to(self._world, *mark)

    def refund(self) -> int:
        """Gas to give back at the end of this transaction, not capped."""
        refund = WORLD.read(self._world, "refund")
        return refund - (1 << 64) if refund >> 63 else refund

    def logs(self) -> tuple[Log, ...]:
        """The logs of this transaction so far."""
        return read_logs(self._world, self._rooms)

    def take_diff(self) -> StateDiff:
        """Everything that changed since the last take; the caller applies it to its state."""
        return take_diff(self._world, self._rooms.arena, self._code_at)

    def run(self, message: Message) -> Result:
        """Run a whole tree of calls; see `Substate`.

        Raises:
            ResourceLimitError: This machine cannot go on; everything the message did is undone.
        """
        self._write_message(message)
        self._run(self._world, self._rooms.message)
        found = _RESULT.unpack_from(self._control, _ERROR)
        error, halt, gas, output, length, created, peak = found
        if halt == _RESOURCE_LIMIT or error:
            self._give_up(undo=True)
        result = Result(
            _HALTS[halt],
            gas,
            ctypes.string_at(output, length) if length else b"",
            created[::-1] if message.to is None and halt < _REVERT else None,
        )
        if peak > self._memory_kept:
            self._forget_memory()
        return result

    def _write_message(self, message: Message) -> None:
        data, length = message.data, len(message.data)
        if length > self._input_room:
            raise ResourceLimitError(f"no room for an input of {length} bytes")
        if message.gas > GAS_MAX:
            raise ResourceLimitError(f"a message of {message.gas} gas; at most {GAS_MAX} are run")
        self._input[:length] = data
        to = message.to
        _MESSAGE.pack_into(
            self._control,
            Rooms.MESSAGE_OFFSET,
            message.caller,
            _NOBODY if to is None else to,
            message.value.to_bytes(32, "little"),
            message.gas,
            self._input_at,
            length,
            to is None,
            message.is_static,
        )

    def _forget_memory(self) -> None:
        """Give memory back that a large run has touched."""
        self._rooms.memory.forget(KEPT_MEMORY_BYTES)
        WORLD.write(self._world, "memory_peak", self._rooms.memory.address)

    def _account(self, address: bytes) -> int:
        place: int | None = self._natives.account_of(self._world, address)
        if not place:
            self._give_up()
            raise AssertionError("a missing account is an error")
        return place

    def _code_at(self, place: int) -> bytes:
        found = self._codes.get(place)
        if found is None:
            start, length = CODE.read(place, "bytes"), CODE.read(place, "length")
            found = self._codes[place] = ctypes.string_at(start, length)
        return found

    def _check(self) -> None:
        """Raise what a callback kept, or say that there is no more room."""
        if WORLD.read(self._world, "error"):
            self._give_up()

    def _give_up(self, *, undo: bool = False) -> None:
        """Raise what a callback kept, or say that there is no more room.

        Args:
            undo: Whether to undo the message that ran.
        """
        if undo:
            frame = WORLD.read(self._world, "frames")
            names = ("journal_mark", "log_mark", "log_data_mark", "refund_mark")
            self._natives.revert_to(self._world, *(FRAME.read(frame, name) for name in names))
        WORLD.write(self._world, "error", 0)
        kept, self._answers.kept = self._answers.kept, None
        if kept is not None:
            raise kept
        raise ResourceLimitError("the run needs more memory than this machine has room for")
