"""The main job: three jobs sold on a market with liars."""

import json

import pytest

from numen.cli.main import run_command
from numen.demo import catalogue, report, town
from numen.market import events, log, why
from numen.market.coins import Pocket
from numen.market.receipt import verify
from numen.sandbox.runner import Sandbox
from numen.vm.payload import (
    PayloadError,
    decode_inputs,
    decode_output,
    encode_inputs,
    encode_output,
)
from tests.sandbox.inside import isolation, needs_jail


@pytest.fixture(scope="module")
def run():
    """A town after its run, and the report."""
    built = town.build(1)
    for _ in built.play.run():
        pass
    return built, report.report(built)


def test_every_task_of_every_job_is_settled(run):
    _, found = run

    assert [job.name for job in found.jobs] == ["add", "digits", "folding"]
    assert all(job.settled == len(job.tasks) for job in found.jobs)
    assert not any(job.tickets < job.won for job in found.jobs)


def test_the_answers_are_right(run):
    _, found = run
    add, digits, folding = found.jobs

    assert add.value == sum(catalogue.SUMMANDS)
    assert digits.value["images"] == 200
    assert digits.value["right"] >= 190
    assert folding.value["contacts"] == 9


def test_a_fold_is_a_walk_with_so_many_contacts(run):
    """Counted again in plain Python, from the turns alone."""
    _, found = run
    fold = found.jobs[2].value
    chain = "HPHPPHHPHPPHPHHPPHPH"
    at, heading, places = (0, 0), 0, {}
    for index, turn in enumerate(fold["turns"]):
        assert at not in places
        places[at] = index
        heading = (heading + turn) % 4
        step = ((1, 0), (0, 1), (-1, 0), (0, -1))[heading]
        at = (at[0] + step[0], at[1] + step[1])
    contacts = sum(
        chain[i] == chain[j] == "H"
        for (x, y), i in places.items()
        for j in (places.get((x + 1, y)), places.get((x, y + 1)))
        if j is not None and abs(i - j) > 1
    )

    assert contacts == fold["contacts"] == 9


def test_the_article_example_and_some_images_are_proven_and_the_rest_is_voted(run):
    _, found = run
    add, digits, folding = found.jobs

    assert add.evidence == {"snark": 1}
    assert digits.evidence["snark"] == catalogue.PROVEN_IMAGES
    assert set(folding.evidence) <= {"quorum", "verifiers"}


def test_liars_lose_and_the_honest_gain(run):
    built, found = run
    change = {each.name: each.after - each.before for each in found.holdings}

    assert change["Loki"] < 0
    assert change["Echo"] < 0
    assert change["Ada"] > 0
    assert {each.name for each in found.caught} >= {"Loki", "Echo"}
    assert built.play.market.coins.in_pocket(Pocket.PLEDGE) == 0


def test_the_sum_of_coins_never_changes(run):
    _, found = run

    assert found.total_before == found.total_after
    assert sum(each.after for each in found.holdings) + found.burnt == found.total_after


def test_the_first_bid_had_to_be_raised(run):
    built, found = run

    raised = [event.task for event in built.play.log if isinstance(event, events.Raised)]
    assert found.jobs[0].tasks[0] in raised


def test_every_receipt_is_a_chain_of_signed_messages(run):
    built, _ = run

    assert any(receipt.is_complete for receipt in built.play.receipts.values())
    for receipt in built.play.receipts.values():
        verify(receipt)


def test_the_same_seed_gives_the_same_log_and_another_seed_another(run):
    built, _ = run
    logs = []
    for seed in (1, 2):
        again = town.build(seed)
        logs.append(b"".join(log.lines(seed, {}, again.play.run())))

    assert logs[0] == b"".join(log.lines(1, {}, built.play.log))
    assert logs[0] != logs[1]


@needs_jail
@pytest.mark.slow
def test_what_is_sold_may_run_confined_and_nobody_can_tell(run):
    built, _ = run
    with Sandbox(isolation()) as sandbox:
        again = town.build(1, sandbox)
        written = b"".join(log.lines(1, {}, again.play.run()))

    assert written == b"".join(log.lines(1, {}, built.play.log))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3, 9))
def test_whatever_the_seed_honest_answers_stand_and_no_coin_is_lost(seed):
    built = town.build(seed)
    for _ in built.play.run():
        pass
    found = report.report(built)

    assert found.total_before == found.total_after
    assert all(job.settled == len(job.tasks) for job in found.jobs)
    assert found.jobs[0].value == 5
    assert found.jobs[1].value["right"] >= 190
    assert found.jobs[2].value["contacts"] == 9


def test_the_command_prints_tables_and_keeps_a_log(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("NUMEN_HOME", str(tmp_path))

    assert run_command(["demo"]) == 0
    shown = capfd.readouterr().out
    assert run_command(["why", "Loki"]) == 0
    told = capfd.readouterr().out
    assert run_command(["demo", "--json"]) == 0
    data = json.loads(capfd.readouterr().out)

    assert all(title in shown for title in ("Jobs", "Caught", "Coins"))
    assert "lost" in told
    assert data["total_before"] == data["total_after"]
    assert (tmp_path / "demo.jsonl").exists()


@pytest.mark.parametrize("identity", ["nobody", "ab", "0xffffffffff", ""])
def test_why_says_what_it_does_not_know(tmp_path, monkeypatch, capfd, identity):
    monkeypatch.setenv("NUMEN_HOME", str(tmp_path))
    assert run_command(["why", identity]) == 2
    assert "numen demo" in capfd.readouterr().err

    (tmp_path / "demo.jsonl").write_bytes(b"".join(log.lines(1, {}, ())))
    assert run_command(["why", identity]) == 2


@pytest.mark.parametrize(
    "raw", [b"", b"{}\n", b"\xff\n", b'{"format":"numen-market-log/1"}\n', b"[" * 5000]
)
def test_a_damaged_log_is_refused(tmp_path, capfd, raw):
    path = tmp_path / "log"
    path.write_bytes(raw)

    assert run_command(["why", "Loki", "--log", str(path)]) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_why_explains_every_id_of_a_run(run):
    built, _ = run
    names = {address.hex(): name for address, name in built.names.items()}
    kept = log.parse(b"".join(log.lines(1, names, built.play.log)))

    for identity in list(log.ids(kept.events))[:200]:
        assert len(why.explain(kept, identity)) >= 1


def test_inputs_and_outputs_have_canonical_bytes():
    for sale in catalogue.sales():
        program = sale.program.program
        raw = encode_inputs(program, sale.args)
        assert encode_inputs(program, decode_inputs(program, raw)) == raw
        with pytest.raises(PayloadError):
            decode_inputs(program, raw + b"\x00")
    add = catalogue.program("add")
    output = encode_output(add.run(2, 3))
    assert decode_output(add.program, output) == 5
    with pytest.raises(PayloadError):
        decode_output(add.program, b"\xff" * 32)
