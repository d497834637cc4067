"""Files from anywhere: a case that fails or a named error, never anything else."""

import copy
import json
import resource
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from numen.evm import alloc, readers, statetest, suite, t8nfiles
from numen.evm.errors import EvmError
from numen.evm.forks import FORKS, fork
from numen.evm.readers import MalformedFileError
from numen.evm.state import State
from numen.evm.t8n import transition
from tests.evm import blocks
from tests.evm.test_cli import CONTRACT, state_test

TEXTS = st.sampled_from(
    [
        *("", "0x", "0x0", "0xzz", "0x1", "-1", "0x-1", "1_0", " 5", "5.0", "0x" + "f" * 64),
        *("0x" + "f" * 65, "9" * 600, "0x" + "00" * 20, "0x" + "ab" * 20, "Prague", "Frontier"),
        *("0x:bigint 0x1" + "0" * 64, "\ud7ff", "0X10", "٣", "0x" + "60" * 50),
    ]
)
ODD = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | TEXTS
    | st.lists(TEXTS, max_size=2)
    | st.dictionaries(TEXTS, TEXTS, max_size=2)
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Every place in a value of JSON."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, each in items:
        found += places(each, (*path, key))
    return found


def spoil(draw: st.DataObject, value: Any, times: int) -> Any:
    """Change, drop or rename some places of a value."""
    value = copy.deepcopy(value)
    for _ in range(times):
        every = places(value)
        if not every:
            break
        path = draw.draw(st.sampled_from(every))
        inner = value
        for key in path[:-1]:
            inner = inner[key]
        what = draw.draw(st.sampled_from(("change", "drop", "rename")))
        if what == "change":
            inner[path[-1]] = draw.draw(ODD)
        elif what == "rename" and isinstance(inner, dict):
            inner[draw.draw(TEXTS)] = inner.pop(path[-1])
        else:
            del inner[path[-1]]
    return value


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_spoiled_state_test_is_a_result_with_an_error(tmp_path, data):
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"one": spoil(data, state_test(), data.draw(st.integers(1, 3)))}))

    results = suite.run_file(path, suite.Choice("reference"))

    assert all(result.error for result in results if not result.passed)


@settings(max_examples=200)
@given(st.data())
def test_a_spoiled_block_is_made_or_refused_with_a_reason(data):
    rules = FORKS[data.draw(st.sampled_from(["frontier", "london", "cancun", "prague"]))]
    given = spoil(data, blocks.block(rules, 1), data.draw(st.integers(1, 3)))

    try:
        together = readers.parse(json.dumps(given), t8nfiles.Together, "fuzz")
        if together.alloc is None or together.env is None:
            return
        state = State(alloc.accounts(together.alloc, "fuzz"))
        read = t8nfiles.read(rules, together.env, together.txs)
    except EvmError:
        return
    made = transition(state, read, "reference")
    assert made.root == state.root()


@given(st.binary(max_size=100) | st.text(max_size=100))
def test_any_bytes_are_json_of_a_kind_or_malformed(raw):
    try:
        found = readers.parse(raw, dict[str, int], "fuzz")
    except MalformedFileError:
        found = {}
    assert isinstance(found, dict)


def test_a_file_is_read_no_further_than_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "FILE_BYTES_MAX", 1_000)
    path = tmp_path / "long.json"
    path.write_bytes(b" " * 1_001)

    with pytest.raises(MalformedFileError, match="longer than 1000 bytes"):
        readers.load(path, dict)


def test_a_block_far_away_has_no_bomb_to_compute():
    env = blocks.block(fork("frontier"), 1)["env"] | {
        "currentNumber": hex(2**64 - 1),
        "currentDifficulty": None,
        "parentDifficulty": "0x20000",
        "parentTimestamp": "0x1",
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    form = readers.parse(json.dumps(env), t8nfiles.Env, "env")

    with pytest.raises(MalformedFileError, match="256 bits"):
        t8nfiles.read(fork("frontier"), form, None)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < before + 50_000


def test_an_unknown_fork_is_a_case_that_fails(tmp_path):
    spoiled = state_test()
    spoiled["post"]["Nowhere"] = spoiled["post"].pop("Prague")
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"one": spoiled}))

    (result,) = suite.run_file(path, suite.Choice("reference"))

    assert result.error == "no fork is called 'Nowhere'"
    assert (result.fork, result.passed) == ("Nowhere", False)


def test_the_files_cases_say_how_blobs_are_priced(tmp_path):
    spoiled = state_test()
    schedule = {"target": "0x0a", "max": "0x0f", "baseFeeUpdateFraction": "0x7f5a51"}
    spoiled["config"] = {"chainid": "0x01", "network": "BPO1", "blobSchedule": {"BPO1": schedule}}
    spoiled["post"]["BPO1"] = spoiled["post"].pop("Prague")
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"one": spoiled}))

    (case,) = statetest.cases(path)

    rules = statetest.case_fork(case)
    assert (rules.name, rules.target_blobs, rules.max_blobs) == ("osaka", 10, 15)
    for engine in ("reference", "interpreter"):
        assert statetest.run(case, engine).error.startswith("state root is")


def test_more_wei_than_a_word_holds_wraps_alike_on_every_engine(tmp_path):
    spoiled = state_test()
    full = {"balance": hex(2**256 - 1), "nonce": "0x1"}
    heir = "0x" + "dd" * 20
    spoiled["pre"] |= {"0x" + "c0" * 20: full, heir: full}
    for account in spoiled["pre"].values():
        account["balance"] = full["balance"]
    spoiled["pre"][CONTRACT]["code"] = "0x" + "6000600060006000600173" + heir[2:] + "5af15000"
    spoiled["transaction"]["value"] = ["0x10"]
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"one": spoiled}))
    (case,) = statetest.cases(path)

    roots = {statetest.run(case, engine).root for engine in ("reference", "interpreter")}

    assert len(roots) == 1
    assert len(roots.pop()) == 66
