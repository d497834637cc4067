"""Two nodes come to the same kernel, for little more than what one of them lacked."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import encode
from numen.trust import gossip
from numen.trust.attestation import sheet_of, sign_sheet
from numen.trust.errors import AttestationError, GossipError
from numen.trust.gossip import BUCKETS, News, Offer, Steps, answer, offer
from numen.trust.history import NOW, STEPS, History
from numen.trust.patch import Patch, patch_of, patched
from tests.trust.town import attest, kernel_at, ring, sheet, town

COUNT = 48
MEMBERS, KEYS = town(COUNT)


def grown(steps):
    """Every node's sheets of so many steps, by step and node."""
    attesters = ring(COUNT, 6)
    sheets = []
    for step in range(steps):
        for index, attester in enumerate(attesters):
            attest(attester, index, step, is_trusted=(index + step) % 7 != 0)
        sheets.append(
            [sign_sheet(one.sheet(), MEMBERS, KEYS[at]) for at, one in enumerate(attesters)]
        )
    return sheets


SHEETS = grown(12)


def talk(mine, theirs):
    """One exchange; bytes on the wire."""
    size, message, turn = 0, offer(mine), theirs
    while message is not None:
        size += len(encode(message, size_max=1 << 20))
        message, turn = answer(turn, message), mine if turn is theirs else theirs
    return size


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=COUNT, max_size=COUNT))
def test_both_know_what_either_knew(steps):
    mine, theirs = kernel_at(MEMBERS, 12), kernel_at(MEMBERS, 12)
    for attester, (a, b) in enumerate(steps):
        mine.put(SHEETS[a][attester])
        theirs.put(SHEETS[b][attester])

    size = talk(mine, theirs)

    assert mine == theirs
    for attester, (a, b) in enumerate(steps):
        assert mine.get(attester) == SHEETS[max(a, b)][attester]
    lacked = sum(
        len(encode(patch_of(SHEETS[max(pair)][attester], min(pair))))
        for attester, pair in enumerate(steps)
        if pair[0] != pair[1]
    )
    assert size <= 1.3 * (lacked + 256 + 4 * COUNT)


def test_equal_kernels_cost_an_offer():
    mine, theirs = kernel_at(MEMBERS, 12), kernel_at(MEMBERS, 12)
    mine.merge(SHEETS[3])
    theirs.merge(SHEETS[3])

    assert talk(mine, theirs) == len(encode(offer(mine))) < 300


def test_a_newcomer_is_sent_everything_at_once():
    mine, theirs = kernel_at(MEMBERS, 12), kernel_at(MEMBERS, 12)
    theirs.merge(SHEETS[11])

    first = answer(theirs, offer(mine))

    assert isinstance(first, News)
    assert len(first.sheets) == COUNT
    assert answer(mine, first) is None
    assert mine == theirs


def test_whoever_gossips_with_whom_all_end_alike():
    chance = Random(5)
    kernels = [kernel_at(MEMBERS, 12) for _ in range(8)]
    for signed in SHEETS[10] + SHEETS[11]:
        kernels[chance.randrange(8)].put(signed)

    for _ in range(6):
        for at in range(8):
            talk(kernels[at], kernels[chance.randrange(8)])

    assert all(kernel == kernels[0] for kernel in kernels)


def test_a_new_sheet_goes_to_those_who_rest_on_it_as_a_patch():
    kernels = [kernel_at(MEMBERS, 12) for _ in range(2)]
    for kernel in kernels:
        kernel.merge(SHEETS[10])
    kernels[0].put(SHEETS[11][4])

    news = gossip.announcement(kernels[0], 4)

    assert set(gossip.beneficiaries(kernels[0], 4)) <= {(4 - gap) % COUNT for gap in range(1, 7)}
    assert len(gossip.beneficiaries(kernels[0], 4)) >= 4
    assert len(encode(news)) < 100
    assert answer(kernels[1], news) is None
    assert kernels[1].get(4) == SHEETS[11][4]


def test_a_sheet_is_asked_for_where_a_patch_does_not_fit():
    told, hidden = History(NOW, 0), History(0, NOW)
    old = sheet(MEMBERS, KEYS, 0, 9, {1: told})
    lying = sheet(MEMBERS, KEYS, 0, 10, {2: told})
    mine, theirs = kernel_at(MEMBERS, 12), kernel_at(MEMBERS, 12)
    mine.put(lying)
    theirs.put(old)

    talk(mine, theirs)

    assert theirs.get(0) == mine.get(0) == lying
    assert hidden != told


@given(st.integers(0, 10), st.integers(1, 11), st.integers(0, COUNT - 1))
def test_a_patch_leads_from_one_sheet_to_the_other(base, later, attester):
    patch = patch_of(SHEETS[later][attester], base)

    if base >= later:
        assert patch is None
    else:
        assert patched(SHEETS[base][attester], patch) == SHEETS[later][attester]
        assert patched(SHEETS[later][attester], patch) is None


@pytest.mark.parametrize(
    "message",
    [
        Steps(12, (1, 0), bytes(8)),
        Steps(12, (0,), bytes(3)),
        News(wanted=(3, 3), bases=b"\0\0"),
        News(wanted=(COUNT,), bases=b"\0"),
        News(wanted=(3,), bases=b""),
        News(patches=(Patch(0, 12, 1, b"\0\0\0", bytes(65)),)),
        News(patches=(Patch(0, 12, 1, (3 << 6 | 1 << 1).to_bytes(4, "big"), bytes(65)),)),
    ],
)
def test_what_no_honest_node_sends_is_refused(message):
    kernel = kernel_at(MEMBERS, 12)
    kernel.merge(SHEETS[11])

    with pytest.raises(GossipError):
        answer(kernel, message)


def test_a_forged_sheet_is_refused():
    kernel = kernel_at(MEMBERS, 12)
    forged = sign_sheet(sheet_of(0, 11, {1: History(NOW, 0)}), MEMBERS, KEYS[0])

    with pytest.raises(AttestationError):
        answer(kernel, News((type(forged)(forged.sheet, bytes(65)),)))
    assert len(kernel) == 0


def test_an_offer_is_of_one_size():
    assert len(offer(kernel_at(MEMBERS, 12)).hashes) == BUCKETS * gossip.HASH_BYTES
    assert isinstance(offer(kernel_at(MEMBERS, 12)), Offer)
    assert STEPS < 255
