"""The EVM: contracts and programs against pyrevm, anvil and py-evm.

Every side runs the same message from the same cold state and keeps nothing, as `eth_call` does;
status, gas and output of all must be equal. *interpreter* compiles nothing, *hot* has run before
and compiled what is hot, *first call* is a contract never seen, on a machine that has run something
else, with an empty cache of objects.
anvil is asked over JSON-RPC, the time of an empty call taken off; py-evm runs once.

The programs are the public collection of benchmark calls (``NUMEN_VECTORS``/evm-bench); without it
only the contracts of ``bench/contracts`` run.
"""

import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import Call, Contest, Row, Trial, main, measure
from numen.evm.fuzz.case import Case
from numen.evm.fuzz.saved import Expected, read_cases
from rivals import anvil, machines

HERE = Path(__file__).parent
VECTORS = Path(os.environ.get("NUMEN_VECTORS", HERE.parents[1] / "shared/vectors"))

INTERPRETER, INTERPRETER_WORST, HOT, CONTRACTS, FIRST = 1 / 1.5, 1 / 0.9, 1 / 6, 1 / 2, 1.0
"""Bars: our time by pyrevm's."""

HOT_BARS = {
    "snailtracer": 1 / 4,
    "erc20_transfer": 1 / 25,
    "sha1_": 1 / 20,
    "memsum": 1 / 20,
    "fib_": 1 / 20,
}
"""Bars of single programs, by a part of the name."""

SLOW_GAS_MAX = 3_000_000
"""Most gas of a case that py-evm is asked to run."""

WIRE_GAS_MIN = 500_000
"""Least gas of a case whose time can be told from that of its way over the wire."""

WARM_UPS = 8
"""Calls before the hot engine is measured; it waits for its compiler after each."""

PROGRAMS = "burntpix erc20_transfer hash_10k snailtracer blake2b sha1 weierstrudel structarray"
"""Programs of the collection that spend their time on work, not on their first hundred steps."""


def contests(quick: bool) -> Iterator[Contest | Row]:
    """Everything that is compared."""
    cases = contract_cases()
    with anvil_node() as node, tempfile.TemporaryDirectory() as folder:
        for case, expected in cases:
            yield from contract(case, expected, node, quick)
        ratios: dict[str, dict[str, float]] = {}
        for case, expected in program_cases(quick):
            for row, kind in program(case, expected, node, quick, Path(folder)):
                yield row
                if row.name.endswith("vs pyrevm"):
                    ratios.setdefault(kind, {})[case.name] = row.ratio
        yield from geomeans(ratios)
        yield from small_calls()


def contract_cases() -> list[tuple[Case, Expected]]:
    """The contracts of this repository in their worlds."""
    return read_cases((HERE / "contracts/cases.json").read_bytes())


def program_cases(quick: bool) -> list[tuple[Case, Expected]]:
    """The public collection; nothing, and a word about it, where it is absent."""
    path = VECTORS / "evm-bench/bench_cases.json"
    if not path.exists():
        print(f"{path} is not here: its programs are left out", file=sys.stderr)
        return []
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv[:-1] else ""
    cases = [pair for pair in read_cases(path.read_bytes()) if only in pair[0].name + ", hot"]
    return [pair for pair in cases if not quick or (pair[1].gas_used or 0) < 4_000_000]


@contextlib.contextmanager
def anvil_node() -> Iterator[anvil.Anvil | None]:
    """A node for the whole run; None, and a word about it, where there is none."""
    program = anvil.find()
    if program is None:
        print("anvil is not here: its rows are left out", file=sys.stderr)
        yield None
        return
    with anvil.running(program) as node:
        yield node


def contract(
    case: Case, expected: Expected, node: anvil.Anvil | None, quick: bool
) -> Iterator[Contest]:
    """Calls between contracts, creations, storage, logs, reverts."""
    yield Contest(
        f"{case.name}, hot",
        warmed(case, expected),
        {"pyrevm": machines.revm(case), **slow_rivals(case, expected, node, quick)},
        {"pyrevm": CONTRACTS},
    )
    ours = machines.Ours(case, "interpreter")
    yield Contest(f"{case.name}, interpreter", ours, {"pyrevm": machines.revm(case)})


