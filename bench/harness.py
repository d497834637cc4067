"""Comparisons that mean something: interleaved rounds, medians, ratios of one run.

A script in `bench/` names what it compares and leaves the rest to `main`:

    from harness import Contest, main

    def contests(quick: bool) -> Iterator[Contest]:
        yield Contest("sieve", run_ours, {"gcc -O2": run_c, "CPython": run_python},
                      targets={"gcc -O2": 1.25, "CPython": 0.02})

    if __name__ == "__main__":
        main(__doc__, contests)

Every ratio is ours divided by the rival's: below one, Numen is faster (or smaller). Absolute
times and ratios of different runs say little on a shared machine; the ratio within one run does.
"""

import argparse
import gc
import json
import operator
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

Call = Callable[[], object]

ROUNDS, ROUNDS_QUICK = 9, 3
"""Samples of each side. Odd, so that the median is one of them."""

SAMPLE_SECONDS, SAMPLE_SECONDS_QUICK = 0.02, 0.002
"""A call shorter than this is repeated within a sample until it is not."""

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of time, in seconds."""


class Trial(msgspec.Struct, frozen=True):
    """A side that needs a preparation which does not count.

    Attributes:
        call: What is timed, once a sample.
        before: What runs before each timed call.
    """

    call: Call
    before: Call


class Contest(msgspec.Struct, frozen=True):
    """One task done by us and by rivals; one row for each rival.

    Attributes:
        name: What is computed.
        ours: Our side.
        rivals: Name of a rival to its side; to seconds, for a fixed bar; to None, when it is
            not installed here (its row is left out, and said to be).
        targets: Name of a rival to the highest ratio we promise.
        same: Whether two answers agree; None when sides answer nothing comparable.
        clock: Gives seconds. `time.process_time`, the processor's for this process, where a bar in
            seconds shall not depend on who else is using the machine, and nothing runs elsewhere.
    """

    name: str
    ours: Call | Trial
    rivals: Mapping[str, Call | Trial | float | None]
    targets: Mapping[str, float] = {}
    same: Callable[[object, object], object] | None = operator.eq
    clock: Callable[[], float] = time.perf_counter


class Row(msgspec.Struct, frozen=True):
    """A line of the table. A script may yield its own, for what is counted and not timed.

    Attributes:
        name: What is compared, and with whom.
        ours: Our figure, in `unit`.
        rival: The rival's figure, in `unit`.
        unit: Unit of both, for instance ``ms`` or ``constraints``.
        target: Highest ratio promised, or None.
    """

    name: str
    ours: float
    rival: float
    unit: str
    target: float | None = None

    @property
    def ratio(self) -> float:
        """Ours divided by the rival's."""
        return self.ours / self.rival

    @property
    def is_met(self) -> bool:
        """Whether the target, if there is one, is met."""
        return self.target is None or self.ratio <= self.target

    def to_json(self) -> dict[str, object]:
        """Give the row as the documented JSON object, figures to five digits."""
        figures = {"ours": self.ours, "rival": self.rival, "ratio": self.ratio}
        rounded = {key: float(f"{value:.5g}") for key, value in figures.items()}
        return {"name": self.name, **rounded, "unit": self.unit, "target": self.target}


def main(title: str | None, entries: Callable[[bool], Iterable[Contest | Row]]) -> None:
    """Run a bench script: read its arguments, measure, print a table or JSON.

    Args:
        title: Docstring of the script; its first line heads the table.
        entries: Given whether the run is quick, yields contests and ready rows.
    """
    heading = (title or "Bench").strip().splitlines()[0]
    parser = argparse.ArgumentParser(description=heading)
    parser.add_argument("--quick", action="store_true", help="smaller inputs, fewer rounds")
    parser.add_argument("--json", action="store_true", help="print the rows as a JSON array")
    parser.add_argument("--only", default="", metavar="WORD", help="contests whose name has WORD")
    options = parser.parse_args()
    rows: list[Row] = []
    for entry in entries(options.quick):
        if options.only in entry.name:
            rows += [entry] if isinstance(entry, Row) else measure(entry, quick=options.quick)
    if options.json:
        print(json.dumps([row.to_json() for row in rows], indent=1))
    else:
        print_table(heading, rows)


