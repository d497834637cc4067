"""A node between two events, and the turn in which one event is dealt with."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from numen.base.crypto import Address, Hash32
from numen.ledger.order.certificate import Electorate
from numen.ledger.order.conflict import SignedRejection
from numen.ledger.order.offence import SignedVerdict
from numen.ledger.order.slashing import Evidence
from numen.ledger.order.verdict import is_enough
from numen.ledger.order.vote import Entry, SignedVote
from numen.ledger.stakes import Stakes
from numen.node.replica.ballots import Ballots
from numen.node.replica.events import Accusation, Effect, Make, Send
from numen.node.replica.packet import Packet, Proposal
from numen.node.replica.plan import Mode, Plan
from numen.node.replica.pool import Pool, in_order

WATCHERS_MAX: Final = 16
"""Most who are told about one transaction."""

FALLEN_MAX: Final = 256
"""Most transactions of which a node remembers why it dropped them."""

TRANSACTIONS_MAX: Final = 1024
"""Most transactions that a proposer puts into one block."""

REFUTED_MAX: Final = 64
"""Most false blocks of one height that a node remembers."""

PATIENCE: Final = 3
"""Ticks that a node waits for another to do what it could do itself."""

BODY_BYTES_MAX: Final = 3 << 17
"""Most bytes of transactions that a proposer puts into one block."""


Reading: TypeAlias = tuple[bytes, Hash32, bytes]
"""A verdict's place: whom it is about, by its voting key, the lie, and who signed."""


class Candidate(msgspec.Struct, frozen=True):
    """The block that a node is about to agree with.

    Attributes:
        block: Its id.
        proposal: The block and its diff.
        maker: Who made it.
        view: In which it was proposed.
        has_evidence: Whether it takes bonds.
        is_checked: Whether the node holds what came of it, and only has to keep it.
        is_blind: Whether it could not be carried out here, since keys of a contract are missing:
            it is applied if others agree.
    """

    block: Hash32
    proposal: Proposal
    maker: Address
    view: int
    has_evidence: bool
    is_checked: bool
    is_blind: bool = False

    @property
    def since(self) -> int:
        """The last view in which it is known to be prepared; -1 for none."""
        prepared = self.proposal.prepared
        return prepared.vote.view if prepared is not None else -1


class Replica(msgspec.Struct, frozen=True):
    """A node.

    Attributes:
        height: Of the last final block.
        head: Its id.
        root: Of the state after it.
        leader: Who made it.
        kept_ms: When it was kept.
        view: Of the next height: who proposes.
        view_ms: When it began, or when there last was nothing to wait for.
        wish: The view that this node wants, at least the present one.
        wishes: The views that voters want, by their keys, and `Wish.prepared` of each.
        prepared: The last block of the next height that is known to be prepared, with the votes
            that say so.
        lock: The block that this node voted last to commit; None for none.
        candidate: The next block, if one was proposed.
        draft: The block that this node made and the log does not have yet.
        position: Place in the log that was read last.
        refuted: Blocks of the next height that this node found to be false: it takes none of them,
            whoever signed.
        own: The node's last votes of the next height.
        ballots: Votes heard.
        pool: Transactions that wait.
        watchers: Who is told of each.
        fallen: Those that were dropped lately, and what they had leaned on.
        stakes: Bonds, as the last final block left them.
        accused: Evidence by voting key.
        verdicts: About those whose bonds are not taken, by whom, the lie, and who signed.
        pressing: Ticks for which evidence was here that no final block has.
        ticks: Ticks counted.
        waited: Ticks since the candidate was checked, or, where there is none, since something
            waits that nobody puts into a block.
        seen: Highest height that somebody claims to have.
        due: Final blocks that were asked for and may still come.
        is_making: Whether a block is being made.
        is_counting: Whether votes are being added up.
        is_fresh: Whether something has changed since no block could be made.
    """

    height: int
    head: Hash32
    root: Hash32
    stakes: Stakes
    leader: Address = b""
    kept_ms: int = 0
    view: int = 0
    view_ms: int = 0
    wish: int = 0
    wishes: Mapping[bytes, tuple[int, int]] = MappingProxyType({})
    prepared: Proposal | None = None
    lock: Entry | None = None
    candidate: Candidate | None = None
    draft: Candidate | None = None
    position: int = 0
    refuted: frozenset[bytes] = frozenset()
    own: tuple[SignedVote, ...] = ()
    ballots: Ballots = Ballots()
    pool: Pool = Pool()
    watchers: Mapping[Hash32, tuple[bytes, ...]] = MappingProxyType({})
    fallen: Mapping[Hash32, SignedRejection] = MappingProxyType({})
    accused: Mapping[bytes, Evidence] = MappingProxyType({})
    verdicts: Mapping[Reading, SignedVerdict] = MappingProxyType({})
    pressing: int = 0
    ticks: int = 0
    waited: int = 0
    seen: int = 0
    due: int = 0
    is_making: bool = False
    is_counting: bool = False
    is_fresh: bool = True


