"""A tree of messages as a tree of calls, in the shape of geth's callTracer.

A message stands under the one in whose handling it was sent. What a call gave back is the answer
that ended it, however many waits and answers there were between. Beside geth's `CALL` and `CREATE`
there are `REPLY` and `BOUNCE`, by which a contract goes on, `TIMER`, which a contract set itself,
and `BATCH` and `WAKE`, which have what began together. Gas is work.

EvmError
└── DeepTreeError    messages that follow from each other farther than a client could read
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import UNSET

from numen.evm.errors import EvmError
from numen.evm.revert import decode_revert
from numen.ledger.messages import NOBODY
from numen.ledger.receipts import Fate, Receipt
from numen.ledger.tree import Archive, tree
from numen.node.callframes import FRAMES_MAX, CallFrame, LogOfCall
from numen.node.steps import TraceTooLongError
from numen.vm.host import Kind, Reason

DEPTH_MAX: Final = 256
"""Most messages, each the cause of the next, of one trace."""

_TYPES: Final = {
    Kind.REQUEST: "CALL",
    Kind.CREATE: "CREATE",
    Kind.REPLY: "REPLY",
    Kind.BOUNCE: "BOUNCE",
    Kind.TIMER: "TIMER",
}


class DeepTreeError(EvmError):
    """Messages follow from each other farther than a client could read."""

    def __init__(self) -> None:
        super().__init__(
            f"more than {DEPTH_MAX} messages follow from each other; ask numen_getMessageTree"
        )


def frames(
    archive: Archive, begun: Iterable[bytes], *, only_top: bool = False, with_logs: bool = False
) -> list[CallFrame]:
    """Write the trees of some messages.

    Args:
        archive: Where it is looked up what happened.
        begun: Ids of the messages that the trees begin with; one that still waits is left out.
        only_top: Whether what followed from them is left out.
        with_logs: Whether events stand in their calls.

    Raises:
        DeepTreeError: A tree is too deep.
        TraceTooLongError: There are too many messages.
    """
    found: list[CallFrame] = []
    written = _Ends()
    above: list[CallFrame] = []
    for identity in begun:
        for branch in tree(archive, identity):
            if branch.depth >= DEPTH_MAX:
                raise DeepTreeError
            receipt = branch.receipt
            frame = _frame(receipt, with_logs=with_logs)
            written.add(receipt, frame)
            if len(written.frames) > FRAMES_MAX:
                raise TraceTooLongError
            del above[branch.depth :]
            _put(frame, above, found, only_top=only_top)
            above.append(frame)
    written.finish()
    return found


def together(kind: str, sender: bytes, parts: Sequence[CallFrame], gas: int) -> CallFrame:
    """A frame around what began together.

    Args:
        kind: `BATCH` or `WAKE`.
        sender: Who began it.
        parts: What did.
        gas: Work that was paid for.
    """
    return CallFrame(
        sender=_hex(sender), to=_hex(NOBODY), gas=hex(gas), input="0x", type=kind,
        calls=list(parts) or UNSET,
    )  # fmt: skip


def _put(
    frame: CallFrame, above: Sequence[CallFrame], found: list[CallFrame], *, only_top: bool
) -> None:
    if not above:
        found.append(frame)
        return
    if only_top:
        return
    parent = above[-1]
    if parent.calls is UNSET:
        parent.calls = []
    parent.calls.append(frame)


class _Ends:
    """Finds for every call that waited the answer that ended it."""

    def __init__(self) -> None:
        self.frames: dict[bytes, tuple[Receipt, CallFrame]] = {}
        self._asked_by: dict[bytes, bytes] = {}
        self._goes_on: dict[bytes, Receipt] = {}

    def add(self, receipt: Receipt, frame: CallFrame) -> None:
        """Take down a message; its cause came before it."""
        message = receipt.message
        self.frames[message.id] = receipt, frame
        if receipt.fate is Fate.WAITS:
            self._asked_by.update(dict.fromkeys(receipt.sent, message.id))
        asker = self._asked_by.get(message.subject)
        if asker is not None and receipt.fate is not Fate.STALE:
            waiting = self.frames[asker][0].message
            if waiting.target == message.target:
                self._goes_on[asker] = receipt

    def finish(self) -> None:
        """Write what each call gave back."""
        for receipt, frame in self.frames.values():
            last = receipt
            while last.fate is Fate.WAITS and last.message.id in self._goes_on:
                last = self._goes_on[last.message.id]
            _end(frame, last)


def _frame(receipt: Receipt, *, with_logs: bool) -> CallFrame:
    message = receipt.message
    frame = CallFrame(
        sender=_hex(message.source),
        to=_hex(message.target),
        gas=hex(message.work),
        gas_used=hex(receipt.work),
        input=_hex(message.payload),
        value=hex(message.value),
        type=_TYPES[message.kind],
    )
    if with_logs and receipt.events:
        frame.logs = [
            LogOfCall(_hex(message.target), [_hex(t) for t in e.topics], _hex(e.data), "0x0")
            for e in receipt.events
        ]
    return frame


def _end(frame: CallFrame, last: Receipt) -> None:
    failure = last.failure
    if failure is None:
        if last.result:
            frame.output = _hex(last.result)
        return
    if failure.reason is not Reason.REVERTED:
        frame.error = ": ".join(part for part in (failure.reason.value, failure.detail) if part)
        return
    frame.error = "execution reverted"
    if failure.data:
        frame.output = _hex(failure.data)
        said = decode_revert(failure.data)
        if said.name:
            frame.revert_reason = said.reason


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
