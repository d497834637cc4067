"""How a lie comes to the ledger: evidence and verdicts go round until a final block has them.

Two votes show themselves. Of other lies each voter that judged one says so, again and again while
the liar has a bond, and enough of them are a conviction. Whoever makes a block puts into it what it
has. A maker could leave evidence out, against itself or a friend: others that have had it for a
while give it the evidence, and do not vote for a new block without any, so that another has to
propose. A block that was prepared before they vote for all the same, since it may be final
somewhere.
"""

from typing import Final

from numen.ledger.order.offence import SignedVerdict
from numen.ledger.order.slashing import Contradiction, DoubleVote
from numen.node.replica.events import Judge, Prove, Proven, Suspect
from numen.node.replica.packet import Accused, Found
from numen.node.replica.turn import PATIENCE, Candidate, Reading, Turn, charges

LIES_MAX: Final = 4
"""Most lies of one node about which one voter's verdicts are kept: more than one costs no more."""


def accused(turn: Turn, peer: bytes, packet: Accused) -> None:
    """Somebody has evidence that shows itself."""
    known = turn.replica.accused
    case = packet.evidence.contradiction
    if packet.evidence not in known.values() and not _is_old(turn, case):
        turn.want(Judge(peer, packet.evidence))


def _is_old(turn: Turn, case: Contradiction) -> bool:
    """Whether two votes are of somebody who is accused already."""
    return isinstance(case, DoubleVote) and case.first.key in turn.replica.accused


def found(turn: Turn, peer: bytes, packet: Found) -> None:
    """Somebody sends a verdict, of itself or another."""
    signed = packet.signed
    if signed.verdict.chain != turn.plan.chain:
        turn.want(Suspect(peer, "a verdict of another ledger"))
    elif turn.electorate.index(signed.key) is not None and _is_wanted(turn, signed):
        turn.want(Prove(peer, signed))


def _is_wanted(turn: Turn, signed: SignedVerdict) -> bool:
    """Whether a verdict is new, there is something to take, and its signer has room for it."""
    verdicts, (guilty, lie, key) = turn.replica.verdicts, _place(signed)
    if not turn.replica.stakes.bond(guilty) or (guilty, lie, key) in verdicts:
        return False
    return sum((g, k) == (guilty, key) for g, _, k in verdicts) < LIES_MAX


def proven(turn: Turn, event: Proven) -> None:
    """A verdict is its signer's."""
    signed = event.signed
    if not _is_wanted(turn, signed):
        return
    before = charges(turn)
    turn.set(verdicts={**turn.replica.verdicts, _place(signed): signed})
    if event.is_own:
        turn.send(turn.plan.others, Found(signed))
    if charges(turn) != before:
        turn.set(is_fresh=True)


def _place(signed: SignedVerdict) -> Reading:
    return signed.verdict.guilty, signed.verdict.lie, signed.key


def is_withheld(turn: Turn, candidate: Candidate) -> bool:
    """Whether a new block leaves out what its maker was given long ago."""
    is_new = candidate.since < 0 and not turn.plan.is_logged
    is_late = turn.replica.pressing > PATIENCE and bool(charges(turn))
    return is_new and is_late and not candidate.has_evidence


def kept(turn: Turn) -> None:
    """A block is final: what is punished is done with."""
    replica = turn.replica
    if replica.verdicts:
        left = {at: each for at, each in replica.verdicts.items() if replica.stakes.bond(at[0])}
        turn.set(verdicts=left)


def remind(turn: Turn) -> None:
    """Some time has passed: say own verdicts again, and give who proposes what it may not have."""
    replica, plan = turn.replica, turn.plan
    me = plan.voter(plan.me)
    mine = [signed for (_, _, key), signed in replica.verdicts.items() if key == me]
    turn.send(plan.others, *map(Found, mine))
    known = charges(turn)
    turn.set(pressing=replica.pressing + 1 if known else 0)
    if not known or turn.proposer == plan.me:
        return
    for each in known:
        packets = map(Found, each) if isinstance(each, tuple) else (Accused(each),)
        turn.send([turn.proposer], *packets)
