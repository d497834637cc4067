"""What a buyer of the market wants to see before it believes: a policy, and goods for it.

    await market.run(function, 3, evidence="snark", bid=5_000)
    await market.run(function, 3, evidence=evidence.snark(function, keys), bid=5_000)

WantError     this program cannot be sold with this evidence
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from numen.api import quotes
from numen.api.compiled import Compiled
from numen.api.proofs import PROOF_FILE, PUBLIC_FILE, VERIFYING_FILE, Keys
from numen.api.quotes import REGISTER_DEFAULT
from numen.api.starks import PROOF_FILE as STARK_FILE
from numen.base.errors import NumenError
from numen.market.task import Hardware, Optimistic, Policy, Quorum, Snark, Stark
from numen.node.market.goods import name_of
from numen.node.market.keys import Proving, Verifying, write
from numen.proof import snarkjs
from numen.proof.eip197 import decode_proof, encode_key
from numen.proof.files import write_file
from numen.proof.machine.lower import lower
from numen.proof.quote import Tcb
from numen.proof.statement import Evidence
from numen.proof.statement import Snark as SnarkEvidence
from numen.proof.statement import Stark as StarkEvidence
from numen.proof.zkey import write_zkey

KINDS: Final = ("quorum", "optimistic", "snark", "stark")
"""What can be asked for by a word."""

WINDOW_MS: Final = 10_000
"""How long an answer can be challenged, where nothing else is said."""

_WIDE_BITS: Final = 256


class WantError(NumenError):
    """This program cannot be sold with this evidence."""


class Want(msgspec.Struct, frozen=True, eq=False):
    """Evidence that is wanted.

    Attributes:
        policy: What the market is told.
        goods: What workers or checkers need beside the program and its inputs.
        keys: Of a proof with keys: what it is verified with; None of others.
    """

    policy: Policy
    goods: tuple[bytes, ...] = ()
    keys: Keys | None = None


def quorum(replicas: int = 5, trust: int = 4) -> Want:
    """Equal answers of workers.

    Args:
        replicas: Most answers that are bought.
        trust: A wrong answer has to be less likely than one in so many.
    """
    return Want(Quorum(replicas, trust))


def optimistic(program: Compiled, *, window_ms: int = WINDOW_MS) -> Want:
    """One worker's answer that nobody challenges in time, or that no challenger can refute.

    Args:
        program: What is to be run.
        window_ms: How long it can be challenged, in milliseconds of the market's time.

    Raises:
        MachineError: The program does not fit the provable machine, on which contests are decided.
    """
    lower(program.program.module)
    return Want(Optimistic(window_ms))


def snark(program: Compiled, keys: Keys | None = None) -> Want:
    """A Groth16 proof.

    Args:
        program: What is to be run.
        keys: From a setup of one's own, or a ceremony; without any, a setup is made now, which is
            safe as far as this buyer is concerned: only it could forge proofs.

    Raises:
        WantError: The program hides inputs, or has words of 256 bits to show.
        NumenError: It has no circuit, or its keys are too long for the market.
    """
    _require_public(program)
    module = program.module
    if any(leaf.word.bits == _WIDE_BITS for leaf in (*module.input_leaves, *module.result_leaves)):
        raise WantError(
            "a proof with keys shows words of 256 bits in four parts, which no claim does",
            hint="ask for evidence `stark`, or use words of 128 bits",
        )
    made = keys or program.setup()
    made.require_for(program.circuit.r1cs)
    identity, key = program.program.id, encode_key(made.verifying)
    verifying = write(Verifying(identity, program.circuit.r1cs.output_count, key))
    proving = write(Proving(identity, program.rounds, write_zkey(made.proving)))
    policy = Snark(name_of(verifying), name_of(proving))
    return Want(policy, (verifying, proving), made)


def stark(program: Compiled, *, is_proven: bool = False) -> Want:
    """A proof of the run without keys, of programs with and without bounds.

    Args:
        program: What is to be run.
        is_proven: Whether its hundred bits have to be proven; by conjecture otherwise.

    Raises:
        WantError: The program hides inputs.
        MachineError: It does not fit the provable machine.
    """
    _require_public(program)
    lower(program.program.module)
    return Want(Stark(proven_bits_min=96 if is_proven else 0))


def quote(
    program: Compiled,
    roots: Sequence[bytes],
    *,
    platform: Literal["snp", "nitro", "tpm"] = "tpm",
    measurement: bytes | None = None,
    launches: Sequence[bytes] = (),
    register: int = REGISTER_DEFAULT,
    tcb_min: Tcb = Tcb.UNRATED,
    age_s: int = 0,
) -> Want:
    """A quote of trusted hardware; launches in a debug mode are never believed.

    Args:
        program: What is to be run.
        roots: SHA-256 of the roots that are trusted; of TPMs, the names of their keys.
        platform: Whose hardware.
        measurement: Of the program, compiled ahead of time; that of this machine's compiler where
            left out.
        launches: Identities of launches that run nothing but what they measured; for a TPM, that
            of a machine which measured the program alone into the register, where left out.
        register: Of a TPM: which register.
        tcb_min: The worst state of firmware that is accepted.
        age_s: How many seconds old a quote may be that was made for somebody else, whose answer is
            then bought again; 0 wants one that was made for this task.

    Raises:
        WantError: Nothing is trusted, or a platform that is no TPM needs launches.
        CompileError: There is no native code of the program.
    """
    if not roots:
        raise WantError("say which roots of hardware are trusted, or which TPM's key")
    found = measurement or quotes.prepare(program).manifest.measurement
    if not launches:
        if platform != "tpm":
            raise WantError(f"say which launches of {platform} run nothing but what they measured")
        launches = (quotes.launch_on_tpm(found, register).identity,)
    policy = Hardware(
        found, platform, tuple(roots), tuple(launches), tcb_min, age_max_ms=1000 * age_s
    )
    return Want(policy)


def want(kind: str, program: Compiled, *, replicas: int = 5, trust: int = 4) -> Want:
    """What a word asks for.

    Raises:
        WantError: No evidence is called that, or the program cannot be sold with it.
    """
    match kind:
        case "quorum":
            return quorum(replicas, trust)
        case "optimistic":
            return optimistic(program)
        case "snark":
            return snark(program)
        case "stark":
            return stark(program)
    raise WantError(f"no evidence is called {kind!r}", hint=f"one of {', '.join(KINDS)}")


def save_proof(folder: Path, evidence: Evidence, wanted: Want) -> tuple[Path, ...]:
    """Write a proof that was bought, as `numen prove` writes one; the files.

    Raises:
        WantError: There is no proof.
    """
    folder.mkdir(parents=True, exist_ok=True)
    match evidence:
        case StarkEvidence(proof):
            files = {STARK_FILE: proof}
        case SnarkEvidence(_, proof, public) if wanted.keys is not None:
            files = {
                PROOF_FILE: snarkjs.write_proof(decode_proof(proof)),
                PUBLIC_FILE: snarkjs.write_public([int(word) for word in public]),
                VERIFYING_FILE: snarkjs.write_verifying_key(wanted.keys.verifying),
            }
        case _:
            raise WantError("this answer came without a proof")
    for name, data in files.items():
        write_file(folder / name, data)
    return tuple(folder / name for name in files)


def _require_public(program: Compiled) -> None:
    hidden = [field.name for field in program.module.interface.inputs if field.is_private]
    if hidden:
        raise WantError(
            f"input {hidden[0]!r} is private, and workers of the market see all inputs",
            hint="prove it yourself with `numen prove`",
        )
