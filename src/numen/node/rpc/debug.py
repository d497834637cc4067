"""`debug_`: traces of transactions and calls, and the bytes of blocks and transactions."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from numen.evm.reference.machine import ReferenceMachine, Watcher
from numen.evm.trace import ERRORS
from numen.node import tracing
from numen.node.blocks import Sealed
from numen.node.callframes import CallFrame, CallTracer
from numen.node.rpc import forms, lookup
from numen.node.rpc.chains import get_raw_transaction
from numen.node.rpc.faults import INVALID_PARAMS, SERVER, RpcError
from numen.node.rpc.forms import TraceForm, TransactionForm
from numen.node.rpc.lookup import LATEST
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import DevSession, Session, SessionOf, rows
from numen.node.rpc.values import BlockId, Hash, data, word
from numen.node.simulate import Ground
from numen.node.steps import Step, StepOptions, StepTracer
from numen.node.tracing import Run


class StepsShape(msgspec.Struct, rename="camel"):
    """A run, instruction by instruction."""

    gas: int
    failed: bool
    return_value: Hex
    struct_logs: list[Step]


class TracedShape(msgspec.Struct, rename="camel"):
    """A transaction of a block, and its trace."""

    tx_hash: Hex
    result: Any


class AccountShape(msgspec.Struct, omit_defaults=True):
    """An account, as far as a run looked at it or changed it."""

    balance: Hex | UnsetType = UNSET
    nonce: int = 0
    code: Hex = "0x"
    storage: dict[Hex, Hex] = {}


Accounts = dict[Hex, AccountShape]


class ChangesShape(msgspec.Struct):
    """Accounts that a run changed: as they were, and what became of them."""

    pre: Accounts
    post: Accounts


Trace = StepsShape | CallFrame | Accounts | ChangesShape
"""What the tracer that was asked for writes."""

TRACERS: Final = ("", "callTracer", "prestateTracer", "noopTracer")
"""Tracers by name; without a name, that of instructions."""


def trace_call(
    session: DevSession,
    transaction: TransactionForm,
    block: BlockId = LATEST,
    options: TraceForm | None = None,
) -> Any:
    """Run a call on the state after a block, and write down what it does."""
    node, options = session.node, options or TraceForm()
    source, seen = lookup.source(node, block)
    if options.block_overrides is not None:
        seen = msgspec.structs.replace(seen, **options.block_overrides.changes())
    watcher = _watcher(options)
    made_up = forms.overrides(options.state_overrides)
    moment = node.chain.moment_of(lookup.require(node, block))
    words = node.chain.history.at(moment).words

    def ground(machine: ReferenceMachine) -> Ground:
        return Ground(machine, seen, words, made_up)

    run = tracing.call(node.chain, source, transaction.call(), watcher, ground)
    return _written(run, watcher, options)


def _trace(
    session: DevSession, sealed: Sealed, places: Sequence[int], options: TraceForm
) -> list[Trace]:
    """Run a transaction of a block again, and write down what it does.

    Without a `tracer`, that is each instruction. `callTracer` gives a tree of calls,
    `prestateTracer` the accounts that it looks at, or with `diffMode` those that it changes.
    """
    found = []
    for index in places:
        watcher = _watcher(options)
        run = tracing.transaction(session.node.chain, sealed, index, watcher)
        found.append(_written(run, watcher, options))
    return found


def traces(
    trace: Callable[[SessionOf[Any], Sealed, Sequence[int], TraceForm], Sequence[Any]],
) -> dict[str, Callable[..., Any]]:
    """The methods that trace what is in blocks.

    Args:
        trace: Traces the transactions of a block that have some indices there. What it says of
            itself is said of `debug_traceTransaction`.
    """

    def of_transaction(session: Session, tx_hash: Hash, options: TraceForm | None = None) -> Any:
        place = session.node.chain.holding(tx_hash)
        if place is None:
            raise RpcError(SERVER, "transaction not found")
        sealed, index = place
        (found,) = trace(session, sealed, [index], options or TraceForm())
        return found

    def of_block(
        session: Session, block: BlockId, options: TraceForm | None = None
    ) -> list[TracedShape]:
        """What all transactions of a block came to; on a ledger its timers count as one of them."""
        sealed, options = lookup.require(session.node, block), options or TraceForm()
        places = range(len(sealed.included))
        found = trace(session, sealed, places, options) if places else ()
        names = [data(each.signed.hash) for each in sealed.included]
        return [TracedShape(name, each) for name, each in zip(names, found, strict=True)]

    def of_block_by_hash(
        session: Session, block_hash: Hash, options: TraceForm | None = None
    ) -> list[TracedShape]:
        """What all transactions of the block with a hash came to."""
        return of_block(session, BlockId(hash_=block_hash), options)

    of_transaction.__doc__ = trace.__doc__
    return {
        "debug_traceTransaction": of_transaction,
        "debug_traceBlockByNumber": of_block,
        "debug_traceBlockByHash": of_block_by_hash,
    }


def tracer_of(options: TraceForm) -> str:
    """The name of a tracer that there is; nothing for that of instructions.

    Raises:
        RpcError: There is no such tracer.
    """
    name = options.tracer or ""
    if name not in TRACERS:
        known = ", ".join(each for each in TRACERS if each)
        raise RpcError(INVALID_PARAMS, f"tracer not found: {name[:40]!r}; there are {known}")
    return name


def step_tracer(options: TraceForm) -> StepTracer:
    """The tracer of instructions."""
    return StepTracer(
        StepOptions(
            has_stack=not options.disable_stack,
            has_memory=options.enable_memory or options.disable_memory is False,
            has_storage=not options.disable_storage,
            has_return_data=options.enable_return_data,
            limit=max(options.limit, 0),
        )
    )


def _watcher(options: TraceForm) -> Watcher | None:
    name, config = tracer_of(options), options.tracer_config
    if name == "callTracer":
        return CallTracer(only_top=config.only_top_call, with_logs=config.with_log)
    return None if name else step_tracer(options)


def _written(run: Run, watcher: Watcher | None, options: TraceForm) -> Trace:
    if isinstance(watcher, StepTracer):
        return StepsShape(run.gas_used, not run.success, data(run.output), watcher.steps)
    if isinstance(watcher, CallTracer):
        if watcher.top is None:
            raise RpcError(SERVER, ERRORS.get(run.halt, "the call did not begin"))
        watcher.top.gas, watcher.top.gas_used = hex(run.gas_limit), hex(run.gas_used)
        return watcher.top
    if options.tracer == "noopTracer":
        return {}
    return _changes(run, options) if options.tracer_config.diff_mode else _read(run, options)


def _read(run: Run, options: TraceForm) -> Accounts:
    return {data(address): _account(run, address, options) for address in run.read.accounts}


def _account(run: Run, address: bytes, options: TraceForm) -> AccountShape:
    """An account as it was before a run."""
    found = run.read.accounts.get(address)
    shape = AccountShape(balance=hex(found.balance if found else 0))
    if found is not None:
        shape.nonce = found.nonce
        if found.code and not options.tracer_config.disable_code:
            shape.code = data(found.code)
    slots = run.read.slots.get(address)
    if slots and not options.tracer_config.disable_storage:
        shape.storage = {word(key): word(value) for key, value in slots.items()}
    return shape


def _changes(run: Run, options: TraceForm) -> ChangesShape:
    shape = ChangesShape({}, {})
    for change in run.diff.accounts:
        name = data(change.address)
        if change.existed:
            was = _account(run, change.address, options)
            old = {word(k): word(before) for k, (before, _) in change.storage.items() if before}
            was.storage = {} if options.tracer_config.disable_storage else old
            shape.pre[name] = was
        if not change.exists:
            continue
        now = AccountShape()
        if change.balance is not None:
            now.balance = hex(change.balance[1])
        if change.nonce is not None:
            now.nonce = change.nonce[1]
        if change.code is not None and not options.tracer_config.disable_code:
            now.code = data(change.code[1])
        if not options.tracer_config.disable_storage:
            written = {word(k): word(after) for k, (_, after) in change.storage.items() if after}
            now.storage = written
        shape.post[name] = now
    return shape


def get_raw_header(session: Session, block: BlockId) -> Hex:
    """The bytes of a block's header."""
    return data(lookup.require(session.node, block).encoded)


def get_raw_block(session: Session, block: BlockId) -> Hex:
    """The bytes of a block."""
    return data(lookup.require(session.node, block).encode(session.node.chain.fork))


def get_raw_receipts(session: Session, block: BlockId) -> list[Hex]:
    """The bytes of the receipts of a block."""
    found = lookup.require(session.node, block)
    return [data(each.encode_receipt()) for each in found.included]


RAW = rows(
    {
        "debug_getRawHeader": get_raw_header,
        "debug_getRawBlock": get_raw_block,
        "debug_getRawReceipts": get_raw_receipts,
        "debug_getRawTransaction": get_raw_transaction,
    }
)
"""The bytes of what any node has."""

METHODS = RAW + rows(traces(_trace) | {"debug_traceCall": trace_call})
