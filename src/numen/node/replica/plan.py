"""What a node is told once: who the others are, and what it does itself.

PlanError    nodes that cannot work together
"""

from collections.abc import Iterable
from enum import Enum
from typing import Final

import msgspec

from numen.base.crypto import Address
from numen.base.errors import NumenError
from numen.ledger.order.certificate import Electorate
from numen.ledger.stakes import Bond
from numen.trust.execution import Policy

NODES_MAX: Final = 256
"""Most nodes of one ledger."""

STEP_MS: Final = 2_000
"""Between two attestations of one node by another, where a ledger says nothing else."""

VIEW_MS: Final = 4_000
VIEW_MS_MAX: Final = 60_000
"""How long the first view of a height may take, and how long any."""


class PlanError(NumenError):
    """A plan that no node can follow."""


class Mode(Enum):
    """How a node comes to the state after a block."""

    EXECUTE = "execute"
    """It carries the block out, and votes for what it found itself."""
    VERIFY = "verify"
    """It checks the maker's signature and the diff's roots, votes for that, and applies it; of a
    share of blocks that nobody can foresee it does as `EXECUTE`."""
    TRUST = "trust"
    """As `VERIFY` for the block of a node that it trusts so far, and as `EXECUTE` for others:
    execution trust decides (`numen.node.trust.credit`)."""
    APPLY = "apply"
    """It waits until more than two thirds of the stake signed, and applies the diff."""


class Peer(msgspec.Struct, frozen=True):
    """A node of the ledger.

    Attributes:
        node: Its address: what its channel proves.
        voter: Its key for votes; empty for a node that has no vote.
        mail: Shares of contracts' keys are sealed for it; empty for a node that keeps none.
    """

    node: Address
    voter: bytes = b""
    mail: bytes = b""


class Plan(msgspec.Struct, frozen=True):
    """The rules of one node.

    Attributes:
        chain: Which ledger.
        me: The node's own address.
        peers: All nodes, itself among them, each once.
        proposer: Who makes the first block, where there is no log. Who made a block makes the next
            one, or the others who vote, in turn, when that takes too long: decision 35.
        electorate: Who votes for the first block, with how much stake. Who does later follows from
            the bonds that were taken (`numen.ledger.stakes`).
        mode: What the node does with a block. An `APPLY` node has no vote.
        price: Coins a unit of work that it asks as a proposer.
        view_ms: After how many milliseconds without a block its proposer is thought to be gone, in
            the first view of a height; each further view takes twice as long.
        audit: Share of blocks, in millionths, that a `VERIFY` node carries out all the same.
        is_logged: Whether blocks get their order from a log, and all who vote may make them.
        empty_ms: After how many milliseconds without one a proposer makes an empty block, for
            contracts that wait for a height; 0 for never.
        step_ms: Milliseconds of a step of attestations, the same for all nodes.
        policy: What a `TRUST` node asks of who makes blocks.
        slot_coins: Coins that it takes a slot of a contract to be worth.
    """

    chain: int
    me: Address
    peers: tuple[Peer, ...]
    proposer: Address
    electorate: Electorate
    mode: Mode = Mode.EXECUTE
    price: int = 1
    is_logged: bool = False
    empty_ms: int = 0
    audit: int = 20_000
    step_ms: int = STEP_MS
    policy: Policy = Policy()
    slot_coins: int = 1
    view_ms: int = VIEW_MS

    @property
    def bonds(self) -> tuple[Bond, ...]:
        """What those who vote have at stake when the ledger begins."""
        members = {member.key: member for member in self.electorate.members}
        return tuple(Bond(peer.node, members[peer.voter]) for peer in self.peers if peer.voter)

    def may_make(self, node: Address, electorate: Electorate) -> bool:
        """Whether a node's blocks count at a height whose electorate this is."""
        voter = self.voter(node)
        if voter:
            return electorate.index(voter) is not None
        return node == self.proposer and not self.is_logged

    def maker(self, leader: Address, view: int, electorate: Electorate) -> Address:
        """Who proposes in a view of the height behind a block that somebody made.

        Those who may, in the order of the file, from who made that block on: who lost its bond is
        passed over.
        """
        nodes = tuple(p.node for p in self.peers if p.voter or p.node == self.proposer)
        first = nodes.index(leader if leader in nodes else self.proposer)
        turns = [node for node in nodes[first:] + nodes[:first] if self.may_make(node, electorate)]
        return turns[view % len(turns)]

    def patience_ms(self, view: int) -> int:
        """How long a view may take."""
        return min(self.view_ms << min(view, 16), VIEW_MS_MAX)

    @property
    def others(self) -> tuple[Address, ...]:
        """All nodes but this one."""
        return tuple(peer.node for peer in self.peers if peer.node != self.me)

    def is_node(self, peer: bytes) -> bool:
        """Whether somebody is a node of this ledger, and not a person."""
        return any(each.node == peer for each in self.peers)

    @property
    def keepers(self) -> tuple[Peer, ...]:
        """The nodes that keep shares of contracts' keys; each is numbered by its place, from 1."""
        return tuple(peer for peer in self.peers if peer.mail)

    def keeper(self, node: bytes) -> int:
        """The number of a node that keeps shares; 0 for any other."""
        return next((i for i, peer in enumerate(self.keepers, 1) if peer.node == node), 0)

    def voter(self, node: Address) -> bytes:
        """The voting key of a node; empty for none."""
        return next((peer.voter for peer in self.peers if peer.node == node), b"")

    @property
    def has_vote(self) -> bool:
        """Whether this node votes."""
        return bool(self.voter(self.me)) and self.mode is not Mode.APPLY


def check_plan(plan: Plan) -> None:
    """See that nodes with this plan can work.

    Raises:
        PlanError: Somebody is missing, there twice, or votes without a stake.
    """
    nodes = [peer.node for peer in plan.peers]
    voters = [peer.voter for peer in plan.peers if peer.voter]
    if not 0 < len(nodes) <= NODES_MAX:
        raise PlanError(f"{len(nodes)} nodes where 1 to {NODES_MAX} are allowed")
    if _has_twice(nodes) or _has_twice(voters):
        raise PlanError("a node, or its key for votes, is there twice")
    if plan.me not in nodes or plan.proposer not in nodes:
        raise PlanError("the node itself and the proposer are nodes")
    strangers = [key for key in voters if plan.electorate.index(key) is None]
    if strangers:
        raise PlanError(f"0x{strangers[0].hex()} has a vote and no stake")
    if len(voters) < len(plan.electorate.members):
        raise PlanError("somebody who is no node has a stake")
    if plan.me == plan.proposer and plan.mode is not Mode.EXECUTE:
        raise PlanError("who makes blocks carries them out")


def _has_twice(values: Iterable[bytes]) -> bool:
    listed = list(values)
    return len(set(listed)) != len(listed)
