"""Runs on trusted hardware: code is measured, runs, and the hardware quotes what came of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from numen.api.compiled import Compiled
from numen.base.codec import decode, encode
from numen.base.crypto import Hash32
from numen.market.actor import Answer, claim_of
from numen.market.task import Hardware, Task
from numen.proof.quote import Launch, Quote, QuoteRule, Trust, bind
from numen.proof.statement import (
    Claim,
    Evidence,
    claim_digest,
    commit_inputs,
    commit_output,
    verify,
)
from numen.proof.tee import tpm as tpm_quotes
from numen.proof.tee.errors import MalformedQuoteError, TpmError
from numen.proof.tee.manifest import Manifest
from numen.proof.tee.platforms import examine
from numen.vm import measured
from numen.vm.measured import Prepared
from numen.vm.payload import decode_inputs, encode_inputs, encode_output
from numen.vm.tpm import Tpm

MAGIC: Final = b"numen quote 1\n"
"""How the file of a quoted run begins."""

RUN_MAX_BYTES: Final = 1 << 20

REGISTER_DEFAULT: Final = 13
"""The register that a TPM extends with a measurement, where nobody chooses another."""


class QuotedRun(msgspec.Struct, frozen=True, array_like=True):
    """A run and the quote of it: the file that `numen quote run` writes.

    Attributes:
        claim: What the program gave.
        manifest: What was measured before it ran.
        nonce: Of who asked for it.
        inputs: The bytes that the claim's inputs commit to.
        output: The bytes that its output commits to.
        quote: The hardware's word for it.
    """

    claim: Claim
    manifest: Manifest
    nonce: Hash32
    inputs: Annotated[bytes, Meta(max_length=1 << 18)]
    output: Annotated[bytes, Meta(max_length=1 << 18)]
    quote: Quote


def prepare(program: Compiled) -> Prepared:
    """Compile a program ahead of time, to be measured.

    Raises:
        CompileError: There is no native code of it.
    """
    return measured.prepare(program.program, is_untrusted=program.is_untrusted)


def run_on_tpm(
    program: Compiled,
    args: Sequence[Any],
    *,
    tpm: Tpm,
    nonce: bytes,
    register: int = REGISTER_DEFAULT,
    boot: Sequence[int] = (),
) -> tuple[Any, QuotedRun]:
    """Measure a program into a TPM, run it, and have the run quoted.

    Args:
        program: What to run.
        args: One value for each parameter, as JSON has them.
        tpm: The TPM of this machine.
        nonce: 32 bytes that the reader of the quote chose.
        register: Which register is extended; it has to be untouched since the machine started,
            or to hold the measurement of this very program.
        boot: Registers of the firmware and boot loader that are quoted with it, 0 to 9: what says
            that nothing but known software could extend the register.

    Returns:
        The value, and the quoted run.

    Raises:
        InputError: A value does not have the shape of its parameter; nothing was measured.
        TpmError: A command of the TPM fails, or the register holds something else.
        TrappedError: The program stopped with a trap.
        CompileError: There is no native code of it.
    """
    ready = prepare(program)
    manifest = ready.manifest
    inputs = encode_inputs(program.program, args)  # what is no input costs no register
    _measure(tpm, register, manifest.measurement)
    result = measured.run(ready, manifest.measurement, args)
    if result.trap is not None:
        raise program.trapped(result.trap)
    output = encode_output(result)
    claim = Claim(program.program.id, commit_inputs(inputs), commit_output(output), result.work)
    quote = _quote(tpm, [register, *boot], manifest.measurement, claim, nonce)
    return result.value, QuotedRun(claim, manifest, nonce, inputs, output, quote)


class TpmAttester:
    """Runs tasks of the market on a machine with a TPM: a `numen.market.actor.Attester`.

    Native code of a program runs in this very process, so the programs are those that its operator
    has chosen, and no stranger's.

    Args:
        programs: By their ids.
        tpm: The TPM of this machine.
        register: Which register holds the measurement: of one program until the machine restarts.
    """

    def __init__(
        self, programs: Mapping[bytes, Compiled], tpm: Tpm, register: int = REGISTER_DEFAULT
    ) -> None:
        self._programs = programs
        self._tpm = tpm
        self._register = register

    def facts(self) -> dict[str, str]:
        """What buyers have to know: the TPM's key, and what each program measures; hexadecimal.

        Raises:
            TpmError: A command of the TPM fails.
            CompileError: There is no native code of a program.
        """
        measured = {
            name.hex(): prepare(program).manifest.measurement.hex()
            for name, program in self._programs.items()
        }
        return {"tpm_key": tpm_quotes.name_of(self._tpm.public).hex(), **measured}

    def is_able(self, task: Task) -> bool:
        """Whether this TPM can speak of a task's program, as its policy asks.

        Raises:
            TpmError: A command of the TPM fails.
            CompileError: There is no native code of it.
        """
        policy, program = task.policy, self._programs.get(task.program)
        if program is None or not isinstance(policy, Hardware) or policy.platform != "tpm":
            return False
        measurement = prepare(program).manifest.measurement
        launch = launch_on_tpm(measurement, self._register).identity
        is_known = tpm_quotes.name_of(self._tpm.public) in policy.roots
        return is_known and policy.measurement == measurement and launch in policy.launches

    def run(self, task: Task, inputs: bytes, nonce: bytes) -> tuple[Answer, Evidence]:
        """Measure the task's program, run it, and have the run quoted.

        Raises:
            TpmError: A command of the TPM fails, or the register holds something else.
            CompileError: There is no native code of it.
        """
        ready = prepare(self._programs[task.program])
        measurement = ready.manifest.measurement
        _measure(self._tpm, self._register, measurement)
        values = decode_inputs(ready.program, inputs)
        result = measured.run(ready, measurement, values, work_limit=task.work_limit)
        answer = Answer(encode_output(result), result.work)
        claim = claim_of(task, answer)
        return answer, _quote(self._tpm, [self._register], measurement, claim, nonce)


def launch_on_tpm(
    measurement: bytes, register: int = REGISTER_DEFAULT, boot: Mapping[int, bytes] | None = None
) -> Launch:
    """What a TPM says was launched when only this was measured into the register.

    Args:
        measurement: Of the code.
        register: Which register.
        boot: What the registers of firmware and boot loader that were quoted with it must hold.
    """
    return tpm_quotes.launch_of({**(boot or {}), register: tpm_quotes.extended(measurement)})


def check_run(
    run: QuotedRun,
    *,
    trust: Trust,
    at: int,
    nonce: bytes,
    measurement: bytes,
    launches: frozenset[bytes],
) -> None:
    """Check that a quoted run says what it seems to say.

    Args:
        run: From anywhere.
        trust: The hardware that the reader trusts.
        at: The reader's time, in seconds since 1970, UTC.
        nonce: The 32 bytes that the reader chose.
        measurement: Of the code that the reader asked for.
        launches: Identities of launches that load nothing else.

    Raises:
        StatementError: It does not.
        MalformedQuoteError: The bytes shown are not those that the claim commits to, or the
            manifest is another's.
    """
    if run.manifest.measurement != measurement or run.manifest.program != run.claim.program:
        raise MalformedQuoteError("quoted run", "its manifest is of other code")
    if commit_inputs(run.inputs) != run.claim.inputs:
        raise MalformedQuoteError("quoted run", "the inputs shown are not the claim's")
    if commit_output(run.output) != run.claim.output:
        raise MalformedQuoteError("quoted run", "the output shown is not the claim's")
    trusted: dict[str, Trust] = {run.quote.platform: trust}
    rule = QuoteRule(run.claim.program, measurement, nonce, launches, trusted, at, examine)
    verify(run.claim, run.quote, quote=rule)


def write_run(run: QuotedRun) -> bytes:
    """Write a quoted run as the bytes of its file."""
    return MAGIC + encode(run, size_max=RUN_MAX_BYTES)


def read_run(data: bytes) -> QuotedRun:
    """Read the file of a quoted run.

    Raises:
        MalformedQuoteError: It does not begin as one.
        CodecError: It is damaged.
    """
    if not data.startswith(MAGIC):
        raise MalformedQuoteError("quoted run", "it does not begin with its name")
    return decode(QuotedRun, data[len(MAGIC) :], size_max=RUN_MAX_BYTES)


def _quote(tpm: Tpm, registers: list[int], measurement: bytes, claim: Claim, nonce: bytes) -> Quote:
    return tpm.quote(registers, bind(measurement, claim_digest(claim), nonce))


def _measure(tpm: Tpm, register: int, measurement: bytes) -> None:
    wanted = tpm_quotes.extended(measurement)
    found = tpm.read(register)
    if found == wanted:
        return
    if any(found):
        raise TpmError(
            f"register {register} already holds the measurement of something else",
            hint="choose another of 8 to 15, or restart the machine",
        )
    tpm.extend(register, measurement)
    if tpm.read(register) != wanted:
        raise TpmError(f"register {register} was extended by somebody else at the same time")
