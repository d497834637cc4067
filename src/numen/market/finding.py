"""What the verifiers find about a thing that the contract of a market on a ledger cannot check.

Everybody who follows the record checks proofs, quotes and steps of runs. A contract cannot; it
counts what staked verifiers sign. A *hearing* is about one signed message: a result, whose evidence
holds or does not, or the step that is left of a contest, which is right or is not. It is decided by
more than half of the verifiers' stake. Whoever found otherwise loses a share of its stake; and if,
while no finder can have left yet, more than half comes to find the opposite, those lose it who
decided before. What was settled meanwhile stands.

So the ledger's trust in evidence is that of a dispute: more than half of the stake is honest. That
a decision is against the evidence is seen by all who follow the record (`Hearing.truth`).

    FindingError       there is no such hearing, or it takes no finding of this verifier now
"""

from typing import Final

import msgspec

from numen.base.codec import encode
from numen.base.crypto import Hash32
from numen.base.errors import NumenError
from numen.market import events, offence
from numen.market.coins import BURNT, Transfer
from numen.market.hearing import FINDINGS_MAX, RECHECK_MS, Hearing
from numen.market.message import Finding, Signed
from numen.market.offence import CASE_MAX_BYTES, Outcome
from numen.market.stake import NotStakedError, Role, stake_of
from numen.market.turn import Market, MarketError, Turn, verifier_stakes

HEARINGS_MAX: Final = 8192
"""Most hearings that are kept; those that were decided first make room."""


class FindingError(NumenError):
    """There is no such hearing, or it takes no finding of this verifier now."""


class Contradicted(msgspec.Struct, frozen=True, array_like=True, tag="contradicted/1"):
    """A finding, and those of more than half of the stake that contradict it.

    Attributes:
        finding: The one.
        others: The others.
    """

    finding: Signed
    others: tuple[Signed, ...]


def begin(turn: Turn, hearing: Hearing, about: Hash32) -> None:
    """Open a hearing about a message.

    Raises:
        MarketError: It was heard before, or there are too many.
    """
    hearings = dict(turn.market.hearings)
    if about in hearings:
        raise MarketError("it was heard before")
    if len(hearings) >= HEARINGS_MAX:
        decided = next((name for name, held in hearings.items() if held.holds is not None), None)
        if decided is None:
            raise MarketError(f"the verifiers hear {HEARINGS_MAX} things")
        del hearings[decided]
    turn.set(hearings={**hearings, about: hearing})


def find(turn: Turn, signed: Signed, body: Finding) -> bool:
    """Take a verifier's finding; whether it decides the hearing for the first time.

    Raises:
        FindingError: The hearing takes none of this verifier.
        NotStakedError: The verifier has no stake.
    """
    hearing = turn.market.hearings.get(body.about)
    if hearing is None or hearing.task != body.task:
        raise FindingError("nothing is heard about that")
    if not turn.market.stakes.is_active(body.verifier, Role.VERIFIER):
        raise NotStakedError(body.verifier, Role.VERIFIER)
    is_full = len(hearing.said) >= FINDINGS_MAX
    if body.verifier in hearing.said or is_full or not hearing.listens(turn.now_ms):
        raise FindingError("the hearing takes no finding of this verifier now")
    said = {**hearing.said, body.verifier: signed}
    is_first = hearing.holds is None
    hearing = _put(turn, body.about, msgspec.structs.replace(hearing, said=said))
    turn.emit(
        events.Found(
            turn.now_ms, body.task.hex(), body.verifier.hex(), body.about.hex(), body.holds
        )
    )
    holds = _majority(turn.market, hearing)
    if holds is None or holds is hearing.holds:
        return False
    changed = msgspec.structs.replace(hearing, holds=holds, is_turned=not is_first)
    _put(turn, body.about, changed)
    _fine(turn, changed)
    return is_first


def forget(market: Market, now_ms: int) -> dict[bytes, Hearing]:
    """The hearings that may still be decided or turned."""
    return {
        about: hearing
        for about, hearing in market.hearings.items()
        if now_ms <= hearing.until_ms + RECHECK_MS
    }


def _put(turn: Turn, about: bytes, hearing: Hearing) -> Hearing:
    turn.set(hearings={**turn.market.hearings, about: hearing})
    return hearing


def _majority(market: Market, hearing: Hearing) -> bool | None:
    """What more than half of the verifiers' stake found; None where no side has so much."""
    stakes = verifier_stakes(market)
    for holds in (True, False):
        behind = sum(stakes.get(who, 0) for who, found in hearing.found.items() if found is holds)
        if 2 * behind > sum(stakes.values()):
            return holds
    return None


def _fine(turn: Turn, hearing: Hearing) -> None:
    """Burn a share of the stake of those who found otherwise; nobody gains by it."""
    found = hearing.found
    others = tuple(hearing.said[who] for who, holds in found.items() if holds is hearing.holds)
    for verifier, holds in found.items():
        if holds is hearing.holds:
            continue
        held = turn.market.coins.balance(stake_of(verifier))
        lost = offence.fine(held, Outcome.WRONG_VOTE)
        turn.move((Transfer(stake_of(verifier), BURNT, lost, "burn"),))
        case = encode(Contradicted(hearing.said[verifier], others), size_max=CASE_MAX_BYTES)
        turn.emit(
            events.Slashed(
                turn.now_ms, hearing.task.hex(), verifier.hex(), Outcome.WRONG_VOTE.value, held,
                verifier.hex(), 0, lost, case.hex(),
            )
        )  # fmt: skip
