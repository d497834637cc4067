"""Claims, and why anyone should believe them.

A `Claim` says what a program gave on some inputs. `Evidence` is one of the ways to believe it:
equal claims of several signers, a zero-knowledge proof, or a quote of trusted hardware. `verify`
raises or returns nothing.

    StatementError
    ├── NoRuleError          the reader has no rule for this kind of evidence
    ├── NotEnoughError       the signers do not weigh enough
    ├── UnboundError         the proof is about another program, input or output
    ├── DistrustedError      the hardware is genuine, and not trusted, or not in this state
    └── UnprovenError        the proof is false
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from numen.base.codec import U64, U256, digest, digest_once
from numen.base.crypto import (
    Address,
    BadSignatureError,
    Hash32,
    Signature,
    SigningKey,
    verify_signer,
)
from numen.base.errors import NumenError
from numen.proof.quote import DistrustError, OtherQuoteError, Quote, QuoteRule, check_quote

ATTESTATIONS_MAX = 256
"""Most signers that one piece of evidence may name."""

SIGNALS_MAX = 4096
"""Most public signals of one proof."""

PROOF_MAX_BYTES = 1 << 16
"""Longest proof with a verifying key."""

STARK_MAX_BYTES = 1 << 26
"""Longest proof of a run."""

EMPTY_DIFF: bytes = digest("numen/diff/1", b"")
"""Commitment to a state diff that changes nothing: what stateless programs leave."""


class Claim(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """What a program gave.

    Attributes:
        program: Id of the program.
        inputs: Commitment to the inputs, from `commit_inputs`.
        output: Commitment to the output, from `commit_output`.
        work: Work units that the run took; the same on every machine.
        diff: Commitment to the changes of state.
    """

    program: Hash32
    inputs: Hash32
    output: Hash32
    work: U64
    diff: Hash32 = EMPTY_DIFF


class Attestation(msgspec.Struct, frozen=True, array_like=True):
    """Somebody's word for a claim.

    Attributes:
        signer: Who says so.
        signature: Over `claim_digest`.
    """

    signer: Address
    signature: Signature


class Quorum(msgspec.Struct, frozen=True, array_like=True, tag="quorum/1"):
    """Several independent signers made the same claim.

    Attributes:
        attestations: One for each signer, at most `ATTESTATIONS_MAX`.
    """

    attestations: Annotated[tuple[Attestation, ...], Meta(max_length=ATTESTATIONS_MAX)]


class Snark(msgspec.Struct, frozen=True, array_like=True, tag="snark/1"):
    """A zero-knowledge proof of the run.

    Attributes:
        key: Hash of the verifying key.
        proof: The proof, in the bytes of its proof system; at most `PROOF_MAX_BYTES`.
        public: Public signals: the outputs, then the public inputs; at most `SIGNALS_MAX`.
    """

    key: Hash32
    proof: Annotated[bytes, Meta(max_length=PROOF_MAX_BYTES)]
    public: Annotated[tuple[U256, ...], Meta(max_length=SIGNALS_MAX)]


class Stark(msgspec.Struct, frozen=True, array_like=True, tag="stark/1"):
    """A proof of the run that needs no key.

    Attributes:
        proof: A `proof.stark`, at most `STARK_MAX_BYTES`; it says itself what it is about.
    """

    proof: Annotated[bytes, Meta(max_length=STARK_MAX_BYTES)]


Evidence: TypeAlias = Quorum | Snark | Stark | Quote


class QuorumRule(msgspec.Struct, frozen=True):
    """When equal claims suffice.

    Attributes:
        weights: What each eligible signer's word weighs; others weigh nothing.
        weight_min: What the signers must weigh together.
    """

    weights: Mapping[bytes, int]
    weight_min: int


class SnarkRule(msgspec.Struct, frozen=True):
    """What a verifying key stands for.

    Attributes:
        key: Hash of the verifying key.
        program: The program whose circuit the key is of.
        output_count: How many of the public signals are outputs; they come first.
        check: Takes proof and public signals; raises `NumenError` when the proof is false.
        encode: Gives the bytes that a run reads or returns for a list of signals.
    """

    key: bytes
    program: bytes
    output_count: int
    check: Callable[[bytes, tuple[int, ...]], None]
    encode: Callable[[Sequence[int]], bytes]


class Told(msgspec.Struct, frozen=True):
    """What a proof of a run says.

    Attributes:
        program: Id of the program.
        inputs: The public inputs, in the bytes that `Claim.inputs` commits to.
        output: The output, in the bytes that `Claim.output` commits to.
    """

    program: bytes
    inputs: bytes
    output: bytes


class StarkRule(msgspec.Struct, frozen=True):
    """Which proofs of runs the reader believes.

    Attributes:
        check: Takes a proof and says what it proves; raises `NumenError` when that is nothing, or
            when the proof is worth too few bits.
    """

    check: Callable[[bytes], Told]


class StatementError(NumenError):
    """Root of why evidence does not carry a claim."""


class NoRuleError(StatementError):
    """The reader trusts no evidence of this kind.

    Attributes:
        kind: Kind of the evidence.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"no rule accepts {kind} evidence here")
        self.kind = kind


class NotEnoughError(StatementError):
    """The signers do not weigh enough.

    Attributes:
        weight: What the eligible, distinct signers weigh.
        weight_min: What they should weigh.
    """

    def __init__(self, weight: int, weight_min: int) -> None:
        super().__init__(f"the signers weigh {weight}, which is less than {weight_min}")
        self.weight = weight
        self.weight_min = weight_min


