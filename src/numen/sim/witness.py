"""What must hold of a ledger at any time, whatever goes wrong; looked at block by block.

BrokenError    it does not hold
"""

from collections import defaultdict
from collections.abc import Iterable

from numen.base.errors import NumenError
from numen.ledger.block import Header, block_id
from numen.ledger.order.certificate import signers
from numen.ledger.receipts import Fate
from numen.ledger.stakes import NOTICE, Stakes
from numen.ledger.transactions import read
from numen.node.replica import answers
from numen.sim.machine import Machine


class BrokenError(NumenError):
    """Something that must hold does not."""


class Witness:
    """Sees every block that a machine keeps.

    Args:
        addresses: All that can have coins.
        supply: Coins of all together, beside bonds.
        stakes: Bonds as the ledger begins.

    Attributes:
        height: Of the highest final block.
        transactions: Height of each transaction that is final, by its id.
        stakes: Bonds after the highest.
    """

    def __init__(self, addresses: tuple[bytes, ...], supply: int, stakes: Stakes) -> None:
        self._addresses = addresses
        self._supply = supply + stakes.left
        self._electorates: dict[int, bytes] = {}
        self.stakes = stakes
        self._blocks: dict[int, bytes] = {}
        self._seen: defaultdict[bytes, int] = defaultdict(int)
        self.height = 0
        self.transactions: dict[bytes, int] = {}

    def look(self, machine: Machine) -> None:
        """See what a machine has kept since the last time.

        Raises:
            BrokenError: It lost a block, has another one, another root or another electorate than
                others, has a transaction twice, a block that somebody without a bond made or voted
                for, or coins came or went.
        """
        if machine.node is None:
            return
        me, height = machine.plan.me, machine.node.replica.height
        if height < self._seen[me]:
            raise BrokenError(f"a final block is gone: {height} after {self._seen[me]}")
        while self._seen[me] < height:
            self._seen[me] += 1
            self._check(machine, self._seen[me])

    def _check(self, machine: Machine, height: int) -> None:
        block = machine.body.ledger.block(height)
        if block is None:
            raise BrokenError(f"block {height} is missing")
        identity = block_id(block.header)
        if height > self.height:
            self.height = height
            self._blocks[height] = identity
            self._count_coins(machine)
            for raw in block.transactions:
                if self.transactions.setdefault(read(raw, machine.plan.chain).id, height) != height:
                    raise BrokenError(f"a transaction of block {height} was final before")
        if self._blocks[height] != identity:
            raise BrokenError(f"two final blocks of height {height}")
        self._check_voters(machine, block.header)
        is_last = height == machine.body.ledger.height
        if is_last and machine.body.world.state.root != block.header.state:
            raise BrokenError(f"another root after block {height}")

    def _check_voters(self, machine: Machine, header: Header) -> None:
        stakes = machine.body.world.stakes()
        assert stakes is not None
        for height in range(header.height, header.height + NOTICE + 1):
            found = stakes.electorate(height).id
            if self._electorates.setdefault(height, found) != found:
                raise BrokenError(f"two electorates of height {height}")
        gone = {loss.key for loss in stakes.losses if loss.height + NOTICE <= header.height}
        if machine.plan.voter(header.maker) in gone:
            raise BrokenError(f"who has no bond made block {header.height}")
        certificate = answers.certificate_of(machine.body.world, header.height)
        assert certificate is not None
        electorate = stakes.electorate(header.height)
        voted = {electorate.members[at].key for at in signers(certificate, electorate)}
        if voted & gone:
            raise BrokenError(f"who has no bond voted for block {header.height}")

    def count_messages(self, machines: Iterable[Machine]) -> int:
        """See that messages were handed over once and in order, by the receipts of all machines.

        Returns:
            How many there were.

        Raises:
            BrokenError: One was handed over twice, not in its turn, or failed.
        """
        listed, count = list(machines), 0
        expected: defaultdict[tuple[bytes, bytes], int] = defaultdict(int)
        for height in range(1, self.height + 1):
            found = (machine.body.ledger.receipts(height) for machine in listed)
            for receipt in next((each for each in found if each), ()):
                message = receipt.message
                pair = (message.source, message.target)
                if message.sequence != expected[pair]:
                    due = expected[pair]
                    raise BrokenError(
                        f"message {message.sequence} in block {height}, {due} was due"
                    )
                if receipt.fate is Fate.FAILED:
                    raise BrokenError(f"a message of block {height} failed: {receipt.failure}")
                expected[pair] += 1
                count += 1
        return count

    def _count_coins(self, machine: Machine) -> None:
        world = machine.body.world
        stakes = world.stakes()
        assert stakes is not None
        self.stakes = stakes
        found = sum(world.last(address).balance for address in self._addresses)
        found += stakes.left + stakes.burnt
        if found != self._supply:
            raise BrokenError(f"{found} coins where there are {self._supply}")
