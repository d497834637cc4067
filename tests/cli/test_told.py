"""What a person is told of a market: sentences about what happens now, with names."""

import json

import msgspec

from numen.cli.told import Teller, told
from numen.market import events, why

ADA, BOB, BUYER = "aa" * 20, "bb" * 20, "cc" * 20
TASK = "12" * 32
NAMES = {ADA: "ada"}
OFFER = events.Offered(1_000, TASK, ADA, 10_222, 100_000)
STILL = events.Scored(1_000, BOB, 0, 0, "00", "00")
HIDDEN = events.Executed(1_100, TASK, ADA, "00")


def redeemed(at_ms, who, paid):
    return events.Redeemed(at_ms, f"{paid:064x}", BUYER, who, paid)


def test_what_happens_is_a_sentence_with_names_and_coins_by_thousands():
    (found,) = told(NAMES, [OFFER])
    assert found.said == "ada offered to do it for 10,222 coins and pledged 100,000."
    assert (found.at_ms, found.task) == (1_000, TASK)


def test_what_changes_nothing_and_what_nobody_sees_is_not_told():
    assert list(told(NAMES, [STILL, HIDDEN])) == []


def test_a_worker_is_told_that_its_stake_is_too_small_but_not_that_a_bid_is():
    low = events.Declined(1_000, TASK, ADA, 9, 10, 1, pledge=50, staked=50)
    (found,) = told(NAMES, [low, msgspec.structs.replace(low, staked=49)])
    assert found.said == (
        "ada declined: a seat takes a pledge of 50 coins, and its stake of 49 does not cover it."
    )


def test_an_offer_that_no_stake_covered_is_why_nobody_worked():
    posted = events.Posted(1, TASK, BUYER, BOB, "00", "quorum", 20_000, 20_000, 1, 9)
    said = why.unfilled(TASK, [posted, msgspec.structs.replace(OFFER, lacking=1)])
    assert "though 1 worker asked no more than its 20,000 coins" in said
    assert said.endswith("highest bid: of 1 of them the stake did not cover it.")
    assert "less free" in why.unfilled(TASK, [posted, OFFER])


def test_tickets_that_are_redeemed_at_once_are_one_sentence():
    found = list(told(NAMES, [redeemed(5, ADA, 500), redeemed(5, ADA, 700), redeemed(5, BOB, 1)]))
    assert [each.said for each in found] == [
        "1,200 coins were paid to ada, for 2 winning tickets.",
        f"1 coins were paid to 0x{BOB[:10]}.",
    ]


def test_a_person_is_told_of_what_happens_now_and_a_program_of_everything(capsys):
    teller = Teller(NAMES, as_json=False)
    teller.is_live = lambda: False
    teller([OFFER])
    assert capsys.readouterr().out == ""
    teller.is_live = lambda: True
    teller([OFFER])
    assert capsys.readouterr().out.endswith(f"100,000. (task {TASK[:10]})\n")

    plain = Teller(NAMES, as_json=True)
    plain.is_live = lambda: False
    plain([redeemed(5, ADA, 500), STILL])
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "redeemed"


def test_a_sale_is_told_beside_the_answer(capsys):
    Teller(NAMES, as_json=False, of_sale=True)([OFFER])
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "    1.000 s  ada offered to do it for 10,222 coins and pledged 100,000.\n"
