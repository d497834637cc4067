"""When evidence that was given for one policy is enough for who asks for another.

A partial order. Proofs of runs need nobody's word, so they are enough for who would have believed
workers. A proof with a verifying key is enough only for who names the same key: its buyer chose the
setup, and could forge. A quorum and an answer that stood a challenge rest on different people, so
neither is enough for the other.
"""

from typing import Final

from numen.market.task import Hardware, Optimistic, Policy, Quorum, Snark, Stark

SOUND_BITS: Final = 80
"""Bits from which a proof of a run is enough for who asks for no proof."""


def suffices(had: Policy, wanted: Policy, *, age_ms: int = 0) -> bool:
    """Tell whether evidence under one policy is enough for who wants another.

    Reflexive at age 0, and transitive; the older, the less.

    Args:
        had: What the evidence was checked under.
        wanted: What somebody asks for.
        age_ms: How old the evidence may be at most. Proofs, votes and answers do not age; a quote
            shows a machine as it was.
    """
    match had, wanted:
        case Quorum(), Quorum():
            return had.trust >= wanted.trust
        case Optimistic(), Optimistic():
            return had.window_ms >= wanted.window_ms
        case Snark(), Snark():
            return had.key == wanted.key
        case Stark(), Stark():
            return had.proven_bits_min >= wanted.proven_bits_min and _believed_bits(
                had
            ) >= _believed_bits(wanted)
        case Stark(), Quorum() | Optimistic():
            return _believed_bits(had) >= SOUND_BITS
        case Hardware(), Hardware():
            return age_ms <= wanted.age_max_ms and _accepts_no_more(had, wanted)
    return False


def is_plain(had: Policy, wanted: Policy) -> bool:
    """Tell whether a contract can see that one policy suffices for another: it reads no proofs."""
    match had, wanted:
        case (Quorum(), Quorum()) | (Optimistic(), Optimistic()):
            return suffices(had, wanted)
        case Snark(), Snark():
            return had == wanted
    return False


def _believed_bits(policy: Stark) -> int:
    """Bits under the conjecture; what is proven holds under it too."""
    return max(policy.proven_bits_min, policy.conjectured_bits_min)


def _accepts_no_more(had: Hardware, wanted: Hardware) -> bool:
    """Whether whatever one policy accepts, the other accepts too."""
    is_floored = wanted.floor is None or (
        had.floor is not None and all(h >= w for h, w in zip(had.floor, wanted.floor, strict=True))
    )
    return (
        (had.measurement, had.platform) == (wanted.measurement, wanted.platform)
        and {*had.roots} <= {*wanted.roots}
        and {*had.launches} <= {*wanted.launches}
        and had.tcb_min >= wanted.tcb_min
        and is_floored
    )
