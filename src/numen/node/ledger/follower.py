"""A node of a ledger of several, as those see it who ask it: final blocks, and whom it trusts.

It reads the disk of the node beside it, and never writes there: what is handed in goes to that
node, which gives it to the others. It is of one height; when the next block is final, another one
takes its place.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

from numen.base.crypto import SigningKey
from numen.ledger.state.kv import KV, Get, Writes
from numen.ledger.world import World
from numen.node.blocks import Sealed, Signed
from numen.node.ledger.node import LedgerNode
from numen.node.ledger.settings import Settings
from numen.node.replica.answers import APPLIED
from numen.node.replica.plan import Plan
from numen.node.trust.watch import Watch
from numen.trust.errors import UnknownNodeError

_NUMBER: Final = b"lc"
_HIDDEN: Final = b"lp"


class Follower(LedgerNode):
    """A node of a ledger of several; a `surface.Node`.

    Args:
        beside: The state of the node beside it, its disk, and the keys of contracts that it has.
        key: That node's own.
        plan: Its rules.
        watch: Its part in the web of trust.
        names: How people call all nodes, by their numbers there.
        hand: Takes a transaction to that node.

    Attributes:
        plan, watch, members: The same; `members` are the names.
    """

    def __init__(
        self, beside: World, key: SigningKey, plan: Plan, watch: Watch, members: Sequence[str],
        hand: Callable[[bytes], None],
    ) -> None:  # fmt: skip
        settings = Settings(
            {}, key, chain_id=plan.chain, price=plan.price, automine=False, ring=beside.keys,
            custodians=beside.custodians,
        )  # fmt: skip
        super().__init__(_Shown(beside.kv, plan.chain), settings, 0)
        self.plan, self.watch, self.members = plan, watch, members
        self._hand = hand

    def submit(self, signed: Signed) -> bytes:
        """Hand a transaction to the nodes; gives its id.

        Raises:
            InvalidTransactionError: No block may have it, or not next.
            TransactionError: The same, of what only a ledger knows.
        """
        self._check(signed)
        self._hand(signed.raw)
        return signed.hash

    def mine(self) -> Sealed:
        """Nothing: blocks are made when nodes agree. Gives the last one."""
        return self.chain.latest

    def is_carried_out(self, height: int) -> bool:
        """Whether what became of the messages of a block is known here."""
        return not self._kv.get(APPLIED + height.to_bytes(8, "big"))

    def number(self, name: str) -> int:
        """The node whom a person means by a name, a number, an address or the beginning of one.

        Raises:
            UnknownNodeError: Nobody, or more than one, is called so.
        """
        if name in self.members:
            return self.members.index(name)
        try:
            return self.watch.members.find(name)
        except UnknownNodeError as error:
            known = ", ".join(self.members[:16])
            raise UnknownNodeError(error.message, hint=f"the nodes are {known}") from error


class _Shown:
    """A disk of which a part is shown, and nothing changed."""

    def __init__(self, kv: KV, chain: int) -> None:
        self._kv, self._chain = kv, chain.to_bytes(8, "big")

    def get(self, key: bytes) -> bytes | None:
        return self._chain if key == _NUMBER else self._kv.get(key)

    def reading(self) -> AbstractContextManager[Get]:
        return self._kv.reading()

    def commit(self, writes: Writes) -> None:
        msg = f"the disk is another's: {len(list(writes))} writes"
        raise AssertionError(msg)

    def scan(self, prefix: bytes, after: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        return iter(()) if prefix == _HIDDEN else self._kv.scan(prefix, after)

    def close(self) -> None:
        """The disk is another's."""
