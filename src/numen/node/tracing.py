"""Running a transaction again, or a call, on the readable engine, with somebody who watches.

What was before it in its block is run again first, at native speed.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from numen.evm import fees, transition
from numen.evm.halt import Halt
from numen.evm.message import Message, Result
from numen.evm.reference.machine import ReferenceMachine, Watcher
from numen.evm.state import Source, StateDiff
from numen.node import simulate
from numen.node.blocks import Sealed
from numen.node.chain import Chain
from numen.node.execution import Work
from numen.node.simulate import Call, Ground
from numen.node.sources import Changed, Recorder


class Run(msgspec.Struct, frozen=True):
    """What a traced run came to.

    Attributes:
        success: Whether its effects stay, or would.
        halt: How its outermost frame ended.
        output: What it gave back.
        gas_limit: Gas that it had.
        gas_used: Gas that it was to pay for.
        read: What it read, as it was before.
        diff: What it changed.
    """

    success: bool
    halt: Halt
    output: bytes
    gas_limit: int
    gas_used: int
    read: Recorder
    diff: StateDiff


def transaction(chain: Chain, sealed: Sealed, index: int, watcher: Watcher | None) -> Run:
    """Run a transaction of a block again, as `transactions` does."""
    return next(transactions(chain, sealed, index, [watcher]))


def transactions(
    chain: Chain, sealed: Sealed, first: int, watchers: Iterable[Watcher | None]
) -> Iterator[Run]:
    """Run transactions of a block again, from the one with an index on, one for each watcher.

    Cost: linear in the transactions up to the last.

    Raises:
        UnknownBlockError: What they began with is not kept any more.
        ResourceLimitError: The readable engine cannot run one.
    """
    source = _before(chain, sealed, first)
    for each, watcher in zip(sealed.included[first:], watchers, strict=False):
        recorder, signed = Recorder(source), each.signed
        machine = ReferenceMachine(chain.fork, recorder, watcher)
        receipt = transition.apply(
            machine, sealed.block, signed.tx, signed.sender, is_impersonated=signed.is_impersonated
        )
        diff = machine.take_diff()
        yield Run(
            receipt.success,
            receipt.halt,
            receipt.output,
            signed.tx.gas_limit,
            receipt.gas_used,
            recorder,
            diff,
        )
        source.put(diff)


def _before(chain: Chain, sealed: Sealed, index: int) -> Changed:
    """The accounts that a transaction of a block began with."""
    view = chain.view_before(sealed)
    machine = chain.machine_on(view)
    work = Work(machine, sealed.block, sealed.header.parent_hash)
    for each in sealed.included[:index]:
        work.add(each.signed)
    found = Changed(view, view.words)
    found.put(machine.take_diff())
    return found


def call(
    chain: Chain,
    source: Source,
    asked: Call,
    watcher: Watcher | None,
    ground: Callable[[ReferenceMachine], Ground],
) -> Run:
    """Run a call that is in no block.

    Raises:
        CallError: It cannot be tried.
        ResourceLimitError: The readable engine cannot run it.
    """
    recorder = Recorder(source)
    machine = ReferenceMachine(chain.fork, recorder, watcher)
    place = ground(machine)
    simulate.begin(place, asked)
    machine.exists(place.block.coinbase)  # as geth, it counts as looked at
    gas = simulate.gas_of(place, asked)
    intrinsic, floor = fees.intrinsic_gas(asked.shell(), chain.fork)
    if gas < intrinsic:
        raise simulate.AllowanceError(gas)
    message = Message(asked.caller, asked.to, asked.value, asked.data, gas - intrinsic)
    result: Result = machine.run(message)
    if result.halt is Halt.BALANCE:
        raise simulate.NoFundsError
    used = gas - result.gas_left
    if result.success:
        used -= min(machine.refund(), used // chain.fork.gas.refund_quotient)
    machine.finish()
    return Run(
        result.success,
        result.halt,
        result.output,
        gas,
        max(used, floor),
        recorder,
        machine.take_diff(),
    )
