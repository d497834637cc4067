"""Fuzzing: cases follow from their names, judges agree with us, findings are shrunk."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from numen.evm import forks
from numen.evm.block import Block, Context
from numen.evm.forks import FORKS
from numen.evm.fuzz import campaign
from numen.evm.fuzz.case import Case
from numen.evm.fuzz.compare import differences
from numen.evm.fuzz.draft import draft
from numen.evm.fuzz.listing import Label, Op, Push, Target, assemble, call, disassemble, holes
from numen.evm.fuzz.mutate import mutated, seed_files
from numen.evm.fuzz.ours import Engine
from numen.evm.fuzz.saved import read_cases, write_case
from numen.evm.fuzz.shrink import shrink
from numen.evm.fuzz.trial import JUDGES, Court, MissingJudgeError, Plan, judge_of
from numen.evm.message import Message
from numen.evm.opcodes import BY_NAME
from numen.evm.readers import MalformedFileError
from numen.evm.state import Account
from tests.evm.vectors import STATE_TESTS, needs_state_tests

FOUND = Path(__file__).parent / "found"
"""Cases that the fuzzer found, with what is right."""

CALLER, HERE = b"\xaa" * 20, b"\xcc" * 20


def outcome(engine, case):
    trial = engine.prepare(case)
    trial.run()
    return trial.outcome({})


def judge(name):
    try:
        return judge_of(name)
    except MissingJudgeError as error:
        pytest.skip(str(error))


def one_contract(listing, **fields):
    """A case of one contract, and its draft."""
    pre = {CALLER: Account(balance=10**18), HERE: Account(nonce=1, code=assemble(listing))}
    message = Message(CALLER, HERE, 0, b"", fields.get("gas", 100_000))
    block = Block(number=1, timestamp=1, gas_limit=10**8, blob_base_fee=1)
    return Case("one", "cancun", block, Context(CALLER), pre, message)


@pytest.mark.parametrize("fork", FORKS)
def test_a_case_follows_from_its_name(fork):
    case = draft("1-2", fork).assembled()

    assert case == draft("1-2", fork).assembled()
    assert case.pre != draft("1-3", fork).assembled().pre
    assert case.fork == fork


def test_cases_of_all_kinds_come_up():
    ends = {
        outcome(Engine("reference"), draft(f"k-{i}", "cancun").assembled()).status
        for i in range(40)
    }

    assert ends == {"success", "revert", "failure"}


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("fork", ["frontier", "london", "cancun", "prague"])
def test_judges_agree_with_the_readable_engine(name, fork):
    them = judge(name)
    if fork not in them.forks:
        pytest.skip(f"{name} does not know {fork}")
    for index in range(6):
        case = them.adapted(draft(f"7-{index}", fork).assembled())
        mine = outcome(Engine("reference"), case)
        trial = them.prepare(case)
        trial.run()

        assert not differences(mine, trial.outcome(mine.post))


@pytest.mark.parametrize("engine", ["interpreter", "hot", "compiler"])
def test_native_engines_agree_with_the_readable_one(engine):
    court = Court(Plan(against="reference", engine=engine, seed=3, fork="prague"))

    reports = [court.try_case(index, lambda: None) for index in range(15)]

    assert [report.notes for report in reports if report.kind != "agree"] == []


@needs_state_tests
def test_mutated_cases_are_real_ones_with_a_change():
    files = seed_files(STATE_TESTS / "stSStoreTest") or seed_files(STATE_TESTS)

    made = [mutated(f"m-{index}", files, "cancun") for index in range(10)]

    cases = [one.assembled() for one in made if one is not None]
    assert len(cases) >= 8
    assert cases[0] == mutated("m-0", files, "cancun").assembled()
    for case in cases:
        assert not differences(
            outcome(Engine("interpreter"), case), outcome(Engine("reference"), case)
        )


# Listings. ----------------------------------------------------------------------------------------


def test_labels_are_found_when_a_program_is_put_together():
    listing = [Push(1), Target(7), Op(0x57), Push(2**256 - 1), Label(7), Op(0)]

    code = assemble(listing)

    assert code == bytes.fromhex("6001" + "62000028" + "57" + "7f" + "ff" * 32 + "5b" + "00")
    assert code[0x28] == 0x5B
    assert assemble([Target(9)]) == bytes.fromhex("62000000")


@pytest.mark.parametrize("code", ["", "00", "6001600255", "60", "7f01", "5b5b56fe", "620000005f"])
def test_disassembly_assembles_to_the_same_code(code):
    raw = bytes.fromhex(code)

    items = disassemble(raw)

    assert assemble(items) == raw
    assert len(assemble(holes(items, range(len(items))))) == len(raw)


# Shrinking. --------------------------------------------------------------------------------------


def test_a_case_is_shrunk_to_what_it_needs():
    made = draft("5-1", "cancun")
    noisy = {
        **made.listings,
        HERE: [Push(9), Op(0x50), *call("SSTORE", 0x77, 0x1234), *[Op(0x5B)] * 30],
    }
    case = msgspec.structs.replace(
        made.case,
        pre={**made.case.pre, HERE: Account(nonce=1, balance=5, storage={9: 9})},
        message=Message(CALLER, HERE, 3, b"input", 200_000),
    )

    def fails(tried):
        code = tried.assembled().pre.get(HERE, Account()).code
        return bytes([BY_NAME["SSTORE"].byte]) in code and b"\x12" in code

    small = shrink(msgspec.structs.replace(made, case=case, listings=noisy), fails)

    assert fails(small)
    assert set(small.case.pre) == {HERE}
    assert len(small.listings[HERE]) <= 2
    assert (small.case.message.value, small.case.message.data) == (0, b"")


def test_shrinking_stops_when_its_budget_is_spent():
    calls = []

    shrink(draft("5-2", "cancun"), lambda tried: bool(calls.append(1)), runs=20)

    assert len(calls) == 20


def test_a_finding_is_shrunk_and_saved(monkeypatch):
    court = Court(
        Plan(against="reference", engine="reference", seed=1, fork="cancun", shrink_runs=400)
    )
    honest = court.theirs.prepare

    class Liar:
        """Says of every case with an SSTORE that a unit more of gas is left."""

        def __init__(self, case):
            self._trial = honest(case)
            self._lies = any(b"\x55" in account.code for account in case.pre.values())

        def run(self):
            self._trial.run()

        def outcome(self, seen):
            found = self._trial.outcome(seen)
            return msgspec.structs.replace(found, gas_left=found.gas_left + self._lies)

    monkeypatch.setattr(court.theirs, "prepare", Liar)

    reports = [court.try_case(index, lambda: None) for index in range(3)]
    found = next(report for report in reports if report.kind == "differ")
    ((case, expected),) = read_cases(found.saved.encode())

    assert "gas left" in found.notes[0]
    assert sum(len(account.code) for account in case.pre.values()) < 60
    assert expected.objections(case, outcome(Engine("reference"), case))


# Files. ----------------------------------------------------------------------------------------


def test_a_saved_case_is_read_back():
    case = draft("6-6", "prague").assembled()
    found = outcome(Engine("reference"), case)

    ((again, expected),) = read_cases(write_case(case, found, ["a note"]))

    assert again == case
    assert not expected.objections(case, found)
    assert expected.objections(case, msgspec.structs.replace(found, output=b"other"))


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[1]", b"\xff", b'{"name": 5}', b"[" * 10000, None],
)
def test_other_files_are_refused(text):
    if text is None:
        plain = json.loads(write_case(draft("6-6", "prague").assembled(), None, []))
        plain["gas"] = "0x" + "f" * 600
        text = json.dumps(plain).encode()

    with pytest.raises(MalformedFileError):
        read_cases(text)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.json")) or [None], ids=str)
@pytest.mark.parametrize("engine", ["reference", "interpreter", "compiler"])
def test_found_cases_stay_right(path, engine):
    if path is None:
        pytest.skip("nothing has been found")
    for case, expected in read_cases(path.read_bytes()):
        assert not expected.objections(case, outcome(Engine(engine), case))


# Campaigns. ---------------------------------------------------------------------------------------


def test_the_command_runs_a_campaign(tmp_path):
    options = ["--against", "reference", "--engine", "reference", "--fork", "cancun", "--seed", "4"]
    command = [
        sys.executable,
        "-m",
        "numen",
        "evm",
        "fuzz",
        *options,
        "--minutes",
        "0.08",
        "--json",
    ]

    run = subprocess.run(
        [*command, "--workers", "1", "--save", tmp_path],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    tally = json.loads(run.stdout)

    assert run.returncode == 0, run.stderr
    assert (tally["mismatches"], tally["crashes"], tally["seed"]) == (0, 0, 4)
    assert tally["programs"] > 0


def test_a_worker_that_dies_is_counted_and_its_case_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "_WORKER", "numen.evm.no_such_module")
    plan = Plan(against="reference", engine="reference", seed=2, fork="cancun")

    tally = campaign.run_campaign(plan, 2, 1, tmp_path, lambda _: None)

    assert tally.crashes >= 1
    assert not tally.is_clean
    ((case, _),) = read_cases((tmp_path / "crash-0.json").read_bytes())
    assert case == draft("2-0", "cancun").assembled()


def test_an_unknown_fork_is_refused():
    with pytest.raises(forks.UnknownForkError):
        draft("1-1", "atlantis")
