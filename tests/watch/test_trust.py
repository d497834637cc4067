"""The graph of trust is the web's, seen by one node, and no larger than a page can draw."""

import json
import subprocess
import sys

from numen.trust.history import NOW, History
from numen.trust.snapshot import write_snapshot
from numen.watch import trust
from numen.watch.sources import MarketSource
from tests.trust.town import kernel_at, sheet, town
from tests.watch.watched import source_of

COUNT, STEP = 7, 50
GOOD, BAD = History(NOW, 0), History(0, NOW)


def kernel():
    """All attest the three after them; the last one is found bad by everybody."""
    members, keys = town(COUNT)
    made = kernel_at(members, STEP)
    for who in range(COUNT):
        others = [(who + gap) % COUNT for gap in (1, 2, 3)]
        found = {other: BAD if other == COUNT - 1 else GOOD for other in others}
        made.merge([sheet(members, keys, who, STEP, found)])
    return made


def test_every_verdict_is_an_edge_and_who_is_trusted_is_said():
    shown = trust.of_kernel(kernel(), 0)

    assert shown["basis"] == "attestations"
    assert len(shown["edges"]) == shown["count"] == 3 * COUNT
    bad = {edge["to"] for edge in shown["edges"] if edge["bad"]}
    roles = {node["id"]: node["role"] for node in shown["nodes"]}
    assert [roles[node] for node in bad] == ["distrusted"]
    assert sorted(roles.values()).count("observer") == 1
    assert sorted(roles.values()).count("trusted") == COUNT - 2


def test_what_is_drawn_is_bounded_and_the_observer_is_in_it(monkeypatch):
    monkeypatch.setattr(trust, "NODES_SHOWN", 4)
    monkeypatch.setattr(trust, "EDGES_SHOWN", 3)

    shown = trust.of_kernel(kernel(), 5)

    assert len(shown["nodes"]) <= 4
    assert len(shown["edges"]) <= 3
    assert shown["count"] == 3 * COUNT
    assert "observer" in {node["role"] for node in shown["nodes"]}


def test_a_web_takes_the_place_of_verdicts():
    source: MarketSource = source_of()
    assert source.sections()["trust"]["basis"] == "verdicts"

    source.web = kernel(), 0

    assert source.sections()["trust"]["basis"] == "attestations"


def test_a_dashboard_of_a_log_draws_a_web_from_a_file(tmp_path):
    (tmp_path / "web").write_bytes(write_snapshot(kernel()))
    (tmp_path / "log").write_bytes(b'{"format":"numen-market-log/1","seed":1}\n')
    command = [sys.executable, "-m", "numen", "dashboard", "log", "--trust", "web", "--port", "0"]
    with subprocess.Popen([*command, "--json"], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        try:
            url = json.loads(process.stdout.readline())["dashboard"]
            top = [sys.executable, "-m", "numen", "top", url, "--json"]
            shown = json.loads(subprocess.run(top, capture_output=True, check=True).stdout)
        finally:
            process.terminate()

    assert process.returncode == 0, "it ends in peace"
    assert len(shown["trust"]["edges"]) == 3 * COUNT
    assert shown["about"]["ask"] == "numen why ID --log log"