def measure(contest: Contest, *, quick: bool = False) -> list[Row]:
    """Time a contest in interleaved rounds.

    Args:
        contest: What to compare.
        quick: Fewer and shorter samples.

    Returns:
        One row for each rival that is present.

    Raises:
        SystemExit: Two sides disagree about the answer, so the times compare nothing.
    """
    for name in (name for name, side in contest.rivals.items() if side is None):
        print(f"{contest.name}: {name} is not here, its row is left out", file=sys.stderr)
    sides = {"": contest.ours} | {
        name: side
        for name, side in contest.rivals.items()
        if isinstance(side, Trial) or callable(side)
    }
    _agree(contest, sides)
    floor = SAMPLE_SECONDS_QUICK if quick else SAMPLE_SECONDS
    clock = contest.clock
    repeats = {name: _repeats(side, floor, clock) for name, side in sides.items()}
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS_QUICK if quick else ROUNDS):
        gc.collect()
        for name, side in sides.items():
            samples[name].append(_sample(side, repeats[name], clock))
    medians = {name: statistics.median(times) for name, times in samples.items()}
    bars = {n: s for n, s in contest.rivals.items() if isinstance(s, int | float)}
    return [
        _row(contest, name, medians[""], {**medians, **bars}[name])
        for name, side in contest.rivals.items()
        if side is not None
    ]


def _agree(contest: Contest, sides: Mapping[str, Call | Trial]) -> None:
    """Run every side once, which also warms it, and compare the answers."""
    answers = {name: _answer(side) for name, side in sides.items()}
    for name, answer in answers.items():
        if contest.same is not None and not contest.same(answers[""], answer):
            raise SystemExit(f"{contest.name}: we and {name} disagree: {answers['']} != {answer}")


def _answer(side: Call | Trial) -> object:
    if isinstance(side, Trial):
        side.before()
        return side.call()
    return side()


def _repeats(side: Call | Trial, floor: float, clock: Callable[[], float]) -> int:
    """Find how many calls make a sample of at least `floor` seconds."""
    if isinstance(side, Trial):
        return 1
    count = 1
    while (spent := _sample(side, count, clock) * count) < floor:
        count = max(2 * count, min(int(count * floor / max(spent, 1e-9)), 100 * count))
    return count


def _sample(side: Call | Trial, count: int, clock: Callable[[], float]) -> float:
    """Seconds of one call, as the mean of `count` calls in a row."""
    if isinstance(side, Trial):
        side.before()
        side = side.call
    gc.disable()
    try:
        start = clock()
        for _ in range(count):
            side()
        return (clock() - start) / count
    finally:
        gc.enable()


def _row(contest: Contest, rival: str, ours_seconds: float, rival_seconds: float) -> Row:
    least = min(ours_seconds, rival_seconds)
    unit = next((unit for unit, size in UNITS.items() if least >= size), "ns")
    size = UNITS[unit]
    target = contest.targets.get(rival)
    name = f"{contest.name} vs {rival}"
    return Row(name, ours_seconds / size, rival_seconds / size, unit, target)


HEADER = ("", "ours", "rival", "unit", "ratio", "target")
"""Columns of a table of rows."""


def cells(row: Mapping[str, object]) -> tuple[str, ...]:
    """Give the columns of a row in its JSON form as text, in the order of `HEADER`."""
    name, ours, rival, ratio, unit, target = (row[key] for key in row)
    assert isinstance(ratio, float)
    promise = ""
    if isinstance(target, int | float):
        promise = f"<= {target:g} {'met' if ratio <= target else 'MISSED'}"
    return (str(name), f"{ours:.4g}", f"{rival:.4g}", str(unit), f"{ratio:.3g}", promise)


def print_table(heading: str, rows: Iterable[Row]) -> None:
    """Print rows as an aligned plain table."""
    lines = [HEADER, *(cells(row.to_json()) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    print(f"{heading} (ratio: ours / rival, medians of interleaved rounds)")
    for name, *figures in lines:
        aligned = [figure.rjust(width) for figure, width in zip(figures, widths[1:], strict=True)]
        print("  ".join([name.ljust(widths[0]), *aligned]).rstrip())
