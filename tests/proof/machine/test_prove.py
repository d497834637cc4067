"""A proof of a run says what ran, and nothing else can be made of it."""

import random

import pytest
from msgspec.structs import replace

from numen.api import starks
from numen.api.compiled import from_text
from numen.base.codec import U64
from numen.base.errors import NumenError
from numen.cli.main import run_command
from numen.proof.machine import bundle, fixed
from numen.proof.machine.check import check
from numen.proof.machine.errors import SegmentError
from numen.proof.machine.lower import lower
from numen.proof.stark.native import NATIVE
from numen.proof.stark.profile import PROFILES
from numen.proof.statement import (
    Claim,
    NoRuleError,
    UnboundError,
    UnprovenError,
    commit_inputs,
    commit_output,
    verify,
)
from tests.proof.machine.test_lower import LOOP

SEGMENT_ROWS = 64


@pytest.fixture(scope="module")
def program():
    return from_text(LOOP)


@pytest.fixture(scope="module")
def proof(program):
    return starks.prove(program, [20], segment_rows=SEGMENT_ROWS)


def test_a_run_in_two_segments_is_proven(program, proof):
    found = check(proof, program=program.program.id)

    assert found.value == 6765
    assert found.inputs == {"n": 20}
    assert found.segments == 2
    assert found.bits.conjectured >= 100


@pytest.mark.parametrize("name", PROFILES)
def test_prover_and_verifier_commit_to_the_same_program(program, name):
    code = lower(program.program.module).code

    profile = PROFILES[name]

    assert fixed.commit(code, profile).root == fixed.commit(code, profile, NATIVE).root


def lies(proof):
    """Other files made of one: each with what is wrong with it."""
    true = bundle.read(proof)
    first, second = true.segments
    yield "another input", replace(true, public=(U64(21),))
    yield "another output", replace(true, outputs=(U64(6766),))
    yield "no segment", replace(true, segments=())
    yield "the first segment alone", replace(true, segments=(first,))
    yield "the last segment alone", replace(true, segments=(second,))
    yield "segments in another order", replace(true, segments=(second, first))
    yield "a segment twice", replace(true, segments=(first, first, second))
    yield "another end", replace(true, segments=(replace(first, pc=U64(first.pc + 1)), second))
    yield "another flag", replace(true, segments=(replace(first, flag=U64(1 - first.flag)), second))
    yield "another profile", replace(true, profile="proven")
    yield "an unknown profile", replace(true, profile="best")
    yield "an input too many", replace(true, public=(U64(20), U64(1)))
    yield (
        "another program",
        replace(true, code=from_text(LOOP.replace("0, 1", "1, 1")).program.code),
    )


def test_nothing_else_can_be_made_of_a_proof(proof):
    believed = []
    for what, lie in lies(proof):
        try:
            check(bundle.write(lie))
        except NumenError:
            continue
        believed.append(what)

    assert not believed


def test_a_changed_byte_is_found(proof):
    rng = random.Random(7)
    for _ in range(40):
        place = rng.randrange(len(proof))
        changed = bytearray(proof)
        changed[place] ^= 1 << rng.randrange(8)

        with pytest.raises(NumenError):
            check(bytes(changed))


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_a_cut_file_is_refused(proof, size):
    with pytest.raises(NumenError):
        check(proof[:size])


def test_a_proof_of_another_program_than_expected_is_refused(proof):
    with pytest.raises(SegmentError):
        check(proof, program=bytes(32))


def claim_of(program, proof):
    rule = starks.stark_rule()
    told = rule.check(proof)
    return Claim(program.program.id, commit_inputs(told.inputs), commit_output(told.output), 1)


def test_a_proof_carries_its_claim_and_no_other(program, proof):
    claim, evidence = claim_of(program, proof), starks.stark_evidence(proof)

    verify(claim, evidence, stark=starks.stark_rule())
    for changed in ({"program": bytes(32)}, {"inputs": bytes(32)}, {"output": bytes(32)}):
        with pytest.raises(UnboundError):
            verify(replace(claim, **changed), evidence, stark=starks.stark_rule())
    with pytest.raises(NoRuleError):
        verify(claim, evidence)
    with pytest.raises(UnprovenError):
        verify(claim, evidence, stark=starks.stark_rule(proven_bits_min=128))
    with pytest.raises(UnprovenError):
        verify(claim, starks.stark_evidence(proof[:-1]), stark=starks.stark_rule())


def test_the_command_line_says_what_was_proven(program, proof, tmp_path, capfd):
    path = tmp_path / "proof.stark"
    path.write_bytes(proof)

    code, said_all = run_command(["verify", str(path)]), capfd.readouterr().out

    assert code == 0
    for said in (program.program.id.hex(), '{"n": 20}', "6765", "fast", "128 cycles in 2 segments"):
        assert said in said_all


@pytest.mark.slow
def test_a_hiding_proof_of_a_private_input_is_proven(tmp_path):
    text = LOOP.replace("n: u64", "n: Private[u64]").replace("import u64", "import Private, u64")
    program = from_text(text)

    data = starks.prove(program, [20], is_hiding=True, segment_rows=SEGMENT_ROWS)
    found = check(data)

    assert found.profile.is_hiding
    assert found.has_private
    assert found.inputs == {}
    assert found.value == 6765
    assert found.segments == 2
