"""A node that lies, so that others can be seen to notice: from some block on it steals coins.

Its blocks are signed, follow, and have a diff that leads to the state that they name. Only who
carries them out sees that their transactions do not come to it.
"""

import msgspec

from numen.base.codec import U256
from numen.base.crypto import SigningKey
from numen.ledger.block import Block, seal
from numen.ledger.ledger import Made
from numen.ledger.order.vote import Voter
from numen.ledger.state.diff import AccountChanges, BalanceChange, Diff
from numen.ledger.world import World
from numen.node.replica.body import Body
from numen.node.replica.events import Said
from numen.node.replica.plan import Plan
from numen.node.trust.watch import Heard
from numen.trust.execution import Treatment


class Liar(Body):
    """A body whose blocks are false.

    Args:
        plan, world, key, voter, is_indexed: As of `Body`.
        start: Height of the first false block.
    """

    def __init__(
        self, plan: Plan, world: World, key: SigningKey, voter: Voter | None,
        *, start: int, is_indexed: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(plan, world, key, voter, is_indexed=is_indexed)
        self._start = start

    def _draft(
        self, transactions: tuple[bytes, ...], time_ms: int, charges: tuple[bytes, ...]
    ) -> Made:
        made = super()._draft(transactions, time_ms, charges)
        header = made.block.header
        if header.height < self._start or not made.block.transactions:
            return made
        accounts = self._with_loot(made.diff.accounts)
        root = self.world.state.prepare(accounts).version.root
        false = msgspec.structs.replace(header, state=root)
        block = seal(false, made.block.transactions, self._key, made.block.evidence)
        forged = self.ledger.adopt(block, Diff(made.diff.pre_root, root, 1, accounts))
        return msgspec.structs.replace(forged, refused=made.refused)

    def _treat(self, block: Block, identity: bytes, raw_diff: bytes) -> Treatment:
        """It believes itself."""
        if block.header.maker == self.plan.me:
            return Treatment.APPLY
        return super()._treat(block, identity, raw_diff)

    def _said(self, heard: Heard) -> Said | None:
        """What others show of it changes nothing here."""
        heard.false.clear()
        return super()._said(heard)

    def _with_loot(self, accounts: tuple[AccountChanges, ...]) -> tuple[AccountChanges, ...]:
        """The same changes, but for a coin of somebody else that is its own now."""
        me = self.plan.me
        found = {account.address: account for account in accounts}
        mine = found.get(me, AccountChanges(me))
        has = int(mine.balances[-1].balance) if mine.balances else self.world.last(me).balance
        for account in accounts:
            if account.balances and account.address != me and account.balances[-1].balance:
                left = U256(account.balances[-1].balance - 1)
                robbed = msgspec.structs.replace(account, balances=(BalanceChange(0, left),))
                richer = msgspec.structs.replace(mine, balances=(BalanceChange(0, U256(has + 1)),))
                found |= {account.address: robbed, me: richer}
                break
        return tuple(found[address] for address in sorted(found))
