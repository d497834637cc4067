"""What a ledger's node says of the markets that are settled on it."""

import asyncio

import pytest

from numen.base.crypto import SigningKey
from numen.evm.contract import function_of
from numen.lang.contracts.build import build
from numen.market.coins import wallet
from numen.market.contracts import artifact
from numen.market.contracts.books import PHASE_AT
from numen.market.reputation import Entry, replay
from numen.node.market.settler import Settler
from tests.node.ledger_served import AskedLedger
from tests.node.market.test_settler import HALL, Clerked, ledger, recorded, settle


class Settled:
    """A market that was played, on a ledger in this process."""

    def __init__(self, folder) -> None:
        self.asked, ask = ledger()

        async def story():
            hall, settler = Clerked(), Settler(ask, HALL, folder)
            await settler.open(hall.clerk)
            for what, at_ms in recorded(0):
                await hall.write(what, at_ms)
            await settle(settler, hall, lambda: not settler.waits)
            return hall.clerk.replica.market, f"0x{settler.contract.address.hex()}"

        self.market, self.address = asyncio.run(story())

    def __call__(self, method, *params):
        return self.asked(f"numen_{method}", self.address, *params)

    def error(self, method, *params) -> str:
        return self.asked.ask(f"numen_{method}", *params)["error"]["message"]


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    return Settled(tmp_path_factory.mktemp("hall"))


def test_a_market_shows_what_was_paid_and_fined(settled):
    found = settled("getMarket")
    totals = found["totals"]

    assert found["hall"] == f"0x{HALL.address.hex()}"
    assert (found["tasks"], totals["posted"], totals["settled"]) == (4, 4, 4)
    assert totals["answers"] == sum(s.accepted for s in settled.market.standings.values())
    fined = int(totals["fined"], 16)
    assert fined == int(totals["rewarded"], 16) + int(totals["burnt"], 16) > 0
    assert totals["slashed"] >= sum(s.faults for s in settled.market.standings.values())


def test_bids_are_open_or_done(settled):
    done = settled("getBids", "done")
    assert (len(done["bids"]), done["next"]) == (4, None)
    assert settled("getBids")["bids"] == []
    assert settled("getBids", "all", 3)["bids"] == done["bids"][3:]
    for bid in done["bids"]:
        assert bid["state"] == "settled"
        assert int(bid["escrowed"], 16) == 0
        assert settled("getBid", bid["task"]) == bid
    assert settled("getBid", f"0x{7:064x}") is None


def test_a_claim_names_who_gave_it_and_why_it_stands(settled):
    for bid in settled("getBids", "done")["bids"]:
        found = settled("getClaim", bid["task"])
        given = [seat for seat in found["seats"] if seat["claim"] == found["claim"]]
        assert found["equalAnswers"] == len(given) > 0
        assert all(seat["outcome"] == "accepted" for seat in given)
        kind = found["bid"]["evidence"]
        assert found["evidence"] in (kind, "verifiers")
        assert len(found["findings"]) == (3 if kind == "quote" else 0)
        assert found["evidence"] != "verifiers" or len(found["votes"]) > 1
        lines = settled("whyTask", bid["task"])
        assert f"stands by the {found['evidence']}" in lines[-1]
        assert len(lines) == 2 + sum(len(found[part]) for part in ("seats", "votes", "findings"))
    assert settled("getClaim", f"0x{7:064x}") is None


def test_people_are_shown_with_stakes_and_every_change_of_a_reputation_with_its_receipt(settled):
    workers = settled("getPeople", "worker")["people"]
    assert len(workers) == 5
    assert len(settled("getPeople", "verifier")["people"]) == 3
    everybody = settled("getPeople")["people"]
    for person in everybody:
        who = bytes.fromhex(person["address"][2:])
        assert int(person["free"], 16) >= settled.market.coins.balance(wallet(who))
    seen = 0
    for worker in workers:
        found = settled("getReputation", worker["address"])
        history = [
            Entry(bytes.fromhex(e["receipt"][2:]), e["isAccepted"], e["isReplicated"], e["isLie"])
            for e in found["entries"]
        ]
        seen += len(history)
        standing = replay(history)
        assert standing == settled.market.standing(bytes.fromhex(worker["address"][2:]))
        assert found["head"] == f"0x{standing.head.hex()}"
        assert worker["entries"] == found["total"] == len(history)
        assert settled("getReputation", worker["address"], 1)["entries"] == found["entries"][1:]
    assert seen >= 4


def test_what_is_no_market_is_refused(settled):
    nobody = f"0x{SigningKey.from_seed(b'nobody').address.hex()}"
    for method in ("getMarket", "getBids", "getPeople"):
        assert "is no market" in settled.error(method, nobody)
    assert "never had" in settled.error("whyTask", settled.address, f"0x{7:064x}")
    assert "invalid params" in settled.error("getBids", settled.address, "lost")


LIAR = """
from numen import contract, u64, u256, view

@contract
class Market:
    @view
    def task_of(self, t: u256) -> list[u256, {task}]:
        found: list[u256, {task}] = [0] * {task}
        found[{phase}] = 1
        return found

    @view
    def seat_count(self, t: u256) -> u64:
        return 3_000

    @view
    def seat_at(self, t: u256, place: u64) -> list[u256, {seat}]:
        return [0] * {seat}

    @view
    def vote_count(self, t: u256) -> u64:
        return 3_000

    @view
    def vote_at(self, t: u256, place: u64) -> list[u256, 2]:
        return [0] * 2
"""


def words(kind) -> int:
    """Words of a value of the ABI that is not dynamic."""
    return sum(map(words, kind.get("components", ()))) or 1


def test_a_contract_that_calls_itself_a_market_cannot_keep_the_node():
    asked = AskedLedger()
    sizes = {
        name: sum(map(words, function_of(artifact.entries(), name, count)["outputs"]))
        for name, count in (("task_of", 1), ("seat_at", 2))
    }
    source = LIAR.format(task=sizes["task_of"], seat=sizes["seat_at"], phase=PHASE_AT)
    liar = asked.create(build(source, file="liar.numen"))

    error = asked.ask("numen_getClaim", liar.address, f"0x{7:064x}")["error"]["message"]

    assert "more than 1000" in error
