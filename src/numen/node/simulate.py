"""Calls that change nothing: on any state, with accounts that are made up for one call.

EvmError
└── CallError             a call that cannot be tried
    ├── NoFundsError      its sender has not what it sends
    └── AllowanceError    it needs more gas than it may use
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from numen.evm import fees, transition
from numen.evm.authority import Authorization, authorize, delegate
from numen.evm.block import Block, Context
from numen.evm.errors import EvmError
from numen.evm.forks import NONCE_MAX
from numen.evm.halt import Halt
from numen.evm.message import Message, Result
from numen.evm.results import Outcome, RevertedError
from numen.evm.revert import decode_revert
from numen.evm.state import Source
from numen.evm.substate import Substate
from numen.evm.transaction import Access, Kind, Transaction
from numen.node.sources import Recorder

GAS_MAX: Final = 50_000_000
"""Most gas of a call, as in geth."""

_LIST_ROUNDS_MAX: Final = 8
"""How often an access list is tried before it counts as found."""


class CallError(EvmError):
    """A call cannot be tried."""


class NoFundsError(CallError):
    """The sender has not what the call sends, or pays for its gas."""

    def __init__(self) -> None:
        super().__init__("insufficient funds for gas * price + value")


class AllowanceError(CallError):
    """The call does not succeed with all the gas that it may use."""

    def __init__(self, gas: int) -> None:
        super().__init__(f"gas required exceeds allowance ({gas})")


class Call(msgspec.Struct, frozen=True):
    """A call, or a creation, with what a transaction around it would have.

    Attributes:
        caller: 20 bytes.
        to: 20 bytes; None makes a contract.
        value: Wei.
        data: Input, or the code that makes the contract.
        gas: Most gas; None for as much as there is.
        gas_price: Wei for a unit; 0 asks for no payment.
        access_list: What is warm from the start.
        blob_hashes: Versioned hashes of blobs.
        authorizations: Delegations to set first.
    """

    caller: bytes
    to: bytes | None
    value: int = 0
    data: bytes = b""
    gas: int | None = None
    gas_price: int = 0
    access_list: tuple[Access, ...] = ()
    blob_hashes: tuple[bytes, ...] = ()
    authorizations: tuple[Authorization, ...] = ()

    def shell(self) -> Transaction:
        """The transaction around it, as far as its price follows from it."""
        return Transaction(
            kind=Kind.SET_CODE if self.authorizations else Kind.FEE_MARKET,
            to=self.to,
            value=self.value,
            data=self.data,
            access_list=self.access_list,
            authorizations=self.authorizations,
        )


class Override(msgspec.Struct, frozen=True):
    """What an account is to be for one call; None leaves things as they are.

    Attributes:
        balance: Wei.
        nonce: Transactions sent.
        code: Its code.
        state: All its words of storage.
        state_diff: Some of them.
    """

    balance: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    state: Mapping[int, int] | None = None
    state_diff: Mapping[int, int] = {}


Overrides = Mapping[bytes, Override]


class Ground(msgspec.Struct, frozen=True):
    """Where calls run.

    Attributes:
        machine: On the accounts.
        block: What code sees.
        words: All words of an account's storage.
        overrides: Accounts that are made up.
    """

    machine: Substate
    block: Block
    words: Callable[[bytes], Mapping[int, int]]
    overrides: Overrides = {}


def run(ground: Ground, call: Call, gas: int | None = None) -> Outcome:
    """Run a call, and undo it.

    Args:
        ground: Where.
        call: The call.
        gas: Of the message alone; by default that of the call, or as much as there is.

    Raises:
        NoFundsError: The caller has not what it sends, or cannot pay for the gas.
        ResourceLimitError: The machine cannot run it, and is of no more use.
    """
    machine = ground.machine
    given = gas_of(ground, call) if gas is None else gas
    moment = begin(ground, call)
    refund = sum(authorize(machine, each, ground.block.chain_id) for each in call.authorizations)
    result = machine.run(Message(call.caller, call.to, call.value, call.data, given))
    if result.success:
        refund += machine.refund()
    machine.revert(moment)
    if result.halt is Halt.BALANCE:
        raise NoFundsError
    return _outcome(result, given, refund)


def gas_of(ground: Ground, call: Call) -> int:
    """Gas that a call has: what it asks for, as far as it may and can pay."""
    most = min(ground.block.gas_limit, GAS_MAX)
    return most if call.gas is None else min(call.gas, max(most, GAS_MAX))


def begin(ground: Ground, call: Call) -> int:
    """Start a transaction around a call; give the moment to come back to."""
    machine = ground.machine
    machine.set_block(ground.block)
    machine.set_context(Context(call.caller, call.gas_price, call.blob_hashes))
    machine.begin()
    moment = machine.snapshot()
    for address, override in ground.overrides.items():
        _put(machine, address, override, ground.words)
    if call.gas_price:
        most = gas_of(ground, call) * call.gas_price + call.value
        if call.gas is not None and machine.balance(call.caller) < most:
            machine.revert(moment)
            raise NoFundsError
    if call.to is None:
        machine.set_nonce(call.caller, min(machine.nonce(call.caller) + 1, NONCE_MAX))
    if machine.fork.has_access_lists:
        transition.warm_up(machine, ground.block, call.caller, call.to, call.access_list)
    target = delegate(machine.code(call.to)) if call.to else None
    if target is not None and machine.fork.has_delegations:
        machine.warm(target)
    return moment


def _put(
    machine: Substate,
    address: bytes,
    override: Override,
    words: Callable[[bytes], Mapping[int, int]],
) -> None:
    if override.balance is not None:
        machine.set_balance(address, override.balance)
    if override.nonce is not None:
        machine.set_nonce(address, override.nonce)
    if override.code is not None:
        machine.set_code(address, override.code)
    changes = dict(override.state_diff)
    if override.state is not None:
        changes = dict.fromkeys(words(address), 0) | dict(override.state)
    for key, word in changes.items():
        machine.set_storage(address, key, word)


def _outcome(result: Result, gas: int, refund: int) -> Outcome:
    """What a message came to; its logs are of no interest."""
    return Outcome(
        success=result.success,
        output=result.output,
        gas_used=gas - result.gas_left,
        created=result.created,
        halt=result.halt,
        revert=decode_revert(result.output) if result.halt is Halt.REVERT else None,
        refunded=refund,
    )


def estimate(ground: Ground, call: Call) -> int:
    """Find the least gas limit of a transaction that lets it succeed as things are.

    Raises:
        RevertedError: It reverts with all the gas it may use.
        AllowanceError: It fails with it.
        NoFundsError: The caller has not what it sends.
    """
    fork = ground.machine.fork
    intrinsic, floor = fees.intrinsic_gas(call.shell(), fork)
    allowed = _allowance(ground, call)
    if allowed < intrinsic:
        raise AllowanceError(allowed)
    most = allowed - intrinsic
    outcome = run(ground, call, most)
    if not outcome.success:
        if outcome.halt is Halt.REVERT:
            raise RevertedError(outcome)
        raise AllowanceError(allowed)
    least = outcome.gas_used
    if run(ground, call, least).success:
        return max(intrinsic + least, floor)
    while most - least > 1:
        middle = (least + most) // 2
        if run(ground, call, middle).success:
            most = middle
        else:
            least = middle
    return max(intrinsic + most, floor)


def _allowance(ground: Ground, call: Call) -> int:
    """Gas that a transaction may ask for here, and that its sender can pay."""
    fork = ground.machine.fork
    allowed = ground.block.gas_limit if call.gas is None else min(call.gas, ground.block.gas_limit)
    if fork.tx_gas_max:
        allowed = min(allowed, fork.tx_gas_max)
    if call.gas_price:
        override = ground.overrides.get(call.caller, Override())
        balance = override.balance
        if balance is None:
            balance = ground.machine.balance(call.caller)
        if balance < call.value:
            raise NoFundsError
        allowed = min(allowed, (balance - call.value) // call.gas_price)
    return allowed


def access_list(
    make: Callable[[Source], Substate], source: Source, block: Block, call: Call
) -> tuple[tuple[Access, ...], Outcome]:
    """Find what a call accesses, and what it comes to with that as its access list (EIP-2930).

    Sender, target, precompiles and contracts that it makes are in the list only for their slots.

    Args:
        make: Makes a machine on a source.
        source: The accounts.
        block: What code sees.
        call: The call.
    """
    found = call.access_list
    for _ in range(_LIST_ROUNDS_MAX):
        recorder = Recorder(source)
        machine = make(recorder)
        tried = msgspec.structs.replace(call, access_list=found)
        ground = Ground(machine, block, lambda _: {})
        begin(ground, tried)
        gas = gas_of(ground, tried)
        result = machine.run(Message(call.caller, call.to, call.value, call.data, gas))
        refund = machine.refund() if result.success else 0
        outcome = _outcome(result, gas, refund)
        machine.finish()
        made = {each.address for each in machine.take_diff().accounts if not each.existed}
        left_out = {call.caller, call.to, block.coinbase, *_precompiles(machine), *made}
        wanted = _accesses(recorder, left_out)
        if set(wanted) == set(found):
            break
        found = wanted
    return found, outcome


def _precompiles(machine: Substate) -> Iterable[bytes]:
    return (number.to_bytes(20, "big") for number in machine.fork.precompiles)


def _accesses(recorder: Recorder, left_out: set[bytes | None]) -> tuple[Access, ...]:
    wanted = [address for address in recorder.accounts if address not in left_out]
    wanted += [address for address in recorder.slots if address not in wanted]
    return tuple(
        Access(address, tuple(sorted(recorder.slots.get(address, {})))) for address in wanted
    )
