"""Tasks: a program, its inputs, and what the provider wants to see before it believes."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import U64, digest_once
from numen.base.crypto import Address, Hash32
from numen.base.errors import NumenError
from numen.market.coins import Amount
from numen.proof.quote import Tcb

REPLICAS_MAX = 64
"""Most answers that one task may buy."""

TRUST_MAX = 1_000_000
"""Most trust that a task may ask for: one wrong result in a million."""

WORK_MAX = 2**53
"""Most work units that one task may allow."""


WINDOW_MIN_MS, WINDOW_MAX_MS = 1_000, 600_000
"""How long answers can be open to challenges."""

ROOTS_MAX = LAUNCHES_MAX = 16
"""Most roots, and most launches, that one task may trust."""

Root = Annotated[bytes, Meta(min_length=32, max_length=34)]
"""What a task trusts: a digest, or the name of a TPM's key."""

Version = Annotated[int, Meta(ge=0, le=255)]
"""A version of firmware."""


class Quorum(msgspec.Struct, frozen=True, array_like=True, tag="quorum/1"):
    """Believe equal answers of workers, as many as their reputations make necessary.

    Attributes:
        replicas: Most answers to buy.
        trust: Accept when the chance of a wrong answer is below ``1 / trust``.
    """

    replicas: Annotated[int, Meta(ge=1, le=REPLICAS_MAX)]
    trust: Annotated[int, Meta(ge=1, le=TRUST_MAX)]


class Snark(msgspec.Struct, frozen=True, array_like=True, tag="snark/1"):
    """Believe a proof with a verifying key.

    Attributes:
        key: What names the verifying key of the program's circuit to who checks proofs. The
            provider chose it, and nobody else has to trust the setup it is from.
        proving: What names the proving key to workers; None where they have it already.
    """

    key: Hash32
    proving: Hash32 | None = None


class Stark(msgspec.Struct, frozen=True, array_like=True, tag="stark/1"):
    """Believe a proof of the run that needs no key.

    Attributes:
        proven_bits_min: Least bits that are proven.
        conjectured_bits_min: Least bits under the conjecture.
    """

    proven_bits_min: Annotated[int, Meta(ge=0, le=256)] = 0
    conjectured_bits_min: Annotated[int, Meta(ge=0, le=256)] = 100


class Optimistic(msgspec.Struct, frozen=True, array_like=True, tag="optimistic/1"):
    """Believe one worker's answer that nobody challenges, or that no challenger can refute.

    Attributes:
        window_ms: How long it can be challenged.
    """

    window_ms: Annotated[int, Meta(ge=WINDOW_MIN_MS, le=WINDOW_MAX_MS)]


class Hardware(msgspec.Struct, frozen=True, array_like=True, tag="quote/2"):
    """Believe a quote of trusted hardware.

    The nonce of the quote is the digest of the match, and its certificates have to be valid when
    the execution is due, so that everybody judges it alike at any later time. Intel's platforms
    are left out: who has no package that verifies them could not judge.

    Attributes:
        measurement: Of the program, compiled ahead of time.
        platform: Whose hardware.
        roots: SHA-256 of the roots that are trusted; of a TPM, names of keys.
        launches: Identities of launches that run nothing but what they measured.
        tcb_min: The worst state of firmware that is accepted.
        floor: Least versions of AMD's firmware; None where its state is not asked for.
        age_max_ms: How old the quote of an answer that is bought again may be. Its nonce is the
            first buyer's match, so for nobody else it is fresh: 0 refuses all that were made
            before.
    """

    measurement: Hash32
    platform: Literal["snp", "nitro", "tpm"]
    roots: Annotated[tuple[Root, ...], Meta(min_length=1, max_length=ROOTS_MAX)]
    launches: Annotated[tuple[Hash32, ...], Meta(min_length=1, max_length=LAUNCHES_MAX)]
    tcb_min: Tcb = Tcb.UNRATED
    floor: tuple[Version, Version, Version, Version] | None = None
    age_max_ms: U64 = 0


Policy: TypeAlias = Quorum | Optimistic | Snark | Stark | Hardware


class Task(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """What does not change while a bid is raised.

    Attributes:
        market: Id of the market it is meant for.
        provider: Who pays.
        verifier: The staked verifier that handles it.
        number: The provider's own number for it; makes equal tasks distinct.
        program: Id of the program.
        inputs: Commitment to its inputs.
        policy: What evidence the provider wants.
        work_limit: Most work units that a run may take.
        price_max: Most that the bid may be raised to, in coins.
        fee: What the verifier gets when the task is settled, in coins.
        pledge: What each worker has to pledge, in coins.
        expires_ms: No match is made after this moment.
    """

    market: Hash32
    provider: Address
    verifier: Address
    number: U64
    program: Hash32
    inputs: Hash32
    policy: Policy
    work_limit: Annotated[int, Meta(ge=1, le=WORK_MAX)]
    price_max: Amount
    fee: Amount
    pledge: Amount
    expires_ms: U64


class TaskError(NumenError):
    """A task asks for something that makes no sense."""


def task_id(task: Task) -> bytes:
    """Name a task by its content; 32 bytes. Raising its bid does not change it."""
    return digest_once("numen/task/1", task)


def policy_kind(policy: Policy) -> str:
    """The kind of evidence that a policy wants, in one word."""
    tag = policy.__struct_config__.tag
    assert isinstance(tag, str)
    return tag.partition("/")[0]


def policy_name(policy: Policy) -> str:
    """Name a policy as the log and people have it."""
    match policy:
        case Quorum():
            return f"quorum of trust {policy.trust}"
        case Optimistic():
            return f"optimistic for {policy.window_ms} ms"
        case Hardware():
            return f"quote of {policy.platform}"
        case _:
            return policy_kind(policy)


def seats(task: Task) -> int:
    """Most answers that the task can come to pay for."""
    return task.policy.replicas if isinstance(task.policy, Quorum) else 1


def escrowed(task: Task, bid: int) -> int:
    """Coins that a bid binds: every answer it can come to buy, and the fee."""
    return bid * seats(task) + task.fee


def check_bid(task: Task, bid: int) -> None:
    """Check that a bid is one the provider allowed, and that a lie would not pay.

    Raises:
        TaskError: The bid is over ``price_max``, or the pledge is under the bid: a worker
            caught with any chance of a half or more has to lose by lying.
    """
    if bid > task.price_max:
        raise TaskError(f"a bid of {bid} is over the task's limit of {task.price_max}")
    if task.pledge < bid:
        raise TaskError(f"a pledge of {task.pledge} is less than the bid of {bid}")
