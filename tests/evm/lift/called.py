"""A contract called on the reference, for the lifter to agree with."""

from numen.evm.block import Block, Context
from numen.evm.forks import fork
from numen.evm.message import Message, Result
from numen.evm.reference.machine import ReferenceMachine
from numen.evm.state import Account, State

CALLER, CONTRACT = b"\xaa" * 20, b"\xcc" * 20


def called(code: bytes, data: bytes, *, gas: int = 30_000_000, watcher=None) -> Result:
    """Run code on calldata, with no wei."""
    state = State({CONTRACT: Account(code=code), CALLER: Account(balance=1)})
    machine = ReferenceMachine(fork("prague"), state, watcher)
    machine.set_block(Block())
    machine.set_context(Context(origin=CALLER, gas_price=0))
    machine.begin()
    machine.warm(CONTRACT)
    return machine.run(Message(caller=CALLER, to=CONTRACT, value=0, data=data, gas=gas))


def words_of(data: bytes) -> tuple[int, ...]:
    """Output as words."""
    return tuple(int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32))
