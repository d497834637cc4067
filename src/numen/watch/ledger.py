"""What is shown of a ledger: its last blocks, and the trees of messages that transactions began.

A chronicle reads blocks once, as they come, and counts; the trees are read again when they are
shown, because a message that waited makes an old tree grow.
"""

from collections import Counter, deque
from itertools import islice
from typing import Any, Final

import msgspec

from numen.ledger import explain
from numen.ledger.messages import NOBODY
from numen.ledger.receipts import Fate, Receipt
from numen.ledger.tree import Branch, end, find
from numen.ledger.tree import tree as branches_of
from numen.node.ledger.node import LedgerNode
from numen.node.rpc import trees
from numen.watch.market import WORDS_MAX, About

BLOCKS_SHOWN: Final = 40
"""Most blocks of a view."""

ROOTS_SHOWN: Final = 20
"""Most trees of a view, the newest first."""

BRANCHES_SHOWN: Final = 64
"""Most messages of one tree in a view."""

WHOLE_BRANCHES_SHOWN: Final = 1_000
"""Most messages of a tree that is asked for alone."""

ACCOUNTS_SHOWN: Final = 32
"""Most accounts of a view."""

CATCH_UP_MAX: Final = 256
"""Most blocks that are read at once."""

QUEUED_MAX: Final = 10_000
"""Most messages that wait and are counted; there may be more."""


class BlockNote(msgspec.Struct, frozen=True):
    """A block by its numbers.

    Attributes:
        height: Its place.
        at_ms: Milliseconds since 1970.
        transactions: How many.
        messages: How many were handed over.
        failed: How many of them failed.
        work: Work units of all.
    """

    height: int
    at_ms: int
    transactions: int
    messages: int
    failed: int
    work: int


class Chronicle:
    """What happened on a ledger since somebody watches it.

    Args:
        node: The ledger's node.

    Attributes:
        blocks: The last ones.
        transactions: How many.
        work: Work units of all messages.
        messages: How many, by kind and fate.
        failures: How many, by reason.
    """

    def __init__(self, node: LedgerNode) -> None:
        self.node = node
        self.blocks: deque[BlockNote] = deque(maxlen=BLOCKS_SHOWN)
        self.transactions = 0
        self.work = 0
        self.messages: Counter[tuple[str, str]] = Counter()
        self.failures: Counter[str] = Counter()
        self._roots: dict[bytes, int] = {}
        self._height = max(0, node.ledger.height - BLOCKS_SHOWN)

    def catch_up(self) -> bool:
        """Read the blocks that came since, a bounded number of them; whether there were any."""
        first = self._height + 1
        last = min(self.node.ledger.height, self._height + CATCH_UP_MAX)
        for height in range(first, last + 1):
            self._read(height)
        self._height = last
        return last >= first

    def _read(self, height: int) -> None:
        block = self.node.archive.block(height)
        assert block is not None
        receipts = self.node.archive.receipts(height)
        work = failed = 0
        for receipt in receipts:
            self.messages[receipt.message.kind.value, receipt.fate.value] += 1
            work += receipt.work
            failed += receipt.fate is Fate.FAILED
            if receipt.failure is not None:
                self.failures[receipt.failure.reason.value] += 1
            self._note_root(receipt)
        self.transactions += len(block.transactions)
        self.work += work
        counts = (len(block.transactions), len(receipts), failed, work)
        self.blocks.append(BlockNote(height, block.header.time_ms, *counts))

    def _note_root(self, receipt: Receipt) -> None:
        message = receipt.message
        root = message.root or message.id
        self._roots.pop(root, None)
        self._roots[root] = receipt.height
        if len(self._roots) > ROOTS_SHOWN:
            del self._roots[next(iter(self._roots))]

    def sections(self, about: About) -> dict[str, Any]:
        """Everything that is shown, by section.

        Cost: linear in what is shown.
        """
        node = self.node
        states = Counter[str]()
        for (_, fate), count in self.messages.items():
            states[fate] += count
        return {
            "about": about,
            "ledger": {
                "chain": node.ledger.chain,
                "height": node.ledger.height,
                "head": node.ledger.head.hex(),
                "root": node.world.state.root.hex(),
                "at_ms": node.ledger.time_ms,
                "price": str(node.settings.price),
                "pool": len(node.pool),
                "queued": self.queued,
                "transactions": self.transactions,
                "messages": sum(states.values()),
                "states": dict(states),
                "failures": dict(self.failures),
                "work": self.work,
            },
            "blocks": list(self.blocks),
            "trees": [self.tree(root, BRANCHES_SHOWN) for root in reversed(self._roots)],
            "accounts": self._accounts(),
        }

    @property
    def queued(self) -> int:
        """Messages for which the last block had no room."""
        return sum(1 for _ in islice(self.node.queued(), QUEUED_MAX))

    def tree(self, root: bytes, branches_max: int = WHOLE_BRANCHES_SHOWN) -> dict[str, Any]:
        """What followed from a transaction or message, as it is drawn."""
        found = list(islice(branches_of(self.node.archive, root), branches_max + 1))
        return {
            "id": root.hex(),
            "height": self._roots.get(root, 0),
            "is_whole": len(found) <= branches_max,
            "branches": [self._branch(each) for each in found[:branches_max]],
        }

    def _branch(self, branch: Branch) -> dict[str, Any]:
        names, receipt = self.node.names, branch.receipt
        message = receipt.message
        failure = receipt.failure
        return {
            "id": message.id.hex(),
            "depth": branch.depth,
            "kind": message.kind.value,
            "from": "the ledger" if message.source == NOBODY else names.name(message.source),
            "to": names.name(message.target),
            "call": names.call(message)[:WORDS_MAX],
            "coins": str(message.value),
            "state": end(self.node.archive, receipt).fate.value,  # a wait may be over
            "work": receipt.work,
            "failure": failure.reason.value if failure is not None else "",
            "said": explain.sentence(receipt, names.name, names.call)[:WORDS_MAX],
        }

    def _accounts(self) -> list[dict[str, str]]:
        known = dict.fromkeys((self.node.coinbase, *self.node.keys))
        return [
            {"id": address.hex(), "coins": str(self.node.world.peek(address).balance)}
            for address in islice(known, ACCOUNTS_SHOWN)
        ]

    def explained(self, identity: str) -> list[str]:
        """Why a message went as it did.

        Raises:
            TreeError: Nothing has this id, or several things begin like it.
        """
        said = trees.why(self.node.archive, self.node.names, identity)
        return [sentence[:WORDS_MAX] for sentence in said]

    def found(self, identity: str) -> dict[str, Any]:
        """The tree of a transaction or message, by its id or the beginning of it.

        Raises:
            TreeError: As `explained`.
        """
        return self.tree(find(self.node.archive, identity))