class UnboundError(StatementError):
    """The proof is about something else.

    Attributes:
        what: Which part of the claim it does not match.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the proof is about another {what}")
        self.what = what


class DistrustedError(StatementError):
    """The hardware that gave a quote is not trusted, or not in the state that it is in."""


class UnprovenError(StatementError):
    """The proof is false, or no proof at all."""


def commit_inputs(raw: bytes) -> bytes:
    """Commit to the inputs of a program, in its own canonical bytes; 32 bytes."""
    return digest("numen/inputs/1", raw)


def commit_output(raw: bytes) -> bytes:
    """Commit to the output of a program, in its own canonical bytes; 32 bytes."""
    return digest("numen/output/1", raw)


def claim_digest(claim: Claim) -> bytes:
    """Hash a claim: what attestations sign; 32 bytes."""
    return digest_once("numen/claim/1", claim)


def attest(key: SigningKey, claim: Claim) -> Attestation:
    """Give one's word for a claim."""
    return Attestation(key.address, key.sign(claim_digest(claim)))


def verify_attestation(signer: bytes, claim: Claim, signature: bytes) -> None:
    """Check somebody's word for a claim.

    Raises:
        BadSignatureError: It is malformed, or another account's.
    """
    verify_signer(signer, claim_digest(claim), signature)


def encode_words(signals: Sequence[int]) -> bytes:
    """Write field elements as 32 big-endian bytes each: the bytes of programs over felts."""
    return b"".join(signal.to_bytes(32, "big") for signal in signals)


def verify(
    claim: Claim,
    evidence: Evidence,
    *,
    quorum: QuorumRule | None = None,
    snark: SnarkRule | None = None,
    stark: StarkRule | None = None,
    quote: QuoteRule | None = None,
) -> None:
    """Check that the evidence carries the claim under the reader's rules.

    Args:
        claim: What should be believed.
        evidence: Why.
        quorum: When the reader believes signers; never, without it.
        snark: The verifying key that the reader believes; none, without it.
        stark: Which proofs of runs the reader believes; none, without it.
        quote: Which quotes of hardware the reader believes, and when; none, without it.

    Raises:
        NoRuleError: The reader has no rule for this kind.
        NotEnoughError: The signers weigh too little.
        UnboundError: The proof is of another program, input or output.
        DistrustedError: The hardware, or the state it is in, is not trusted.
        UnprovenError: The proof is false.
    """
    match evidence:
        case Quorum() if quorum is not None:
            _verify_quorum(claim, evidence, quorum)
        case Snark() if snark is not None:
            _verify_snark(claim, evidence, snark)
        case Stark() if stark is not None:
            _verify_stark(claim, evidence, stark)
        case Quote() if quote is not None:
            _verify_quote(claim, evidence, quote)
        case _:
            raise NoRuleError(type(evidence).__name__.lower())


def _verify_quorum(claim: Claim, evidence: Quorum, rule: QuorumRule) -> None:
    if len(evidence.attestations) > ATTESTATIONS_MAX:
        raise NotEnoughError(0, rule.weight_min)
    signed, counted = claim_digest(claim), set()
    for attestation in evidence.attestations:
        # A signer counts once, however often it signs; strangers cost no signature check.
        if attestation.signer in counted or not rule.weights.get(attestation.signer, 0):
            continue
        try:
            verify_signer(attestation.signer, signed, attestation.signature)
        except BadSignatureError:
            continue
        counted.add(attestation.signer)
    weight = sum(rule.weights[signer] for signer in counted)
    if weight < rule.weight_min:
        raise NotEnoughError(weight, rule.weight_min)


def _verify_snark(claim: Claim, evidence: Snark, rule: SnarkRule) -> None:
    if evidence.key != rule.key:
        raise UnboundError("verifying key")
    if claim.program != rule.program:
        raise UnboundError("program")
    if not rule.output_count <= len(evidence.public) <= SIGNALS_MAX:
        raise UnboundError("number of signals")
    outputs, inputs = evidence.public[: rule.output_count], evidence.public[rule.output_count :]
    # The signals are what the proof is about: the claim must commit to exactly those.
    if commit_output(rule.encode(outputs)) != claim.output:
        raise UnboundError("output")
    if commit_inputs(rule.encode(inputs)) != claim.inputs:
        raise UnboundError("input")
    if claim.diff != EMPTY_DIFF:
        raise UnboundError("diff")
    try:
        rule.check(evidence.proof, tuple(int(signal) for signal in evidence.public))
    except NumenError as error:
        raise UnprovenError(str(error)) from error


def _verify_stark(claim: Claim, evidence: Stark, rule: StarkRule) -> None:
    if len(evidence.proof) > STARK_MAX_BYTES:
        raise UnprovenError(f"the proof has more than {STARK_MAX_BYTES:,} bytes")
    try:
        told = rule.check(evidence.proof)
    except NumenError as error:
        raise UnprovenError(str(error)) from error
    if told.program != claim.program:
        raise UnboundError("program")
    if commit_output(told.output) != claim.output:
        raise UnboundError("output")
    if commit_inputs(told.inputs) != claim.inputs:
        raise UnboundError("input")
    if claim.diff != EMPTY_DIFF:
        raise UnboundError("diff")


def _verify_quote(claim: Claim, evidence: Quote, rule: QuoteRule) -> None:
    if claim.program != rule.program:
        raise UnboundError("program")
    try:
        check_quote(evidence, rule, claim_digest(claim))
    except OtherQuoteError as error:
        raise UnboundError(error.what) from error
    except DistrustError as error:
        raise DistrustedError(error.message, hint=error.hint) from error
    except NumenError as error:
        raise UnprovenError(error.message, hint=error.hint) from error