class Turn:
    """A node while it deals with one event.

    Args:
        replica: As it was.
        plan: Its rules.
        now_ms: The present moment.

    Attributes:
        replica: As it is by now.
        effects: What it wants, in order.
    """

    def __init__(self, replica: Replica, plan: Plan, now_ms: int) -> None:
        self.replica = replica
        self.plan = plan
        self.now_ms = now_ms
        self.effects: list[Effect] = []

    def set(self, **changes: Any) -> None:
        """Change some of the node."""
        self.replica = msgspec.structs.replace(self.replica, **changes)

    def want(self, effect: Effect) -> None:
        """Want something."""
        self.effects.append(effect)

    def send(self, peers: Iterable[bytes], *packets: Packet) -> None:
        """Send packets to some."""
        self.effects += [Send(peer, packet) for peer in peers for packet in packets]

    def watch(self, transaction: bytes, peer: bytes) -> None:
        """Tell somebody about a transaction once it is decided."""
        watchers = self.replica.watchers
        before = watchers.get(transaction, ())
        if peer not in before and len(before) < WATCHERS_MAX:
            self.set(watchers={**watchers, transaction: (*before, peer)})

    def unwatch(self, transactions: Iterable[bytes]) -> None:
        """Forget who was to be told."""
        watchers = dict(self.replica.watchers)
        for transaction in transactions:
            watchers.pop(transaction, None)
        self.set(watchers=watchers)

    def fell(self, transactions: Iterable[bytes], because: SignedRejection) -> None:
        """Remember why some were dropped, since who is told may not hear it."""
        fallen = {**self.replica.fallen, **dict.fromkeys(transactions, because)}
        self.set(fallen=dict(list(fallen.items())[-FALLEN_MAX:]))

    def people(self, transaction: bytes) -> tuple[bytes, ...]:
        """Those who are told about a transaction and are no nodes."""
        watchers = self.replica.watchers.get(transaction, ())
        return tuple(peer for peer in watchers if not self.plan.is_node(peer))

    @property
    def electorate(self) -> Electorate:
        """Who votes for the next block."""
        return self.replica.stakes.electorate(self.replica.height + 1)

    @property
    def has_vote(self) -> bool:
        """Whether this node votes for the next block."""
        me = self.plan.voter(self.plan.me)
        return self.plan.has_vote and self.electorate.index(me) is not None

    def maker(self, view: int) -> Address:
        """Who proposes in a view of the next height, where there is no log."""
        return self.plan.maker(self.replica.leader, view, self.electorate)

    @property
    def proposer(self) -> Address:
        """Who proposes in the present view, where there is no log."""
        return self.maker(self.replica.view)

    @property
    def is_proposer(self) -> bool:
        """Whether this node proposes in the present view; nobody does where there is a log."""
        return not self.plan.is_logged and self.proposer == self.plan.me

    @property
    def may_make(self) -> bool:
        """Whether it is this node that makes a block."""
        plan = self.plan
        may = plan.may_make(plan.me, self.electorate)
        is_its = self.is_proposer or (plan.is_logged and may)
        return is_its and plan.mode is Mode.EXECUTE

    def make(self) -> None:
        """Make a block if this is the node for it, and there may be something to make one of."""
        replica, plan = self.replica, self.plan
        candidate = replica.candidate
        is_busy = candidate is not None and candidate.view == replica.view
        is_busy = is_busy or replica.draft is not None or replica.is_making
        if is_busy or replica.prepared is not None or not self.may_make or self._may_hear():
            return
        is_wanted = 0 < plan.empty_ms <= self.now_ms - replica.kept_ms
        is_its = replica.is_fresh and self._is_its_turn()
        chosen = _chosen(replica.pool) if is_its else ()
        known = charges(self) if is_its or is_wanted else ()
        if chosen or known or is_wanted:
            # What is in memory of another view's block makes room.
            self.set(is_making=True, is_fresh=False, candidate=None)
            self.want(Make(chosen, is_wanted, replica.view, known))

    def _may_hear(self) -> bool:
        """Whether somebody says that a block is prepared, and it may still come.

        The half of a view is enough for it; who lies gains no more than that.
        """
        replica, plan = self.replica, self.plan
        is_early = 2 * (self.now_ms - replica.view_ms) < plan.patience_ms(replica.view)
        return is_early and any(prepared for _, prepared in replica.wishes.values())

    def _is_its_turn(self) -> bool:
        """Whether this node should make a block of what waits.

        Where all may, it is the one that was asked; the others step in when it does not.
        """
        replica = self.replica
        is_asked = any(self.people(transaction) for transaction in replica.watchers)
        return not self.plan.is_logged or is_asked or replica.waited >= PATIENCE


def charges(turn: Turn) -> tuple[Accusation, ...]:
    """What shows of others that they lied, and can take their bonds with the next block."""
    replica, me = turn.replica, turn.plan.voter(turn.plan.me)
    named = replica.accused.keys() | {guilty for guilty, _, _ in replica.verdicts}
    at_stake = {key for key in named - {me} if replica.stakes.bond(key)}
    if not at_stake:
        return ()
    found: dict[bytes, Accusation] = {}
    groups: dict[tuple[bytes, bytes], list[SignedVerdict]] = {}
    for (guilty, lie, _), signed in replica.verdicts.items():
        groups.setdefault((guilty, lie), []).append(signed)
    for (guilty, _), verdicts in groups.items():
        if is_enough((each.key for each in verdicts), guilty, turn.electorate):
            found[guilty] = tuple(verdicts)
    found |= replica.accused
    return tuple(found[key] for key in sorted(found.keys() & at_stake))


def _chosen(pool: Pool) -> tuple[bytes, ...]:
    chosen: list[bytes] = []
    room = BODY_BYTES_MAX
    for raw in in_order(pool):
        room -= len(raw)
        if room < 0 or len(chosen) == TRANSACTIONS_MAX:
            break
        chosen.append(raw)
    return tuple(chosen)
