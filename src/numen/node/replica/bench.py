"""A node's part in taking bonds: what it judged, what it signs of that, and what a block can have.

Evidence that shows itself is kept on the disk by the voting key that it is against. Verdicts are
not: a node signs again what it found when it begins again, and the others say theirs again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from numen.base.codec import SIZE_MAX_BYTES, CodecError, decode, encode
from numen.base.errors import NumenError
from numen.ledger.ledger import Ledger
from numen.ledger.order.certificate import Electorate
from numen.ledger.order.offence import Offence, SignedVerdict, Verdict
from numen.ledger.order.sequencer import OrderError
from numen.ledger.order.slashing import Evidence, judge
from numen.ledger.order.verdict import check_verdict, convict
from numen.ledger.order.vote import Voter
from numen.ledger.penalty import Charge, write_charge
from numen.ledger.stakes import NOTICE, Stakes
from numen.ledger.world import World
from numen.node.replica.events import Accusation, Event, Failed, Judged, Proven
from numen.node.replica.plan import Plan, PlanError
from numen.node.replica.turn import Reading
from numen.node.trust.evidence import FalseBlock, Lie, TwoStories, TwoVotes, name
from numen.node.trust.watch import Watch

_EVIDENCE: Final = b"lx"
"""Name of the node's records of evidence, by voting key."""


class Bench:
    """What one node does about lies.

    Args:
        plan: The node's rules.
        world: The state and the disk.
        ledger: Over it.
        voter: Signs verdicts; None for a node without a vote.
        watch: What it finds of others.

    Raises:
        PlanError: The ledger began with other bonds than the plan has.
    """

    def __init__(
        self, plan: Plan, world: World, ledger: Ledger, voter: Voter | None, watch: Watch
    ) -> None:
        self._plan, self._world, self._ledger = plan, world, ledger
        self._voter, self._watch = voter, watch
        members = self.stakes.pledges.first
        if members.id != plan.electorate.id:
            raise PlanError("the ledger began with other bonds than the plan has")

    @property
    def stakes(self) -> Stakes:
        """Bonds after the last final block.

        Raises:
            PlanError: The ledger has none.
        """
        found = self._world.stakes()
        if found is None:
            raise PlanError("nobody has a bond on this ledger")
        return found

    def electorate(self, height: int) -> Electorate:
        """Who votes at a height, of those up to `NOTICE` ahead."""
        return self.stakes.electorate(height)

    def accused(self) -> Mapping[bytes, Evidence]:
        """Evidence that is on the disk, by the voting key that it is against."""
        found = self._world.kv.scan(_EVIDENCE)
        return {
            key[len(_EVIDENCE) :]: decode(Evidence, raw, size_max=SIZE_MAX_BYTES)
            for key, raw in found
        }

    def verdicts(self) -> Mapping[Reading, SignedVerdict]:
        """This node's own verdicts, signed again."""
        guilty = self._watch.docket.guilty.items()
        signed = self.sign(((number,), guilt.lie) for number, guilt in guilty)
        return {(s.verdict.guilty, s.verdict.lie, s.key): s for s in signed}

    def sign(self, found: Iterable[tuple[tuple[int, ...], Lie]]) -> Iterator[SignedVerdict]:
        """Sign what this node found of others, where only verdicts can show it.

        Args:
            found: Numbers of nodes, and the lie by which they were found guilty.
        """
        stakes = self.stakes
        for numbers, lie in found:
            offence = _offence(lie)
            for number in numbers if self._voter is not None and offence is not None else ():
                key = self._plan.voter(self._watch.members.address(number))
                if key and stakes.bond(key) and self._voter is not None and offence is not None:
                    verdict = Verdict(self._plan.chain, key, offence, name(lie))
                    yield self._voter.condemn(verdict)

    def contradictions(self, found: Iterable[tuple[tuple[int, ...], Lie]]) -> Iterator[Evidence]:
        """Votes that contradict each other, of what this node found of others."""
        for _, lie in found:
            if isinstance(lie.case, TwoVotes):
                yield lie.case.evidence

    def judge(self, peer: bytes, evidence: Evidence) -> Event | None:
        """Check evidence, and keep it if it is true; who is behind cannot say."""
        vote = evidence.contradiction.first.vote
        if vote.chain != self._plan.chain or vote.height > self._ledger.height + NOTICE:
            return None
        try:
            guilty = judge(evidence, self.electorate(vote.height))
        except NumenError as error:
            return Failed(peer, error.message) if peer else None
        written = encode(evidence)
        self._world.kv.commit([(_EVIDENCE + key, written) for key in guilty])
        self._watch.convict(Lie(TwoVotes(evidence)))
        return Judged(evidence, guilty)

    def prove(self, peer: bytes, signed: SignedVerdict) -> Event:
        """Check who signed a verdict."""
        try:
            check_verdict(signed, self.electorate(self._ledger.height + 1))
        except OrderError as error:
            return Failed(peer, error.message)
        return Proven(signed)

    def charges(self, accusations: Iterable[Accusation]) -> Iterator[bytes]:
        """Write accusations as the next block can have them; what it cannot have is left out."""
        electorate = self.electorate(self._ledger.height + 1)
        for each in accusations:
            try:
                if isinstance(each, tuple):
                    yield write_charge(Charge(convict(each, electorate)))
                else:
                    yield write_charge(Charge(each.contradiction))
            except (OrderError, CodecError):
                continue


def _offence(lie: Lie) -> Offence | None:
    """What a lie is called that only verdicts can show; None for another."""
    match lie.case:
        case FalseBlock():
            return Offence.FALSE_BLOCK
        case TwoStories():
            return Offence.TWO_STORIES
        case TwoVotes():
            return None
