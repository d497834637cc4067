"""Code is compiled ahead, measured, and run only if it is what was asked for."""

import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numen
from numen.ir.interface import InputError
from numen.proof.tee.manifest import Manifest
from numen.vm import machine
from numen.vm.machine import HostError, LimitError
from numen.vm.measured import MeasurementError, prepare, run

TEXT = "def main(a: u64, b: u64) -> u64:\n    return a // b + 1\n"
PROGRAM = numen.compile(TEXT).program
READY = prepare(PROGRAM)
MEASURED = READY.manifest.measurement


@pytest.mark.parametrize("inputs", [[7, 2], [0, 1], [1, 0]])
def test_measured_code_computes_what_the_machine_does(inputs):
    found = run(READY, MEASURED, inputs)
    wanted = machine.run(PROGRAM, inputs, engine="interp")
    assert (found.value, found.work) == (wanted.value, wanted.work)
    assert (found.trap is None) == (wanted.trap is None)


@settings(max_examples=30)
@given(position=st.integers(0, len(READY.ahead) - 1), mask=st.integers(1, 255))
def test_a_changed_byte_is_another_measurement_and_does_not_run(position, mask):
    lie = bytearray(READY.ahead)
    lie[position] ^= mask
    changed = msgspec.structs.replace(READY, ahead=bytes(lie))
    assert changed.manifest.measurement != MEASURED
    with pytest.raises(MeasurementError):
        run(changed, MEASURED, [7, 2])


def test_another_program_is_another_measurement():
    other = numen.compile(TEXT.replace("+ 1", "+ 2")).program
    assert prepare(other).manifest.measurement != MEASURED
    with pytest.raises(MeasurementError, match="was asked for"):
        run(msgspec.structs.replace(READY, program=other), MEASURED, [7, 2])


@pytest.mark.parametrize("field", Manifest.__struct_fields__)
def test_every_part_of_a_manifest_counts(field):
    value = getattr(READY.manifest, field)
    other = bytes(32) if isinstance(value, bytes) else value + "x"
    assert msgspec.structs.replace(READY.manifest, **{field: other}).measurement != MEASURED


def test_a_fresh_process_without_a_cache_measures_the_same():
    code = (
        "import sys, numen\nfrom numen.vm.measured import prepare\n"
        "sys.stdout.write(prepare(numen.compile(sys.argv[1]).program).manifest.measurement.hex())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, TEXT],
        env={**os.environ, "NUMEN_CACHE": "", "PYTHONHASHSEED": "7"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == MEASURED.hex()


def test_runs_are_bounded_and_inputs_checked():
    with pytest.raises(LimitError):
        run(READY, MEASURED, [7, 2], work_limit=0)
    with pytest.raises(InputError):
        run(READY, MEASURED, [7])
    assert run(READY, MEASURED, [7, 2], work_limit=1).trap is not None


def test_a_contract_is_not_measured_as_a_program():
    with pytest.raises(HostError):
        prepare(msgspec.structs.replace(PROGRAM, needs_host=True))
