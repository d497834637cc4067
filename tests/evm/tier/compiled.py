"""One code in one account, on engines that must agree."""

import functools

import msgspec

from numen.evm.block import Block, Context
from numen.evm.forks import fork
from numen.evm.message import Log, Message, Result
from numen.evm.native.machine import NativeMachine
from numen.evm.state import State
from numen.evm.substate import Substate
from numen.evm.tier.policy import WHOLE
from numen.evm.tier.regions import USUAL, Bounds

TO, CALLER = b"\xcc" * 20, b"\x11" * 20
BLOCK = Block(number=300, timestamp=7, gas_limit=2**40, base_fee=9, chain_id=3)
CONTEXT = Context(origin=CALLER, gas_price=12)

TINY = Bounds(cost=60, instances=3, clones=2, border=40)
"""So little that most edges leave their region."""


class Ran(msgspec.Struct, frozen=True):
    """A result and what came with it."""

    result: Result
    logs: tuple[Log, ...]
    refund: int
    storage: tuple[int, ...]

    def is_like(self, other: "Ran") -> bool:
        """Whether nothing differs but which of several failures was found first."""
        ours, theirs = self.result.halt, other.result.halt
        result = msgspec.structs.replace(self.result, halt=theirs)
        return msgspec.structs.replace(self, result=result) == other and (
            ours is theirs or (ours.is_failure and theirs.is_failure)
        )


@functools.cache
def interpreter(name: str) -> NativeMachine:
    return NativeMachine(fork(name), State(), tier="interpreter")


@functools.cache
def compiled(name: str, bounds: Bounds = USUAL) -> NativeMachine:
    """A machine that compiles everything before it runs, within given bounds of regions."""
    machine = NativeMachine(fork(name), State(), tier="whole")
    assert machine.tier is not None
    options = msgspec.structs.replace(WHOLE.options, untrusted=False, cached=False)
    machine.tier.policy = msgspec.structs.replace(WHOLE, bounds=bounds, options=options)
    return machine


def run(machine: Substate, code: bytes, data: bytes = b"", gas: int = 10**6) -> Ran:
    """Run a code as a transaction of its own, and undo it."""
    machine.set_block(BLOCK)
    machine.set_context(CONTEXT)
    machine.begin()
    machine.set_code(TO, code)
    before = machine.snapshot()
    result = machine.run(Message(CALLER, TO, data=data, gas=gas))
    storage = tuple(machine.storage(TO, key) for key in range(4))
    ran = Ran(result, machine.logs(), machine.refund(), storage)
    machine.revert(before)
    machine.finish()
    return ran
