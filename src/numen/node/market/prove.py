"""The process that makes one proof: ``python -m numen.node.market.prove MEMORY_BYTES WALL_S``.

It takes its limits on, reads a job from its standard input, and writes what came of it. No native
code of the program runs here: its run is a witness, or a record of the provable machine.
"""

import resource
import secrets
import signal
import sys
from typing import Final

from numen.base.codec import decode, encode
from numen.base.errors import NumenError
from numen.ir.interface import flatten
from numen.ir.program import Program, load
from numen.node.market.keys import Proving, read, rule_of
from numen.node.market.proving import (
    JOB_BYTES_MAX,
    PROOF_BYTES_MAX,
    REASON_MAX,
    Asked,
    Failed,
    Job,
    Made,
    ProveSnark,
)
from numen.proof import groth16
from numen.proof.circuit import compile_circuit
from numen.proof.machine.prove import prove_run
from numen.proof.snark import snark_evidence
from numen.proof.stark.profile import profile_named
from numen.proof.wires import Limits
from numen.proof.zkey import read_zkey
from numen.vm.payload import decode_inputs

CYCLES_MAX: Final = 1 << 23
"""Longest run that is proven: its proof still fits goods."""

_ENTROPY_BYTES: Final = 64


def prove(job: Job) -> Made:
    """Do a job.

    Raises:
        NumenError: The run traps, the keys are not the program's, or it takes more than there is.
    """
    program = load(job.code)
    values = decode_inputs(program, job.inputs)
    fields = program.interface.inputs
    args = [
        part
        for field, value in zip(fields, values, strict=True)
        for part in flatten(field.shape, value, field.name)
    ]
    if isinstance(job, ProveSnark):
        return Made(_snark(program, args, job), b"")
    profile = profile_named("proven" if job.proven_bits_min else "fast")
    return Made(None, prove_run(program.code, args, profile, cycles_max=CYCLES_MAX))


def _snark(program: Program, args: list[int | list[int]], job: ProveSnark) -> bytes:
    proving = read(Proving, job.proving, program.id)
    rule = rule_of(job.verifying, program.id)
    key = read_zkey(proving.key)
    circuit = compile_circuit(program.module, limits=Limits(rounds=proving.rounds))
    wires = circuit.witness(args).felts()
    entropy = secrets.token_bytes(_ENTROPY_BYTES)
    proof = groth16.prove(key, wires, entropy=entropy, r1cs=circuit.r1cs)
    made = snark_evidence(key.verifying, proof, groth16.statement_of(key, wires))
    if made.key != rule.key:
        raise NumenError("the proving key is not that of the verifying key")
    return encode(made)


def main() -> None:
    """Take the limits on, and do one job."""
    memory_bytes, wall_s = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (2 * wall_s, 2 * wall_s + 1))
    if sys.platform != "darwin":  # nobody keeps it there
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    signal.setitimer(signal.ITIMER_REAL, wall_s)
    raw = sys.stdin.buffer.read(JOB_BYTES_MAX + 1)
    answer: Made | Failed
    try:
        answer = prove(decode(Asked, raw, size_max=JOB_BYTES_MAX).job)
    except NumenError as error:
        answer = Failed(error.message[:REASON_MAX])
    except MemoryError:
        answer = Failed("it needs more memory than it may have")
    sys.stdout.buffer.write(encode(answer, size_max=PROOF_BYTES_MAX))


if __name__ == "__main__":
    main()
