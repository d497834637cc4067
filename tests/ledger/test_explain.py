"""Trees of messages, and why they are as they are."""

import re

import pytest

from numen.ledger.explain import explain, why
from numen.ledger.tree import AmbiguousIdError, Record, UnknownIdError, find
from tests.ledger.scripts import Ask, Script
from tests.ledger.town import CONTRACTS, PEOPLE, Town

A, B, C, _ = CONTRACTS
NAMES = {A: "alpha", B: "beta", C: "gamma", PEOPLE[0].address: "ann"}


def name(address: bytes) -> str:
    return NAMES[address]


@pytest.fixture
def record() -> Record:
    town = Town()
    middle = Script(asks=(Ask(C, 0, Script(is_failing=True), Script(((2, 1),))),), waits=True)
    first = Script(asks=(Ask(B, 0, middle, Script(((3, 1),))),), waits=True)
    return Record(town.block(town.call(A, first)).receipts)


def test_a_transaction_is_explained_as_a_tree(record):
    root = next(iter(record._begun))
    lines = [re.sub("0x[0-9a-f]+", "…", line) for line in explain(record, root, name)]

    assert lines == [
        "… request ann -> alpha …: waits for an answer, 1010 units of work",
        "  … request alpha -> beta …: waits for an answer, 1010 units of work",
        "    … request beta -> gamma …: failed, reverted, 1010 units of work",
        "      … bounce gamma -> beta about …: done, 1010 units of work",
        "        … reply beta -> alpha about …: done, 1010 units of work",
    ]


def test_why_names_the_rule_and_the_way_out(record):
    failed = next(r for r in record._by_id.values() if r.failure is not None)
    lines = list(why(record, failed.message.id, name))

    assert "ann -> alpha" in lines[0]
    assert "beta -> gamma" in lines[2]
    assert lines[-1] == "what to do: the contract refused; its error says why"


def test_ids_may_be_shortened_but_not_guessed(record):
    some = next(iter(record._by_id))
    assert find(record, some.hex()[:16]) == some
    with pytest.raises(UnknownIdError, match="at least 4"):
        find(record, "0x1")
    with pytest.raises(UnknownIdError, match="begins with"):
        find(record, "ffffffffffffffff")
    record._by_id[some[:8] + bytes(24)] = record._by_id[some]
    with pytest.raises(AmbiguousIdError, match="several ids"):
        find(record, some[:8].hex())
