"""Jobs of a fleet: what its machines are asked, what they answer, and how a job is named.

    FleetError        the fleet does not do what it was asked
    └── JobFailedError    a job that no machine of it could do

A job is small: long bytes in it are blobs, by their digests. Equal jobs have one name, by which
results are kept; a job that is done twice has one result.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from numen.base.codec import U64, decode, digest, encode
from numen.base.crypto import Hash32
from numen.base.errors import NumenError

JOB_BYTES_MAX: Final = 4096
"""Longest job; what is longer is a blob."""

BLOB_BYTES_MAX: Final = 256 << 20
"""Longest blob."""

REASON_MAX: Final = 500

_Blob = Annotated[bytes, Meta(max_length=BLOB_BYTES_MAX)]


class FleetError(NumenError):
    """The fleet cannot be reached, or what it holds is no job and no result."""


class JobFailedError(FleetError):
    """No machine of the fleet could do a job."""


class Run(msgspec.Struct, frozen=True, array_like=True, tag="fleet-run/1"):
    """Run a program.

    Attributes:
        code: Blob with its bytecode.
        inputs: Blob with its inputs, from `vm.payload`.
        work_limit: Most work units.
    """

    code: Hash32
    inputs: Hash32
    work_limit: U64


class Prove(msgspec.Struct, frozen=True, array_like=True, tag="fleet-prove/1"):
    """Prove one segment of a run.

    Attributes:
        code: Blob with the program's bytecode.
        profile: Name of the parameters.
        segment: Blob with a `SegmentState`.
    """

    code: Hash32
    profile: Annotated[str, Meta(max_length=32)]
    segment: Hash32


class SegmentState(msgspec.Struct, frozen=True, array_like=True):
    """Where a segment begins, as `numen.proof.machine.prove.Job` has it.

    Attributes:
        memory: Every cell, 8 bytes each, little-endian.
    """

    index: U64
    rows: U64
    memory: _Blob
    pc: U64
    flag: U64
    is_last: bool
    public: tuple[U64, ...]
    outputs: tuple[U64, ...]
    secret: Hash32


class Ran(msgspec.Struct, frozen=True, array_like=True, tag="fleet-ran/1"):
    """What a run gave, as `numen.market.actor.Answer`."""

    output: _Blob
    work: U64


class Proved(msgspec.Struct, frozen=True, array_like=True, tag="fleet-proved/1"):
    """A segment that is proven, as `numen.proof.machine.bundle.Segment`."""

    pc: U64
    flag: U64
    proof: _Blob


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="fleet-failed/1"):
    """There is no result.

    Attributes:
        reason: Why, in words.
    """

    reason: Annotated[str, Meta(max_length=REASON_MAX)]


Job = Run | Prove
Outcome = Ran | Proved | Failed


class _Asked(msgspec.Struct, frozen=True, array_like=True):
    job: Job


class _Answered(msgspec.Struct, frozen=True, array_like=True):
    outcome: Outcome


def write_job(job: Job) -> bytes:
    """A job as it is queued."""
    return encode(_Asked(job), size_max=JOB_BYTES_MAX)


def read_job(raw: bytes) -> Job:
    """Read what `write_job` wrote.

    Raises:
        CodecError: It is something else.
    """
    return decode(_Asked, raw, size_max=JOB_BYTES_MAX).job


def write_outcome(outcome: Outcome) -> bytes:
    """A result as it is kept."""
    return encode(_Answered(outcome), size_max=BLOB_BYTES_MAX)


def read_outcome(raw: bytes) -> Outcome:
    """Read what `write_outcome` wrote.

    Raises:
        CodecError: It is something else.
    """
    return decode(_Answered, raw, size_max=BLOB_BYTES_MAX).outcome


def job_name(job: Job) -> str:
    """Names a job by its content: 64 hexadecimal digits."""
    return digest("numen/fleet-job/1", write_job(job)).hex()


def blob_name(raw: bytes) -> bytes:
    """Names a blob by its content; 32 bytes."""
    return digest("numen/fleet-blob/1", raw)
