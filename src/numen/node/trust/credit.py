"""What a node's blocks have earned it here, and what is done with the next one.

Execution trust (`numen.trust.execution`) asks four things of who made a block: how many must be
bribed to lie about it, how fresh the attestations on the way are, how many of its blocks were
carried out here and right, and whether what it could move unseen exceeds its stake.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from numen.base.codec import U64, U256
from numen.ledger.cell import Account
from numen.ledger.stakes import Stakes
from numen.ledger.state.diff import Diff
from numen.node.replica.plan import Plan
from numen.trust.execution import Decision, Standing, Treatment, decide
from numen.trust.roster import Members
from numen.trust.why import Why, standing

EXPOSURE_MAX: Final = 1 << 200
"""Above which exposure is not counted: more than all coins there can be."""

Lookup: TypeAlias = Callable[[bytes], Account]
"""Finds an account as the last block left it."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What a node knows of another from all its blocks.

    Attributes:
        accepted: Final blocks that were carried out here, and right.
        faults: Things it did that no honest node does.
        exposure: Coins that its blocks moved unseen since one was carried out.
        applied: Final blocks of which the diff was applied unseen, in all.
    """

    accepted: U64 = 0
    faults: U64 = 0
    exposure: U256 = U256(0)
    applied: U64 = 0


def worth(diff: Diff, last: Lookup, slot_coins: int) -> int:
    """Coins that a diff could move wrongly: what accounts gain, and so many for each slot.

    Args:
        diff: Of a block.
        last: The accounts before it.
        slot_coins: What a slot or a code that is written counts as, since nobody knows its worth.
    """
    gained = slots = 0
    for account in diff.accounts:
        slots += len(account.storage) + len(account.codes)
        if account.balances:
            before = last(account.address).balance
            gained += max(0, int(account.balances[-1].balance) - before)
    return gained + slots * slot_coins


class Credit:
    """Records of all nodes.

    Args:
        plan: The node's rules.
        members: All nodes.
        records: What the disk has.
        secret: Of the node, so that nobody foresees an audit.
        stakes: Gives the bonds after the last final block.

    Attributes:
        records: By the numbers of nodes.
    """

    def __init__(
        self, plan: Plan, members: Members, records: dict[int, Record], secret: bytes,
        stakes: Callable[[], Stakes | None],
    ) -> None:  # fmt: skip
        self._plan, self._members, self._secret = plan, members, secret
        self._stakes = stakes
        self.records = records
        self._changed: set[int] = set()

    def of(self, node: int) -> Record:
        """What is known of a node."""
        return self.records.get(node, Record())

    def pledge(self, node: int) -> int:
        """Coins that a node loses by a lie that is shown: its bond, while it is not taken."""
        voter, stakes = self._plan.voter(self._members.address(node)), self._stakes()
        return stakes.bond(voter) if stakes is not None else 0

    def standing(self, found: Why, *, is_guilty: bool) -> Standing:
        """All that a decision rests on."""
        record, pledge = self.of(found.node), self.pledge(found.node)
        known = standing(found, record.accepted, record.faults, pledge, int(record.exposure))
        return msgspec.structs.replace(known, is_trusted=known.is_trusted and not is_guilty)

    def decide(self, found: Why, value: int, block: bytes, *, is_guilty: bool) -> Decision:
        """What is done with a block of a node that could move so many coins."""
        known = self.standing(found, is_guilty=is_guilty)
        return decide(known, value, self._plan.policy, self._secret, block)

    def fault(self, nodes: Iterable[int]) -> None:
        """Nodes did what no honest one does."""
        for node in nodes:
            before = self.of(node)
            self._put(node, msgspec.structs.replace(before, faults=before.faults + 1))

    def settle(self, node: int, value: int, treatment: Treatment) -> None:
        """A block of a node is final: what was carried out clears what was not."""
        before = self.of(node)
        if treatment is Treatment.APPLY:
            exposure = min(int(before.exposure) + value, EXPOSURE_MAX)
            applied = before.applied + 1
            after = msgspec.structs.replace(before, exposure=U256(exposure), applied=applied)
        else:
            accepted = before.accepted + 1
            after = msgspec.structs.replace(before, exposure=U256(0), accepted=accepted)
        self._put(node, after)

    def take_changed(self) -> list[tuple[int, Record]]:
        """Records that are to be written, each once."""
        changed, self._changed = self._changed, set()
        return [(node, self.records[node]) for node in sorted(changed)]

    def _put(self, node: int, record: Record) -> None:
        self.records[node] = record
        self._changed.add(node)
