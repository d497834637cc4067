"""Proofs of programs without bounds: `proof.stark`, made and checked."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from numen.api.compiled import Compiled
from numen.proof.machine import prove as machine_prover
from numen.proof.machine.check import Proven, check
from numen.proof.machine.errors import MachineTrapError
from numen.proof.machine.evidence import stark_evidence, stark_rule
from numen.proof.stark.profile import profile_named
from numen.proof.stark.soundness import Bits

__all__ = ["Bits", "Proven", "prove", "stark_evidence", "stark_rule", "verify"]

PROOF_FILE: Final = "proof.stark"

PROFILES: Final = ("fast", "proven")
"""What people choose between; each also hides, as a profile of its own."""


def prove(
    program: Compiled,
    args: Sequence[Any],
    *,
    profile: str = "fast",
    is_hiding: bool = False,
    segment_rows: int = machine_prover.SEGMENT_ROWS,
    processes: int = 1,
    told: Callable[[int, int], None] | None = None,
    spread: machine_prover.Spread | None = None,
) -> bytes:
    """Run a program on the provable machine and prove the run.

    Args:
        program: What to run.
        args: One value for each parameter, as JSON has them.
        profile: A name from `PROFILES`.
        is_hiding: Whether the proof hides the private inputs; without, it is about integrity only.
        segment_rows: Cycles that are proven at once, a power of two; more take more memory.
        processes: How many segments are proven side by side.
        told: Hears how many cycles are proven, and how many there are.
        spread: Proves the segments elsewhere, in place of this machine.

    Returns:
        The bytes of a `proof.stark`.

    Raises:
        InputError: The arguments do not have the program's shapes.
        TrappedError: The program stops with a trap: there is nothing to prove.
        MachineError: The program or the run does not fit the machine.
    """
    parameters = profile_named(f"{profile}-zk" if is_hiding else profile)
    try:
        return machine_prover.prove_run(
            program.program.code, program.bind(tuple(args)), parameters,
            segment_rows=segment_rows, processes=processes, told=told, spread=spread,
        )  # fmt: skip
    except MachineTrapError as error:
        raise program.trapped(error.trap) from None


def verify(data: bytes, *, program: bytes | None = None) -> Proven:
    """Check a `proof.stark` and say what it proves.

    Args:
        data: The file.
        program: Id of the program it must be about, if the reader expects one.

    Raises:
        NumenError: It is no such file, or it proves nothing.
    """
    return check(data, program=program)
