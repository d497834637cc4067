"""An audit: whether a hall's record and the ledger have the same books of one market.

    AuditError       they differ, and in what

An auditor is a member that does nothing. It applies every entry itself, so it trusts the hall as
little as anybody does, and reads the contract through a node that it chooses.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import msgspec

from numen.base.errors import NumenError
from numen.market.contracts.books import Books, of_contract, of_market
from numen.node.market.errand import Visitor
from numen.node.market.member import Member
from numen.node.market.onledger import OnLedger

ROUNDS: Final = 20
"""How often both are read before they count as different: a market goes on while it is read."""

ROUND_S: Final = 0.5


class AuditError(NumenError):
    """The books differ.

    Attributes:
        differences: In what, a line each.
    """

    def __init__(self, differences: tuple[str, ...]) -> None:
        super().__init__("the ledger's books differ from the record's: " + "; ".join(differences))
        self.differences = differences


class Audited(msgspec.Struct, frozen=True):
    """What both have.

    Attributes:
        height: Entries of the record.
        books: The books.
        against: Tasks of which the verifiers found of late what the record's evidence contradicts.
    """

    height: int
    books: Books
    against: tuple[bytes, ...]


async def audit(member: Member, address: bytes, contract: OnLedger) -> Audited:
    """Compare the books of a market with those of its contract.

    Args:
        member: Of the market, with the auditor's own account.
        address: Of that account.
        contract: The market's.

    Raises:
        AuditError: They differ.
        NumenError: The hall or the ledger does not answer.
    """
    following = asyncio.create_task(member.run(lambda: Visitor(address)))
    try:
        ready = asyncio.create_task(member.ready.wait())
        await asyncio.wait({following, ready}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
        for _ in range(ROUNDS):
            replica = member.replica
            assert replica is not None
            mine, height = of_market(replica.market), replica.height
            against = tuple(h.task for h in replica.market.hearings.values() if h.is_wrong)
            theirs = await asyncio.to_thread(of_contract, contract.view)
            if mine == theirs:
                return Audited(height, mine, against)
            await asyncio.sleep(ROUND_S)
        raise AuditError(tuple(_differences(mine, theirs)))
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _differences(mine: Books, theirs: Books) -> Iterable[str]:
    if mine.burnt != theirs.burnt:
        yield f"burnt {mine.burnt} and {theirs.burnt}"
    for owner in {p.owner for p in {*mine.people} ^ {*theirs.people}}:
        yield f"account 0x{owner.hex()}"
    for task in {b.task for b in {*mine.bids} ^ {*theirs.bids}}:
        yield f"task 0x{task.hex()}"
