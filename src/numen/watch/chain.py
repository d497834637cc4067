"""What is shown of a development chain: its last blocks, and who called whom in each transaction.

Blocks may be taken back, so what was counted of them is as well. A transaction of little gas is run
again, once, to draw its calls; of one that took more they are found when somebody asks.

    ChainShownError    nothing has an id, or several things begin with it
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from msgspec import UNSET

from numen.base.errors import NumenError
from numen.evm.errors import EvmError
from numen.evm.revert import decode_revert
from numen.evm.trace import ERRORS
from numen.node import tracing
from numen.node.blocks import Included, Sealed
from numen.node.callframes import CallFrame, CallTracer
from numen.node.devnode import DevNode
from numen.watch import metrics
from numen.watch.ledger import (
    ACCOUNTS_SHOWN,
    BLOCKS_SHOWN,
    BRANCHES_SHOWN,
    ROOTS_SHOWN,
    WHOLE_BRANCHES_SHOWN,
    BlockNote,
)
from numen.watch.market import WORDS_MAX, About

TRACED_GAS_MAX: Final = 500_000
"""Most gas of a transaction that is run again to be drawn unasked."""

PREFIX_MIN: Final = 4
"""Fewest hexadecimal digits that are taken for an id."""

ID_DIGITS: Final = 64
_ADDRESS_DIGITS: Final = 40

_SHORT: Final = 8
_ETHER: Final = 10**18
_DATA_DIGITS: Final = 72
"""Hexadecimal digits of calldata that are shown: a selector and a little more."""


class ChainShownError(NumenError):
    """Nothing of the chain has an id, or several things begin with it."""


class ChainSource:
    """A development chain: a `board.Source`.

    Args:
        about: Who watches.
        node: The chain's node.

    Attributes:
        streams: Gives how many pages are open.
    """

    def __init__(self, about: About, node: DevNode) -> None:
        self.streams: Callable[[], int] = lambda: 0
        self._about, self._node = about, node
        self._notes: list[tuple[bytes, BlockNote]] = []
        self._totals = Counter[str]()
        self._trees: OrderedDict[bytes, dict[str, Any]] = OrderedDict()

    def sections(self) -> Mapping[str, Any]:
        """Everything that is shown, by section.

        Cost: linear in what is shown, and in the blocks that are new.
        """
        self._catch_up()
        node, latest = self._node, self._node.chain.latest
        count, failed = self._totals["transactions"], self._totals["failed"]
        return {
            "about": self._about,
            "ledger": {
                "chain": node.chain.chain_id,
                "height": latest.number,
                "head": latest.hash.hex(),
                "root": latest.header.state_root.hex(),
                "at_ms": latest.block.timestamp * 1000 if latest.number else 0,
                "price": str(latest.block.base_fee or 0),
                "pool": len(node.pool),
                "queued": 0,
                "transactions": count,
                "messages": count,
                "states": {"done": count - failed, "failed": failed},
                "failures": {},
                "work": self._totals["gas"],
            },
            "blocks": [note for _, note in self._notes[-BLOCKS_SHOWN:]],
            "trees": [self._drawn(*found) for found in self._last()],
            "accounts": [
                {"id": address.hex(), "coins": str(node.balance(address))}
                for address in islice(node.keys, ACCOUNTS_SHOWN)
            ],
        }

    async def explained(self, identity: str) -> list[str]:
        sealed, index = self._find(identity)
        branches = self._tree(sealed, index, WHOLE_BRANCHES_SHOWN)["branches"]
        return [f"Transaction 0x{sealed.included[index].signed.hash.hex()}"] + [
            f"{'  ' * each['depth']}{each['said']}" for each in branches
        ]

    async def tree(self, identity: str) -> Mapping[str, Any]:
        return self._tree(*self._find(identity), WHOLE_BRANCHES_SHOWN)

    def metrics(self) -> bytes:
        shown = self.sections()["ledger"]
        return metrics.text(
            [*metrics.of_chain(shown), *metrics.of_process(None, {}, self.streams())]
        )

    def _catch_up(self) -> None:
        """Forget what was taken back, and count what came."""
        blocks = self._node.chain.blocks
        while self._notes and (
            len(self._notes) >= len(blocks) or blocks[len(self._notes)].hash != self._notes[-1][0]
        ):
            self._count(self._notes.pop()[1], -1)
        for number in range(len(self._notes) + 1, len(blocks)):
            sealed = blocks[number]
            bad = sum(not each.receipt.success for each in sealed.included)
            count = len(sealed.included)
            at_ms = sealed.block.timestamp * 1000
            note = BlockNote(sealed.number, at_ms, count, count, bad, sealed.header.gas_used)
            self._notes.append((sealed.hash, note))
            self._count(note, 1)

    def _count(self, note: BlockNote, sign: int) -> None:
        self._totals["transactions"] += sign * note.transactions
        self._totals["failed"] += sign * note.failed
        self._totals["gas"] += sign * note.work

    def _last(self) -> Iterator[tuple[Sealed, int]]:
        """The last transactions, the newest first, in the last blocks."""
        found = (
            (sealed, index)
            for sealed in islice(reversed(self._node.chain.blocks), BLOCKS_SHOWN)
            for index in reversed(range(len(sealed.included)))
        )
        return islice(found, ROOTS_SHOWN)

    def _drawn(self, sealed: Sealed, index: int) -> dict[str, Any]:
        """A transaction as it is drawn unasked."""
        each = sealed.included[index]
        key = sealed.hash + each.signed.hash
        if key in self._trees:
            self._trees.move_to_end(key)
            return self._trees[key]
        if each.receipt.gas_used <= TRACED_GAS_MAX:
            found = self._tree(sealed, index, BRANCHES_SHOWN)
        else:
            found = _shown(sealed, index, [_top(each)], is_whole=False)
        self._trees[key] = found
        while len(self._trees) > ROOTS_SHOWN:
            self._trees.popitem(last=False)
        return found

    def _tree(self, sealed: Sealed, index: int, branches_max: int) -> dict[str, Any]:
        """Who called whom in a transaction; itself alone where that cannot be found any more."""
        each, watcher = sealed.included[index], CallTracer()
        try:
            tracing.transaction(self._node.chain, sealed, index, watcher)
        except EvmError:
            return _shown(sealed, index, [_top(each)], is_whole=False)
        calls = [] if watcher.top is None else list(islice(_calls(watcher.top, 1), branches_max))
        name = each.signed.hash.hex()
        below = [_call(name, depth, frame) for depth, frame in calls[1:]]
        return _shown(sealed, index, [_top(each), *below], is_whole=len(calls) < branches_max)

    def _find(self, identity: str) -> tuple[Sealed, int]:
        """A transaction by its hash or the beginning of it."""
        wanted = identity.lower().removeprefix("0x")[:ID_DIGITS]
        if len(wanted) >= PREFIX_MIN:
            for sealed in islice(reversed(self._node.chain.blocks), BLOCKS_SHOWN):
                for index, each in enumerate(sealed.included):
                    if each.signed.hash.hex().startswith(wanted):
                        return sealed, index
        raise ChainShownError(
            f"no transaction of the last {BLOCKS_SHOWN} blocks begins with {identity[:16]!r}"
        )


def _shown(
    sealed: Sealed, index: int, branches: list[dict[str, Any]], *, is_whole: bool
) -> dict[str, Any]:
    return {
        "id": sealed.included[index].signed.hash.hex(),
        "height": sealed.number,
        "is_whole": is_whole,
        "branches": branches,
    }


def _calls(frame: CallFrame, depth: int) -> Iterator[tuple[int, CallFrame]]:
    """A call and those inside of it, causes first.

    Calls may be 1,024 deep, so it does not call itself.
    """
    waiting = [(depth, frame)]
    while waiting:
        depth, found = waiting.pop()
        yield depth - 1, found
        if found.calls is not UNSET:
            waiting += [(depth + 1, each) for each in reversed(found.calls)]


def _top(each: Included) -> dict[str, Any]:
    """A transaction, from its receipt."""
    tx, receipt = each.signed.tx, each.receipt
    to = tx.to if tx.to is not None else receipt.created
    pair = (each.signed.sender.hex(), to.hex() if to else "nothing")
    kind, fault = "request" if tx.to is not None else "create", _fault(each)
    identity = each.signed.hash.hex()
    return _branch(identity, 0, kind, pair, tx.data.hex(), tx.value, receipt.gas_used, fault)


def _call(transaction: str, depth: int, frame: CallFrame) -> dict[str, Any]:
    """A call inside of a transaction."""
    pair = (frame.sender[2:], "nothing" if frame.to is UNSET else frame.to[2:])
    coins = 0 if frame.value is UNSET else int(frame.value, 16)
    fault = "" if frame.error is UNSET else frame.error
    if frame.revert_reason is not UNSET:
        fault = f"{fault}: {frame.revert_reason}"
    gas, kind = int(frame.gas_used, 16), frame.type.lower()
    return _branch(transaction, depth, kind, pair, frame.input[2:], coins, gas, fault)


def _branch(
    identity: str, depth: int, kind: str, pair: tuple[str, str], data: str, coins: int, gas: int,
    fault: str,
) -> dict[str, Any]:  # fmt: skip
    sender, to = map(_name, pair)
    is_code = kind.startswith("create")
    what = f"{len(data) // 2:,} bytes of code" if is_code else f"0x{data[:_DATA_DIGITS]}"
    paid = f"{coins / _ETHER:g} ether" if coins else ""
    call = ", ".join(each for each in (what if data else "", paid) if each) or "nothing"
    end = f"failed, {fault}" if fault else "done"
    said = f"{sender} -> {to} {kind} {call}: {end}, {gas:,} gas"
    return {
        "id": identity,
        "depth": depth,
        "kind": kind,
        "from": sender,
        "to": to,
        "call": call[:WORDS_MAX],
        "coins": str(coins),
        "state": "failed" if fault else "done",
        "work": gas,
        "failure": fault[:WORDS_MAX],
        "said": said[:WORDS_MAX],
    }


def _fault(each: Included) -> str:
    """Why a transaction failed; empty where it did not."""
    receipt = each.receipt
    if receipt.success:
        return ""
    said = ERRORS.get(receipt.halt, receipt.halt.name.lower().replace("_", " "))
    reason = decode_revert(receipt.output).reason
    return f"{said}: {reason}" if reason else said


def _name(address: str) -> str:
    """An address by its beginning; one of few digits, as precompiles have, as a number."""
    if len(address) != _ADDRESS_DIGITS:
        return address
    is_low = address.startswith("0" * (_ADDRESS_DIGITS - _SHORT))
    return hex(int(address, 16)) if is_low else f"0x{address[:_SHORT]}"