def program(
    case: Case, expected: Expected, node: anvil.Anvil | None, quick: bool, folder: Path
) -> Iterator[tuple[Row, str]]:
    """One program in three ways; each row with its way."""
    bars = {
        "interpreter": INTERPRETER_WORST if is_program(case.name) else None,
        "hot": next((b for part, b in HOT_BARS.items() if part in case.name), None)
        if "empty" not in case.name
        else None,
        "first call": FIRST,
    }
    slow = slow_rivals(case, expected, node, quick)
    sides: dict[str, tuple[Call | Trial, Call | Trial | None]] = {
        "interpreter": (machines.Ours(case, "interpreter"), machines.revm(case)),
        "hot": (warmed(case, expected), machines.revm(case)),
        "first call": first_call(case, folder),
    }
    for kind, (ours, theirs) in sides.items():
        bar = bars[kind] if (expected.gas_used or 0) > 0 else None
        rivals = {"pyrevm": theirs, **(slow if kind == "hot" else {})}
        name = f"{case.name}, {kind}"
        contest = Contest(name, ours, rivals, {} if bar is None else {"pyrevm": bar})
        yield from ((row, kind) for row in measure(contest, quick=quick))


def is_program(name: str) -> bool:
    """Whether a case of the collection is a real program, not a loop made to measure one thing."""
    return any(part in name for part in PROGRAMS.split()) and "empty" not in name


def warmed(case: Case, expected: Expected) -> Call:
    """Our hot engine after it has seen the case and compiled what it wants to."""
    ours = machines.Ours(case, "hot")
    tier = getattr(ours.machine, "tier", None)
    for _ in range(WARM_UPS):
        demand(case, "ours", ours(), expected)
        if tier is not None:
            tier.wait()
    return ours


def first_call(case: Case, folder: Path) -> tuple[Trial, Trial | None]:
    """A call of a contract never seen, on either side."""
    os.environ["NUMEN_CACHE"] = str(folder)
    make, call = machines.first_calls(case, "hot")
    theirs = machines.fresh_revm(case)
    return Trial(call, make), Trial(theirs[1], theirs[0]) if theirs else None


def slow_rivals(
    case: Case, expected: Expected, node: anvil.Anvil | None, quick: bool
) -> dict[str, float | None]:
    """Seconds of those rivals that cannot take part in the rounds."""
    rivals: dict[str, float | None] = {}
    gas = expected.gas_used or 0
    if node is not None and gas >= WIRE_GAS_MIN:
        node.put(case)
        seconds, output = node.seconds(case, 3 if quick else 7)
        demand(case, "anvil", (True, gas, output), expected)
        rivals["anvil"] = max(seconds, 1e-6)
    if gas <= SLOW_GAS_MAX and not quick:
        run = machines.pyevm_seconds(case)
        if run is not None:
            demand(case, "py-evm", run[1], expected)
        rivals["py-evm"] = run and run[0]
    return rivals


def demand(case: Case, who: str, answer: machines.Answer, expected: Expected) -> None:
    """Stop unless an answer is the one that the file names."""
    if answer != (expected.ok, expected.gas_used, expected.output):
        raise SystemExit(f"{case.name}: {who} gives {answer[:2]}, not {expected}")


def geomeans(ratios: dict[str, dict[str, float]]) -> Iterator[Row]:
    """Geometric means over all programs, and over the real ones that work for a while."""
    bars = {"interpreter": INTERPRETER, "hot": HOT, "first call": FIRST}
    for kind, by_name in ratios.items():
        real = [ratio for name, ratio in by_name.items() if is_program(name)]
        for what, values in (("real programs", real), ("all", list(by_name.values()))):
            if values:
                bar = bars[kind] if what == "real programs" else None
                mean = statistics.geometric_mean(values)
                name = f"geometric mean of {len(values)} {what}, {kind} vs pyrevm"
                yield Row(name, mean, 1.0, "of its time", bar)


def small_calls() -> Iterator[Contest]:
    """What a call costs that does next to nothing, alone and among a thousand."""
    case, _ = read_cases(SMALL)[0]
    rivals = {"pyrevm": machines.revm(case), "5 us": 5e-6}
    bars = {"pyrevm": 1.0, "5 us": 1.0}
    yield Contest("small call", machines.Ours(case, "hot"), rivals, bars)
    bare = machines.Ours(case, "hot")
    bare()
    message = case.message

    def one() -> object:
        return bare.machine.run(message).gas_left

    yield Contest("small call, without what a transaction needs", one, {"5 us": 5e-6}, {"5 us": 1})
    messages, batch = [message] * BATCH, getattr(bare.machine, "run_batch", None)
    if batch is not None:
        yield Contest(
            f"{BATCH} small calls in one native entry",
            lambda: len(batch(messages)),
            {"5 us each": 5e-6 * BATCH},
            {"5 us each": 1.0},
        )


BATCH = 1000
"""Calls in a batch."""

SMALL = b"""{"name": "small", "sender": "0x1111111111111111111111111111111111111111",
 "to": "0xcccccccccccccccccccccccccccccccccccccccc", "data": "0x", "gas": 100000, "pre": {
 "0xcccccccccccccccccccccccccccccccccccccccc": {"code": "0x600160005260206000f3"}},
 "expect": {"fork": "cancun"}}"""
"""A call that returns one word."""


if __name__ == "__main__":
    main(__doc__, contests)
