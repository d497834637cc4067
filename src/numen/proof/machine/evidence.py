"""Proofs of runs as evidence for claims."""

from collections.abc import Iterable

from numen.ir.types import FIELD_ORDER
from numen.proof.machine.check import Proven, check
from numen.proof.machine.errors import WeakProofError
from numen.proof.statement import Stark, StarkRule, Told


def stark_evidence(proof: bytes) -> Stark:
    """Wrap a `proof.stark` as evidence."""
    return Stark(proof)


def stark_rule(*, proven_bits_min: int = 0, conjectured_bits_min: int = 100) -> StarkRule:
    """Say which proofs of runs to believe.

    Args:
        proven_bits_min: Least bits that are proven.
        conjectured_bits_min: Least bits under the conjecture.
    """

    def told(proof: bytes) -> Told:
        found = check(proof)
        bits = found.bits
        if bits.proven < proven_bits_min or bits.conjectured < conjectured_bits_min:
            raise WeakProofError(bits.proven, bits.conjectured)
        return _told(found)

    return StarkRule(told)


def encode_values(values: Iterable[int | list[int]]) -> bytes:
    """Write values, leaf by leaf, as 32 big-endian bytes each.

    A negative one is its remainder by the order of `felt`, as a claim has it.
    """
    flat = (one for value in values for one in ([value] if isinstance(value, int) else value))
    return b"".join((v + FIELD_ORDER if v < 0 else v).to_bytes(32, "big") for v in flat)


def _told(found: Proven) -> Told:
    return Told(found.program, encode_values(found.public), encode_values(found.results))
