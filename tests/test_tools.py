"""The tools that judge the tree are judged: a check that fails is seen, a bench compares fairly."""

import itertools
import json
import sys

import pytest

from bench.harness import Contest, Row, Trial, cells, main, measure
from tools import benchmarks, check


def test_a_check_that_fails_is_a_failure_with_its_output():
    result = check.run(
        check.Check("bad", (sys.executable, "-c", "print('why'); raise SystemExit(3)"))
    )

    assert not result.passed
    assert "why" in result.output
    assert check.line(result).startswith("FAILED  bad")


def test_a_check_that_hangs_is_stopped():
    sleep = (sys.executable, "-c", "import time; time.sleep(60)")

    result = check.run(check.Check("slow", sleep, limit_s=1))

    assert not result.passed
    assert result.seconds < 30
    assert "stopped after 1 s" in result.output


def test_a_check_that_passes_passes():
    result = check.run(check.Check("good", (sys.executable, "-c", "print('fine')")))

    assert result.passed
    assert check.line(result).endswith("fine")


def test_quick_leaves_out_the_slow_tests_and_nothing_else():
    quick, whole = check.checks(quick=True), check.checks(quick=False)

    assert [c.name for c in quick] == [c.name for c in whole]
    assert "not slow" in quick[0].command[-1]
    assert "not slow" not in whole[0].command[-1]
    assert all(c.command == w.command for c, w in zip(quick[1:], whole[1:], strict=True))


def test_a_contest_is_timed_by_its_own_clock():
    ticks = itertools.count(step=3)
    contest = Contest("call", ours=int, rivals={"same": int}, clock=lambda: float(next(ticks)))

    (row,) = measure(contest, quick=True)

    assert (row.ours, row.rival, row.unit) == (3, 3, "s")


def test_a_contest_gives_a_row_for_each_rival_that_is_here(capsys):
    contest = Contest(
        "sum",
        ours=lambda: sum(range(10)),
        rivals={"loop": lambda: 45, "gone": None, "bar": 2.0},
        targets={"bar": 0.5},
    )

    rows = measure(contest, quick=True)

    assert [row.name for row in rows] == ["sum vs loop", "sum vs bar"]
    assert rows[1].ratio < 0.5
    assert rows[1].is_met
    assert "gone is not here" in capsys.readouterr().err


def test_sides_that_disagree_are_not_compared():
    contest = Contest("sum", ours=lambda: 1, rivals={"other": lambda: 2})

    with pytest.raises(SystemExit, match="disagree"):
        measure(contest, quick=True)


def test_what_prepares_a_trial_runs_before_each_call():
    order = []
    trial = Trial(call=lambda: order.append("call"), before=lambda: order.append("before"))

    measure(Contest("trial", trial, {"bar": 1.0}), quick=True)

    assert order == ["before", "call"] * (len(order) // 2)
    assert len(order) > 2


def test_rows_are_json_with_the_documented_names(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bench", "--quick", "--json"])

    main("Counts.", lambda _quick: [Row("add", 33, 35, "constraints", 1.0)])

    (row,) = json.loads(capsys.readouterr().out)
    assert row == {
        "name": "add",
        "ours": 33.0,
        "rival": 35.0,
        "ratio": 0.94286,
        "unit": "constraints",
        "target": 1.0,
    }
    assert cells(row) == ("add", "33", "35", "constraints", "0.943", "<= 1 met")


def test_a_missed_target_is_said_to_be_missed():
    assert cells(Row("add", 36, 35, "constraints", 1.0).to_json())[-1] == "<= 1 MISSED"
    assert not Row("add", 36, 35, "constraints", 1.0).is_met


def test_a_table_is_put_between_its_marks_and_nowhere_else():
    page = "# B\n\nbefore\n\n<!-- table: x -->\nstale\n<!-- end: x -->\n\nafter\n"

    once = benchmarks.put(page, "x", "fresh")

    assert once == "# B\n\nbefore\n\n<!-- table: x -->\n\nfresh\n\n<!-- end: x -->\n\nafter\n"
    assert benchmarks.put(once, "x", "fresh") == once


def test_a_table_without_marks_gets_them_at_the_end():
    page = benchmarks.put("# B\n", "x", "fresh")

    assert page == "# B\n\n<!-- table: x -->\n\nfresh\n\n<!-- end: x -->\n"
