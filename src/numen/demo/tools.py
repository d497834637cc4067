"""What the people of the demo work with: the virtual machine, and Groth16."""

from collections.abc import Mapping

import msgspec

from numen.api.compiled import Compiled
from numen.api.proofs import Keys
from numen.base.codec import digest
from numen.base.errors import NumenError
from numen.market.actor import Answer
from numen.market.message import Kept
from numen.market.task import Snark, Task, task_id
from numen.proof.snark import snark_evidence, snark_rule
from numen.proof.statement import Claim, Evidence, SnarkRule, verify
from numen.proof.walk import Shown
from numen.sandbox.runner import Sandbox
from numen.vm import machine
from numen.vm.payload import decode_inputs, encode_output


class VirtualMachine:
    """Runs programs by their ids, inside limits.

    Args:
        programs: Id to program.
        sandbox: Where they run; None for this process.
    """

    def __init__(self, programs: Mapping[bytes, Compiled], sandbox: Sandbox | None = None) -> None:
        self._programs = programs
        self._run = machine.run if sandbox is None else sandbox.run

    def run(self, program: bytes, inputs: bytes, work_limit: int) -> Answer:
        """Run a program on inputs in their canonical bytes."""
        code = self._programs[program].program
        result = self._run(code, decode_inputs(code, inputs), work_limit=work_limit)
        return Answer(encode_output(result), result.work)


class Proving(msgspec.Struct, frozen=True):
    """A program that can be proven.

    Attributes:
        program: The program.
        keys: From a setup by its provider.
        rule: What its verifying key stands for.
    """

    program: Compiled
    keys: Keys
    rule: SnarkRule

    @property
    def key(self) -> bytes:
        """Hash of the verifying key."""
        return self.rule.key


def set_up(program: Compiled, seed: int) -> Proving:
    """Make keys that follow from a seed: for a demonstration, where nobody may be fooled."""
    entropy = digest("numen/demo/setup/1", f"{seed}/{program.program.id.hex()}".encode())
    keys = program.setup(entropy=entropy)
    rule = snark_rule(
        keys.verifying,
        program=program.program.id,
        output_count=program.circuit.r1cs.output_count,
    )
    return Proving(program, keys, rule)


class Notary:
    """Makes and checks proofs of runs."""

    def __init__(self, known: Mapping[bytes, Proving], seed: int) -> None:
        self._known = known
        self._seed = seed

    def prove(self, task: Task, inputs: bytes) -> Evidence:
        """Prove a run of a task's program."""
        proving = self._known[task.program]
        entropy = digest("numen/demo/proof/1", f"{self._seed}/{task_id(task).hex()}".encode())
        values = decode_inputs(proving.program.program, inputs)
        proven = proving.program.prove(*values, keys=proving.keys, entropy=entropy)
        return snark_evidence(proving.keys.verifying, proven.proof, proven.public)

    def following(self, task: Task, answer: bytes, shown: Shown) -> bytes:  # noqa: ARG002
        """Refuse: nothing is sold here that could be disputed.

        Raises:
            NumenError: Always.
        """
        raise NumenError("no steps are judged here")

    def check(self, task: Task, claim: Claim, evidence: Evidence | Kept) -> None:
        """Check a proof for the market.

        Raises:
            NumenError: It does not carry the claim.
        """
        proving = self._known.get(task.program)
        if not isinstance(task.policy, Snark) or proving is None or proving.key != task.policy.key:
            raise NumenError("the task names a key that nobody knows")
        if isinstance(evidence, Kept):
            raise NumenError("proofs travel in their messages here")
        verify(claim, evidence, snark=proving.rule)
