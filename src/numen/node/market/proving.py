"""What is asked of the process that makes a proof, and what it answers: its side of the pipe.

Whoever hands a job in imports this and none of the provers.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import encode
from numen.node.market.speech import GOODS_BYTES_MAX

JOB_BYTES_MAX: Final = 4 * GOODS_BYTES_MAX
PROOF_BYTES_MAX: Final = GOODS_BYTES_MAX + 1024

REASON_MAX: Final = 500
_Goods = Annotated[bytes, Meta(max_length=GOODS_BYTES_MAX)]


class ProveSnark(msgspec.Struct, frozen=True, array_like=True, tag="prove-snark/1"):
    """Prove a run with keys.

    Attributes:
        code: Bytecode.
        inputs: The run's inputs, from `vm.payload`.
        verifying: Goods with the verifying key.
        proving: Goods with the proving key.
    """

    code: _Goods
    inputs: _Goods
    verifying: _Goods
    proving: _Goods


class ProveStark(msgspec.Struct, frozen=True, array_like=True, tag="prove-stark/1"):
    """Prove a run without keys.

    Attributes:
        code: Bytecode.
        inputs: The run's inputs, from `vm.payload`.
        proven_bits_min: Least bits that are to be proven.
    """

    code: _Goods
    inputs: _Goods
    proven_bits_min: Annotated[int, Meta(ge=0, le=256)]


Job = ProveSnark | ProveStark


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A job on its way."""

    job: Job


class Made(msgspec.Struct, frozen=True, array_like=True, tag="made/1"):
    """A proof, of one kind.

    Attributes:
        snark: Canonical bytes of the evidence, or None.
        stark: A `proof.stark`, or nothing.
    """

    snark: Annotated[bytes, Meta(max_length=GOODS_BYTES_MAX)] | None
    stark: Annotated[bytes, Meta(max_length=GOODS_BYTES_MAX)]


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed/1"):
    """There is no proof.

    Attributes:
        reason: Why, in words.
    """

    reason: Annotated[str, Meta(max_length=REASON_MAX)]


def pack(job: Job) -> bytes:
    """A job in bytes."""
    return encode(Asked(job), size_max=JOB_BYTES_MAX)
