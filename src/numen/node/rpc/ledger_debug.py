"""`debug_` on a ledger: what followed from transactions and calls, and what they read and wrote."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from numen.ir.host import PRIVATE_FROM
from numen.ledger.archive import woken_of
from numen.ledger.cell import Account, Cell
from numen.ledger.messages import NOBODY, Message
from numen.ledger.receipts import Receipt
from numen.ledger.tree import Archive, Record
from numen.node.blocks import Sealed
from numen.node.callframes import CallFrame
from numen.node.ledger import frames, replay
from numen.node.ledger.replay import Replayed, Seen
from numen.node.rpc import debug, lookup
from numen.node.rpc.cells import LedgerSession
from numen.node.rpc.debug import Accounts, AccountShape, ChangesShape, StepsShape
from numen.node.rpc.faults import INVALID_PARAMS, SERVER, RpcError
from numen.node.rpc.forms import TraceForm, TransactionForm
from numen.node.rpc.lookup import LATEST
from numen.node.rpc.table import rows
from numen.node.rpc.values import BlockId, data, word
from numen.vm.codes import watched_service_of
from numen.vm.host import Service

_NO_STEPS: Final = (
    "none of its messages ran EVM bytecode, and other contracts have no instructions of the EVM; "
    "ask callTracer"
)
_NOT_ALONE: Final = (
    "messages of other transactions were handed over in the same rounds, so what it changed alone "
    "is not known; ask prestateTracer without diffMode"
)
_NO_DIFF: Final = "what a call would change is forgotten; ask diffMode of a transaction"


def trace_call(
    session: LedgerSession,
    transaction: TransactionForm,
    block: BlockId = LATEST,
    options: TraceForm | None = None,
) -> Any:
    """What would come of a call on the state after a block, in the form that a tracer gives it."""
    node, options = session.node, options or TraceForm()
    name = debug.tracer_of(options)
    if options.state_overrides or options.block_overrides:
        raise RpcError(INVALID_PARAMS, "a ledger makes up no accounts and no blocks for a call")
    if name == "prestateTracer" and options.tracer_config.diff_mode:
        raise RpcError(SERVER, _NO_DIFF)
    watch = _Steps(options)
    asked, seeing = transaction.call(), node.moment(lookup.require(node, block))
    done = replay.call(node, asked, seeing, watch.stand_in if not name else watch.nobody)
    first = done.receipts[0].message
    if name == "callTracer":
        return _tree(Record(done.receipts), [first.id], options)[0]
    if name == "prestateTracer":
        return _read(session, done, options)
    if name:
        return {}
    frame = frames.frames(Record(done.receipts), [first.id], only_top=True)[0]
    work = sum(receipt.work for receipt in done.receipts)
    output = frame.output if isinstance(frame.output, str) else "0x"
    return watch.written(work, output, failed=isinstance(frame.error, str))


def _trace(
    session: LedgerSession, sealed: Sealed, places: Sequence[int], options: TraceForm
) -> list[Any]:
    """What a transaction came to, in the form that a tracer gives it.

    `callTracer` gives the tree of its messages, each with what it was answered, also of later
    blocks. `prestateTracer` gives accounts and slots as its messages found them, with `diffMode`
    those that it changed if it was alone in its block. Without a `tracer` it is the instructions of
    EVM bytecode that its messages ran in its block, one contract after another.
    """
    name = debug.tracer_of(options)
    if name == "noopTracer":
        return [{} for _ in places]
    if name == "callTracer":
        return [_calls(session, sealed, index, options) for index in places]
    owners = {
        root: number
        for number, index in enumerate(places)
        for root in _roots(session, sealed, index)
    }
    if not name:
        return _stepped(session, sealed, places, owners, options)
    if options.tracer_config.diff_mode and len(sealed.included) > 1:
        raise RpcError(SERVER, _NOT_ALONE)
    done = replay.block(session.node, sealed.number, _Steps.nobody)
    if options.tracer_config.diff_mode:
        return [_changes(session, done, options) for _ in places]
    return [_read(session, part, options) for part in _parts(done, owners, len(places))]


def _stepped(
    session: LedgerSession,
    sealed: Sealed,
    places: Sequence[int],
    owners: Mapping[bytes, int],
    options: TraceForm,
) -> list[StepsShape]:
    """The instructions that the messages of some transactions ran."""
    watches = [_Steps(options) for _ in places]

    def stand_in(message: Message, code: bytes) -> Service | None:
        number = owners.get(message.root or message.id)
        return watches[number].stand_in(message, code) if number is not None else None

    replay.block(session.node, sealed.number, stand_in)
    came = [sealed.included[index].receipt for index in places]
    return [
        watch.written(each.gas_used, data(each.output), failed=not each.success)
        for watch, each in zip(watches, came, strict=True)
    ]


def _parts(done: Replayed, owners: Mapping[bytes, int], count: int) -> list[Replayed]:
    """What was carried out again, by whose messages it was."""
    receipts: list[list[Receipt]] = [[] for _ in range(count)]
    seen: list[list[Seen]] = [[] for _ in range(count)]
    for receipt in done.receipts:
        number = owners.get(receipt.message.root or receipt.message.id)
        if number is not None:
            receipts[number].append(receipt)
    for each in done.seen:
        number = owners.get(each.message.root or each.message.id)
        if number is not None:
            seen[number].append(each)
    pairs = zip(receipts, seen, strict=True)
    return [Replayed(mine, looked, done.world) for mine, looked in pairs]


def _calls(session: LedgerSession, sealed: Sealed, index: int, options: TraceForm) -> CallFrame:
    """The tree of a transaction; around several requests, or what nobody signed, a frame."""
    archive, each = session.node.archive, sealed.included[index]
    is_wake = each.signed.sender == NOBODY
    found = _tree(archive, archive.begun(each.signed.hash), options)
    if len(found) == 1 and not is_wake:
        found[0].gas, found[0].gas_used = hex(each.signed.tx.gas_limit), hex(each.receipt.gas_used)
        return found[0]
    kind = "WAKE" if is_wake else "BATCH"
    whole = frames.together(kind, each.signed.sender, found, each.signed.tx.gas_limit)
    whole.gas_used = hex(each.receipt.gas_used)
    return whole


def _tree(archive: Archive, begun: Iterable[bytes], options: TraceForm) -> list[CallFrame]:
    config = options.tracer_config
    return frames.frames(archive, begun, only_top=config.only_top_call, with_logs=config.with_log)


def _roots(session: LedgerSession, sealed: Sealed, index: int) -> set[bytes]:
    """What messages of a transaction all began with."""
    each = sealed.included[index]
    if each.signed.sender != NOBODY:
        return {each.signed.hash}
    own = {other.signed.hash for other in sealed.included[:index]}
    receipts = session.node.archive.receipts(sealed.number)
    woken = set(woken_of(own, receipts))
    return {r.message.root or r.message.id for r in receipts if r.message.id in woken}


class _Steps:
    """Watches instructions of the messages of a transaction.

    Args:
        options: What each is written with.
    """

    def __init__(self, options: TraceForm) -> None:
        self._tracer = debug.step_tracer(options)
        self._has_run = False

    def stand_in(self, message: Message, code: bytes) -> Service | None:  # noqa: ARG002
        """A `StandIn` that watches."""
        service = watched_service_of(code, self._tracer)
        self._has_run = self._has_run or service is not None
        return service

    @staticmethod
    def nobody(message: Message, code: bytes) -> Service | None:  # noqa: ARG004 - a `StandIn`
        """A `StandIn` that does not."""
        return None

    def written(self, work: int, output: str, *, failed: bool) -> StepsShape:
        """What was seen.

        Raises:
            RpcError: Nothing ran that has instructions of the EVM.
        """
        if not self._has_run:
            raise RpcError(SERVER, _NO_STEPS)
        return StepsShape(work, failed, output, self._tracer.steps)


def _read(session: LedgerSession, done: Replayed, options: TraceForm) -> Accounts:
    """Accounts and slots as messages found them."""
    config = options.tracer_config
    found: Accounts = {}
    for receipt in done.receipts:
        for address in (receipt.message.source, receipt.message.target):
            if data(address) not in found:
                found[data(address)] = _account(session, done.world.last(address), options)
    for seen in done.seen if not config.disable_storage else ():
        shape = found[data(seen.message.target)]
        # What it found first is what there was.
        new = {word(key): word(value) for key, value in seen.read.items()}
        shape.storage = new | shape.storage
    return found


def _changes(session: LedgerSession, done: Replayed, options: TraceForm) -> ChangesShape:
    """Accounts and slots that a block changed: as they were, and what became of them."""
    shape = ChangesShape({}, {})
    for cell in done.world.changed():
        before, now = cell.before, cell.account
        slots = [] if options.tracer_config.disable_storage else _open_slots(cell)
        if before == now and not slots:
            continue
        was = _account(session, before, options)
        was.storage = {word(key): word(value) for key, value, _ in slots if value}
        after = AccountShape(storage={word(key): word(value) for key, _, value in slots if value})
        if before.balance != now.balance:
            after.balance = hex(now.balance)
        if before.nonce != now.nonce:
            after.nonce = now.nonce
        if before.code != now.code and not options.tracer_config.disable_code:
            after.code = data(session.node.world.code(now.code))
        if before != Account():
            shape.pre[data(cell.address)] = was
        shape.post[data(cell.address)] = after
    return shape


def _open_slots(cell: Cell) -> list[tuple[int, int, int]]:
    """Slots that a block changed, but for private ones: which, what it held, what it holds."""
    is_private = cell.secrets is not None
    return [each for each in cell.slots.changed() if not is_private or each[0] < PRIVATE_FROM]


def _account(session: LedgerSession, before: Account, options: TraceForm) -> AccountShape:
    shape = AccountShape(balance=hex(before.balance), nonce=before.nonce)
    if before.code and not options.tracer_config.disable_code:
        shape.code = data(session.node.world.code(before.code))
    return shape


METHODS = debug.RAW + rows(debug.traces(_trace) | {"debug_traceCall": trace_call})
