"""The machine: a substate over a journal, and the loop that runs frames."""

from collections.abc import Sequence
from typing import Protocol

from numen.evm.block import Block, Context
from numen.evm.errors import HaltError
from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.journal import Journal
from numen.evm.message import Log, Message, Result
from numen.evm.opcodes import OPCODES, STACK_MAX
from numen.evm.reference import calls, computing, effects, environment
from numen.evm.reference.frame import Frame, Handler, Scope, World
from numen.evm.state import Source, StateDiff

_HANDLERS: dict[int, Handler] = {
    **computing.HANDLERS,
    **environment.HANDLERS,
    **effects.HANDLERS,
    **calls.HANDLERS,
}


class Watcher(Protocol):
    """Who is told of every instruction; may look at the frame and change nothing."""

    def before(self, frame: Frame, byte: int) -> None:
        """An opcode is about to be paid for and carried out."""

    def after(self, frame: Frame, failure: Halt | None) -> None:
        """It was, or it failed; a frame that it calls has not begun.

        ``frame.asked`` is the gas that it asked for, with what it gave to a callee.
        """

    def enter(self, frame: Frame) -> None:
        """A frame is about to run; one that has no code has halted already."""

    def leave(self, frame: Frame) -> None:
        """It has halted and is settled; what it gives back stands in its gas and output."""


class ReferenceMachine:
    """Runs messages in plain Python; a `Substate`, whose methods say what these do.

    A run takes some microseconds an instruction, and at most `frame.MEMORY_MAX` bytes of memory
    for its frames, beyond which it raises `ResourceLimitError`. Calls do not recurse.

    Attributes:
        fork: The rules.
        watcher: Who is told of every instruction, if anyone.
    """

    def __init__(self, fork: Fork, source: Source, watcher: Watcher | None = None) -> None:
        self.fork = fork
        self.watcher = watcher
        self._journal = Journal(fork, source)
        self._world = World(fork, self._journal, Block(), Context())
        # Handler, base price, bytes of code, and fewest and most words on the stack before it, of
        # the opcodes of the fork.
        self._table: dict[int, tuple[Handler, int, int, int, int]] = {}
        for byte, price in fork.base_gas.items():
            op = OPCODES[byte]
            room = STACK_MAX - op.pushes + op.pops
            self._table[byte] = (_HANDLERS[byte], price, 1 + op.immediate, op.pops, room)

    def set_block(self, block: Block) -> None:
        self._world.block = block

    def set_context(self, context: Context) -> None:
        self._world.context = context

    def begin(self) -> None:
        self._journal.begin()

    def finish(self) -> None:
        self._journal.finish()

    def exists(self, address: bytes) -> bool:
        return self._journal.exists(address)

    def is_empty(self, address: bytes) -> bool:
        return self._journal.is_empty(address)

    def account(self, address: bytes) -> tuple[int, int, bytes]:
        return self.nonce(address), self.balance(address), self.code(address)

    def nonce(self, address: bytes) -> int:
        return self._journal.nonce(address)

    def balance(self, address: bytes) -> int:
        return self._journal.balance(address)

    def code(self, address: bytes) -> bytes:
        return self._journal.code(address)

    def storage(self, address: bytes, key: int) -> int:
        return self._journal.storage(address, key)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        self._journal.set_nonce(address, nonce)

    def set_balance(self, address: bytes, wei: int) -> None:
        self._journal.set_balance(address, wei)

    def add_balance(self, address: bytes, wei: int) -> None:
        self._journal.add_balance(address, wei)

    def set_code(self, address: bytes, code: bytes) -> None:
        self._journal.set_code(address, code)

    def set_storage(self, address: bytes, key: int, value: int) -> None:
        self._journal.set_storage(address, key, value)

    def warm(self, address: bytes) -> None:
        self._journal.warm(address)

    def warm_all(self, addresses: Sequence[bytes]) -> None:
        for address in addresses:
            self._journal.warm(address)

    def warm_slot(self, address: bytes, key: int) -> None:
        self._journal.warm_slot(address, key)

    def snapshot(self) -> int:
        return self._journal.snapshot()

    def revert(self, to: int) -> None:
        self._journal.revert(to)

    def logs(self) -> tuple[Log, ...]:
        return self._journal.logs()

    def refund(self) -> int:
        return self._journal.refund()

    def take_diff(self) -> StateDiff:
        return self._journal.take_diff()

    def run(self, message: Message) -> Result:
        world, journal = self._world, self._journal
        world.memory_bytes = 0
        is_create = message.to is None
        if message.is_static and (is_create or message.value):
            return Result(Halt.STATIC_WRITE, 0, b"")
        if journal.balance(message.caller) < message.value:
            return Result(Halt.BALANCE, message.gas, b"")
        scope = Scope(
            address=message.to or _new_address(journal, message.caller),
            caller=message.caller,
            value=message.value,
            data=b"" if is_create else message.data,
            code=message.data,
            gas=message.gas,
            depth=0,
            is_static=message.is_static,
            is_create=is_create,
        )
        if not is_create:
            scope = calls.call_scope(world, scope)
        else:
            journal.warm(scope.address)
            if journal.has_collision(scope.address):
                return Result(Halt.COLLISION, 0, b"")
        frame = self._run_all(calls.open_frame(world, scope))
        assert frame.halt is not None
        created = scope.address if is_create and frame.halt.is_success else None
        return Result(frame.halt, frame.gas, frame.output, created)

    def _run_all(self, first: Frame) -> Frame:
        """Run a frame and all that it calls; frames wait in a list, not on Python's stack."""
        frames, watcher = [first], self.watcher
        if watcher is not None:
            watcher.enter(first)
        while True:
            frame = frames[-1]
            callee = self._run(frame)
            if callee is not None:
                frames.append(callee)
                if watcher is not None:
                    watcher.enter(callee)
                continue
            calls.close(frames.pop())
            if watcher is not None:
                watcher.leave(frame)
            if not frames:
                return frame
            calls.resume(frames[-1], frame)

    def _run(self, frame: Frame) -> Frame | None:
        """Run a frame until it halts, or until it calls: then give the callee's frame."""
        try:
            while frame.halt is None:
                callee = self._step(frame)
                if callee is not None:
                    return callee
        except HaltError as failure:
            frame.halt = failure.halt
            if self.watcher is not None:
                self.watcher.after(frame, failure.halt)
        return None

    def _step(self, frame: Frame) -> Frame | None:
        """Carry out one instruction; gives the frame that it calls, if any."""
        code, pc = frame.scope.code, frame.pc
        # Past its end, code goes on with STOP.
        byte = code[pc] if pc < len(code) else 0
        frame.asked = 0
        if self.watcher is not None:
            self.watcher.before(frame, byte)
        known = self._table.get(byte)
        if known is None:
            raise HaltError(Halt.BAD_INSTRUCTION)
        handler, price, length, pops, room = known
        frame.charge(price)
        if len(frame.stack) < pops:
            raise HaltError(Halt.STACK_UNDERFLOW)
        if len(frame.stack) > room:
            raise HaltError(Halt.STACK_OVERFLOW)
        frame.next_pc = pc + length
        callee = handler(frame)
        if self.watcher is not None:
            self.watcher.after(frame, None)
        frame.pc = frame.next_pc
        return callee


def _new_address(journal: Journal, creator: bytes) -> bytes:
    """Where a transaction's contract comes to be: its nonce is counted up already."""
    return calls.address_by_nonce(creator, max(journal.nonce(creator) - 1, 0))
