"""What an attester may say, and how a contradiction is shown."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.codec import CodecError
from numen.trust.attestation import (
    Contradiction,
    Line,
    Sheet,
    SignedSheet,
    Ticket,
    check_contradiction,
    check_sheet,
    check_ticket,
    read_sheet,
    sheet_of,
    sign_sheet,
    sign_ticket,
    write_sheet,
)
from numen.trust.attester import Attester
from numen.trust.errors import AttestationError, ContradictionError, RosterError, UnknownNodeError
from numen.trust.history import NOW, STEPS, History
from numen.trust.roster import Members, Roster
from tests.trust.town import attest, ring, sheet, town

MEMBERS, KEYS = town(8)
GOOD = History(NOW, 0)


def test_what_was_written_is_read():
    signed = sheet(MEMBERS, KEYS, 2, 40, {1: GOOD, 5: History(1, NOW)})

    check_sheet(read_sheet(write_sheet(signed)), MEMBERS)
    assert read_sheet(write_sheet(signed)) == signed


@given(st.data())
def test_a_changed_byte_is_noticed(data):
    raw = bytearray(write_sheet(sheet(MEMBERS, KEYS, 2, 40, {1: GOOD, 5: History(1, NOW)})))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises((CodecError, AttestationError)):
        check_sheet(read_sheet(bytes(raw)), MEMBERS)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Sheet(8, 40, ()), "there is no node 8"),
        (Sheet(0, 40, (Line(9, NOW, 0),)), "there is no node 9"),
        (Sheet(0, 40, (Line(0, NOW, 0),)), "attests itself"),
        (Sheet(0, 40, (Line(1, NOW, NOW),)), "two verdicts"),
        (Sheet(0, 40, (Line(1, 0, 0),)), "without a verdict"),
        (Sheet(0, 40, (Line(2, NOW, 0), Line(1, NOW, 0))), "not ordered"),
        (Sheet(0, 40, (Line(1, NOW, 0), Line(1, NOW, 0))), "not ordered"),
        (Sheet(0, 3, (Line(1, NOW >> 4, 0),)), "before the first step"),
    ],
)
def test_a_sheet_that_nobody_may_sign(said, reason):
    with pytest.raises(AttestationError, match=reason):
        check_sheet(SignedSheet(said, bytes(65)), MEMBERS)


def test_the_first_step_can_be_spoken_of():
    check_sheet(sheet(MEMBERS, KEYS, 0, 3, {1: History(NOW >> 3, 0)}), MEMBERS)


def test_a_sheet_of_another_roster_is_not_taken():
    signed = sheet(MEMBERS, KEYS, 0, 40, {1: GOOD})
    later = Members.of(1, 2, MEMBERS.roster.members)

    with pytest.raises(AttestationError, match="not signed by node 0"):
        check_sheet(signed, later)


def test_a_ticket_is_its_attesters():
    ticket = Ticket(1, 2, 7, True, bytes(32), bytes(32))
    signed = sign_ticket(ticket, MEMBERS, KEYS[1])

    check_ticket(signed, MEMBERS)
    for field, value in {"attester": 3, "target": 4, "step": 8, "is_trusted": False}.items():
        changed = msgspec.structs.replace(
            signed, ticket=msgspec.structs.replace(ticket, **{field: value})
        )
        with pytest.raises(AttestationError):
            check_ticket(changed, MEMBERS)


def test_two_sheets_of_one_step_are_a_contradiction():
    one = sheet(MEMBERS, KEYS, 3, 40, {1: GOOD})
    other = sheet(MEMBERS, KEYS, 3, 40, {1: History(0, NOW)})

    assert check_contradiction(Contradiction(one, other, None), MEMBERS) == 3


def test_a_sheet_that_denies_a_ticket_is_a_contradiction():
    ticket = sign_ticket(Ticket(3, 1, 38, False, bytes(32), bytes(32)), MEMBERS, KEYS[3])
    told = sheet(MEMBERS, KEYS, 3, 40, {1: History(0, NOW >> 2)})
    hidden = sheet(MEMBERS, KEYS, 3, 40, {1: GOOD})

    assert check_contradiction(Contradiction(hidden, None, ticket), MEMBERS) == 3
    with pytest.raises(ContradictionError, match="both be true"):
        check_contradiction(Contradiction(told, None, ticket), MEMBERS)


def test_nobody_is_accused_of_what_it_did_not_say():
    one = sheet(MEMBERS, KEYS, 3, 40, {1: GOOD})
    later = sheet(MEMBERS, KEYS, 3, 41, {1: History(0, NOW)})
    forged = SignedSheet(sheet_of(3, 40, {1: History(0, NOW)}), one.signature)
    old = sign_ticket(Ticket(3, 1, 40 - STEPS, False, bytes(32), bytes(32)), MEMBERS, KEYS[3])

    for other, ticket in ((one, None), (later, None), (forged, None), (None, old), (None, None)):
        with pytest.raises(ContradictionError):
            check_contradiction(Contradiction(one, other, ticket), MEMBERS)


def test_an_attester_takes_turns_and_sums_up_its_tickets():
    attester = ring(8)[0]
    for step in range(6):
        attest(attester, 0, step, is_trusted=step != 4)

    lines = {line.target: line.history for line in attester.sheet().lines}
    assert lines[1] == History(NOW >> 2 | NOW >> 5, 0)
    assert lines[2] == History(NOW >> 4, NOW >> 1)
    assert lines[3] == History(NOW | NOW >> 3, 0)
    check_sheet(sign_sheet(attester.sheet(), MEMBERS, KEYS[0]), MEMBERS)


def test_an_attester_refuses_what_is_not_its_own():
    attester = Attester(0, (1, 2))
    attester.advance(5)

    for attested, target, step in ((1, 2, 5), (0, 1, 4), (0, 0, 5)):
        ticket = Ticket(attested, target, step, True, bytes(32), bytes(32))
        with pytest.raises(AttestationError):
            attester.record(ticket)


def test_members_are_in_order_and_found_by_their_names():
    with pytest.raises(RosterError):
        Members(Roster(1, 1, (b"\2" * 20, b"\1" * 20)))
    with pytest.raises(RosterError):
        Members(Roster(1, 1, (b"\1" * 20, b"\1" * 20)))

    assert MEMBERS.find("3") == 3
    assert MEMBERS.find(f"0x{KEYS[5].address.hex()}") == 5
    assert MEMBERS.find(KEYS[5].address.hex()[:10]) == 5
    for name in ("8", "", "0x", "zz", "0x" + "0" * 40):
        with pytest.raises(UnknownNodeError):
            MEMBERS.find(name)
