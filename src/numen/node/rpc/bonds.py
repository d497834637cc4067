"""`numen_`: what those who vote have at stake, what was taken of whom, and why."""

import msgspec

from numen.ledger.stakes import Loss, Standing
from numen.node.ledger.follower import Follower
from numen.node.rpc.shapes import Hex
from numen.node.rpc.table import rows
from numen.node.rpc.trust import FollowerSession
from numen.node.rpc.values import data


class LossShape(msgspec.Struct, rename="camel"):
    """Why a bond was taken: in which block, for what, by which evidence, and who brought it."""

    height: int
    offence: str
    lie: Hex
    reporter: str
    rewarded: Hex
    burnt: Hex


class BondShape(msgspec.Struct, rename="camel"):
    """A node that votes, or did: what it had at stake, what is left, and why it is less."""

    name: str
    address: Hex
    key: Hex
    pledged: Hex
    left: Hex
    votes: bool
    loss: LossShape | None


class StakesShape(msgspec.Struct, rename="camel"):
    """All bonds after a block, and the stake of those who vote for the next one."""

    height: int
    voting: Hex
    left: Hex
    burnt: Hex
    bonds: list[BondShape]


def stakes(session: FollowerSession) -> StakesShape:
    """What each node that votes has at stake after the last final block, and what was taken."""
    node = session.node
    found = node.world.stakes()
    height = node.ledger.height
    if found is None:
        return StakesShape(height, hex(0), hex(0), hex(0), [])
    order = sorted(found.standings(height), key=lambda each: _name(node, each.bond.node))
    voting = found.electorate(height + 1).total
    bonds = [_bond(node, each) for each in order]
    return StakesShape(height, hex(voting), hex(found.left), hex(found.burnt), bonds)


def _bond(node: Follower, found: Standing) -> BondShape:
    bond, loss = found.bond, found.loss
    return BondShape(
        _name(node, bond.node),
        data(bond.node),
        data(bond.member.key),
        hex(bond.member.stake),
        hex(found.left),
        found.votes,
        _loss(node, loss) if loss is not None else None,
    )


def _loss(node: Follower, loss: Loss) -> LossShape:
    return LossShape(
        loss.height,
        loss.offence.value,
        data(loss.lie),
        _name(node, loss.reporter),
        hex(loss.rewarded),
        hex(loss.burnt),
    )


def _name(node: Follower, address: bytes) -> str:
    return node.members[node.watch.members.index(address)]


METHODS = rows({"numen_stakes": stakes})
