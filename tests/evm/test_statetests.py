"""The public state tests: a part of them here, all of them with ``make statetests``."""

from pathlib import Path

import pytest

from numen.base.crypto import keccak256
from numen.evm import statetest
from numen.evm.invalid import InvalidTransactionError
from numen.evm.reference.machine import ReferenceMachine
from numen.evm.state import StateDiff
from numen.evm.transition import apply
from tests.evm import vectors

SLOW = (
    "stTimeConsuming",
    "stQuadraticComplexityTest",
    "vmPerformance",
    "stAttackTest",
    "Blake2f",
    "CannotBeDosd",
    "run_until_out_of_gas",
)
"""What takes seconds in one case, on an engine that is slow or compiles first."""


def part(one_of: int) -> list[Path]:
    """Choose one of so many files, by their names, and every folder's first."""
    files = [path for path in vectors.files(vectors.STATE_TESTS) if _is_fast(path)]
    first = {path.parent: path for path in reversed(files)}
    return sorted({*chosen(files, one_of), *first.values()})


def chosen(files: list[Path], one_of: int) -> list[Path]:
    return [path for path in files if keccak256(path.name.encode())[0] % one_of == 0]


def _is_fast(path: Path) -> bool:
    return not any(word in str(path) for word in SLOW)


@vectors.needs_state_tests
@pytest.mark.parametrize(
    ("engine", "one_of"), [("interpreter", 8), ("hot", 16), ("reference", 16)], ids=str
)
def test_a_part_of_the_public_state_tests_passes(engine, one_of, record_property):
    count, failed = 0, []
    for path in part(one_of):
        for case in statetest.cases(path):
            result = statetest.run(case, engine)
            count += 1
            if not result.passed:
                failed.append(result)

    assert not failed
    assert count >= len(part(one_of)) > 0
    record_property("cases", count)


OTHER_WORDS = {
    "VALUE_OVERFLOW": "RLP_INVALID_VALUE",
    "NONCE_TOO_BIG": "NONCE_IS_MAX",
}
"""Words of ours, and the ones that the suite has for the same."""


@pytest.mark.slow
@vectors.needs_state_tests
def test_some_public_state_tests_pass_when_everything_is_compiled_first():
    files = chosen([path for path in vectors.files(vectors.STATE_TESTS) if _is_fast(path)], 128)

    results = [statetest.run(case, "compiler") for path in files for case in statetest.cases(path)]

    assert [result for result in results if not result.passed] == []
    assert len(results) >= len(files) > 0


@vectors.needs_state_tests
def test_nearly_every_refusal_has_the_word_of_the_suite():
    same, count = 0, 0
    for path in vectors.files(vectors.STATE_TESTS):
        if b"expectException" not in path.read_bytes():
            continue
        for case in statetest.cases(path):
            if case.post.expect:
                words = {word.partition(".")[2] for word in case.post.expect.split("|")}
                reason = refusal(case)
                same += bool(words & {reason, OTHER_WORDS.get(reason)})
                count += 1

    assert same >= count * 9 // 10 > 0


def refusal(case: statetest.Case) -> str:
    rules = statetest.case_fork(case)
    block = statetest.case_block(case, rules)
    machine = ReferenceMachine(rules, case.pre)
    with pytest.raises(InvalidTransactionError) as caught:
        apply(machine, block, *statetest.case_transaction(case, rules, block.chain_id))
    assert machine.take_diff() == StateDiff()
    return caught.value.reason
