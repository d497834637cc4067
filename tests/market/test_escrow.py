"""The escrow: each attack that happened somewhere, and the invariants under any interleaving."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from numen.base.codec import U256
from numen.base.crypto import CURVE_ORDER, SigningKey, keccak256
from numen.base.eip712 import Domain
from numen.market import escrow as escrow_module
from numen.market.coins import Ledger, Transfer, issue, wallet
from numen.market.escrow import (
    BATCH_MAX,
    UNLOCK_ROUNDS,
    Escrow,
    EscrowError,
    LockedError,
    Marks,
    Reason,
    RedeemError,
    Redemption,
    begin_round,
    begin_rounds,
    claimable,
    deposit_of,
    lock,
    max_float,
    redeem,
    redeem_batch,
    reserve_of,
    unlock,
    withdraw,
)
from numen.market.ticket import (
    NONCES_MAX,
    VALIDITY_ROUNDS,
    WIN_ONE,
    SignedTicket,
    Ticket,
    sign_ticket,
)

DOMAIN = Domain("Numen", "1", 1337, b"\xcc" * 20)
PAYER = SigningKey.from_seed(b"payer")
PAYEES = [SigningKey.from_seed(f"payee {i}".encode()) for i in range(3)]
SECRET = b"s" * 32
POOL = frozenset(key.address for key in PAYEES)


def funded(deposit: int, reserve: int, rounds: int = 1) -> tuple[Escrow, Ledger]:
    escrow, ledger = Escrow(DOMAIN), issue({PAYER.address: 10_000})
    for _ in range(rounds):
        escrow = begin_round(escrow, b"entropy", POOL)
    return escrow, ledger.apply(
        (
            Transfer(wallet(PAYER.address), deposit_of(PAYER.address), deposit, "deposit"),
            Transfer(wallet(PAYER.address), reserve_of(PAYER.address), reserve, "reserve"),
        )
    )


def ticket(escrow: Escrow, face: int = 300, **changes) -> Redemption:
    """Make a ticket that is certain to win."""
    made = Ticket(
        recipient=PAYEES[0].address,
        sender=PAYER.address,
        face=face,
        win_prob=U256(WIN_ONE),
        nonce=0,
        rand_hash=keccak256(SECRET),
        round=escrow.round,
        round_hash=escrow.hashes[escrow.round],
    )
    made = msgspec.structs.replace(made, **changes)
    return Redemption(SignedTicket(made, PAYER.sign(sign_digest(made))), SECRET)


def sign_digest(made: Ticket, domain: Domain = DOMAIN) -> bytes:
    return escrow_module.ticket_digest(domain, made)


def refusal(escrow: Escrow, ledger: Ledger, redemption: Redemption) -> Reason:
    with pytest.raises(RedeemError) as caught:
        redeem(escrow, ledger, redemption)
    return caught.value.reason


def test_a_winner_is_paid_its_face_from_the_deposit_first():
    escrow, ledger = funded(200, 900)
    _, moves = redeem(escrow, ledger, ticket(escrow, face=300))
    ledger = ledger.apply(moves)

    assert ledger.balance(wallet(PAYEES[0].address)) == 300
    assert ledger.balance(deposit_of(PAYER.address)) == 0
    assert ledger.balance(reserve_of(PAYER.address)) == 800


def test_a_ticket_is_paid_once():
    escrow, ledger = funded(1000, 0)
    won = ticket(escrow)
    escrow, moves = redeem(escrow, ledger, won)

    assert refusal(escrow, ledger.apply(moves), won) is Reason.USED


def test_a_ticket_is_paid_once_whoever_mirrors_its_signature():
    """The second form of an ECDSA signature would be a second ticket with another draw."""
    escrow, ledger = funded(1000, 0)
    won = ticket(escrow)
    r, s, v = won.signed.signature[:32], won.signed.signature[32:64], won.signed.signature[64]
    mirrored = (CURVE_ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    mirror = SignedTicket(won.signed.ticket, r + mirrored + bytes([55 - v]))

    assert refusal(escrow, ledger, Redemption(mirror, SECRET)) is Reason.SIGNATURE


def test_dust_does_not_use_a_winner_up():
    """livepeer/protocol #657: a deposit of one coin in front of the redemption."""
    escrow, ledger = funded(1, 0)
    won = ticket(escrow, face=300)

    assert refusal(escrow, ledger, won) is Reason.UNFUNDED
    refill = Transfer(wallet(PAYER.address), deposit_of(PAYER.address), 299, "deposit")
    ledger = ledger.apply((refill,))
    _, moves = redeem(escrow, ledger, won)
    assert sum(m.amount for m in moves) == 300


def test_the_part_of_the_reserve_that_others_may_claim_pays_nobody_else():
    """livepeer/protocol #663: the whole reserve covers the winner, the payee's part does not."""
    escrow, ledger = funded(0, 899)

    assert claimable(escrow, ledger, PAYER.address, PAYEES[0].address) == 299
    assert refusal(escrow, ledger, ticket(escrow, face=300)) is Reason.UNFUNDED
    redeem(escrow, ledger, ticket(escrow, face=299))


def test_a_payee_claims_its_part_once_a_round():
    escrow, ledger = funded(0, 900)
    escrow, moves = redeem(escrow, ledger, ticket(escrow, face=300))
    ledger = ledger.apply(moves)

    assert claimable(escrow, ledger, PAYER.address, PAYEES[0].address) == 0
    assert claimable(escrow, ledger, PAYER.address, PAYEES[1].address) == 300
    assert refusal(escrow, ledger, ticket(escrow, face=1, nonce=1)) is Reason.UNFUNDED
    later = begin_round(escrow, b"more", POOL)
    assert claimable(later, ledger, PAYER.address, PAYEES[0].address) == 200


def test_strangers_have_no_part_of_a_reserve():
    escrow, ledger = funded(0, 900)
    sybil = ticket(escrow, face=1, recipient=b"y" * 20)

    assert refusal(escrow, ledger, sybil) is Reason.UNFUNDED


@pytest.mark.parametrize("rounds", range(VALIDITY_ROUNDS + 2))
def test_a_ticket_lives_through_its_rounds_and_no_longer(rounds):
    escrow, ledger = funded(1000, 0)
    won = ticket(escrow)
    for number in range(rounds):
        escrow = begin_round(escrow, bytes([number]), POOL)

    if rounds <= VALIDITY_ROUNDS:
        redeem(escrow, ledger, won)
    else:
        assert refusal(escrow, ledger, won) is Reason.EXPIRED


def test_marks_are_kept_as_long_as_a_ticket_could_be_paid_and_then_forgotten():
    escrow, ledger = funded(1000, 0)
    won = ticket(escrow)
    escrow, moves = redeem(escrow, ledger, won)
    ledger = ledger.apply(moves)
    for number in range(VALIDITY_ROUNDS):
        escrow = begin_round(escrow, bytes([number]), POOL)
        assert refusal(escrow, ledger, won) is Reason.USED
    escrow = begin_round(escrow, b"end", POOL)

    assert escrow.marks == {}
    assert refusal(escrow, ledger, won) is Reason.EXPIRED


def test_tickets_of_rounds_to_come_and_of_made_up_rounds_are_refused():
    escrow, ledger = funded(1000, 0)

    future = ticket(escrow, round=escrow.round + 1)
    assert refusal(escrow, ledger, future) is Reason.ROUND_UNKNOWN
    # Arbitrum once gave a zero block hash (go-livepeer #2359): no round has it here.
    for seal in (bytes(32), keccak256(b"guess")):
        assert refusal(escrow, ledger, ticket(escrow, round_hash=seal)) is Reason.ROUND_HASH


def test_before_the_first_round_nothing_is_paid():
    escrow, ledger = funded(1000, 0)
    won = ticket(escrow, round=0, round_hash=bytes(32))

    assert refusal(Escrow(DOMAIN), ledger, won) is Reason.ROUND_UNKNOWN


def test_another_secret_pays_nothing():
    escrow, ledger = funded(1000, 0)
    won = Redemption(ticket(escrow).signed, b"t" * 32)

    assert refusal(escrow, ledger, won) is Reason.SECRET


def test_a_loser_pays_nothing():
    escrow, ledger = funded(1000, 0)
    assert refusal(escrow, ledger, ticket(escrow, win_prob=U256(0))) is Reason.LOST


def test_nobody_redirects_or_enlarges_a_ticket():
    escrow, ledger = funded(1000, 900)
    signature = ticket(escrow).signed.signature
    for change in ({"recipient": PAYEES[1].address}, {"face": 301}, {"nonce": 1}):
        stolen = msgspec.structs.replace(ticket(escrow).signed.ticket, **change)
        lie = Redemption(SignedTicket(stolen, signature), SECRET)
        assert refusal(escrow, ledger, lie) is Reason.SIGNATURE


def test_nobody_makes_tickets_in_anothers_name():
    """Payee and a friend who know all secrets still lack the payer's signature (HOPR #3408)."""
    escrow, ledger = funded(1000, 900)
    made = ticket(escrow).signed.ticket
    forged = SignedTicket(made, PAYEES[1].sign(sign_digest(made)))

    assert refusal(escrow, ledger, Redemption(forged, SECRET)) is Reason.SIGNATURE


@pytest.mark.parametrize(
    "elsewhere", [Domain("Numen", "1", 1, b"\xcc" * 20), Domain("Numen", "1", 1337, b"\xcd" * 20)]
)
def test_a_ticket_of_another_chain_or_contract_pays_nothing(elsewhere):
    escrow, ledger = funded(1000, 0)
    made = ticket(escrow).signed.ticket
    foreign = sign_ticket(PAYER, elsewhere, made)

    assert refusal(escrow, ledger, Redemption(foreign, SECRET)) is Reason.SIGNATURE


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 65, b"\x01" * 64])
def test_signatures_that_are_none_pay_nothing(signature):
    escrow, ledger = funded(1000, 0)
    bad = Redemption(SignedTicket(ticket(escrow).signed.ticket, signature), SECRET)

    wanted = Reason.SIGNATURE if len(signature) == 65 else Reason.MALFORMED
    assert refusal(escrow, ledger, bad) in (wanted, Reason.LOST)


@pytest.mark.parametrize(
    "change", [{"nonce": -1}, {"face": -5}, {"recipient": b"x"}, {"round": "1"}, {"win_prob": 5}]
)
def test_what_is_no_ticket_is_refused_as_such(change):
    escrow, ledger = funded(1000, 0)
    good = ticket(escrow)
    broken = SignedTicket(
        msgspec.structs.replace(good.signed.ticket, **change), good.signed.signature
    )

    assert refusal(escrow, ledger, Redemption(broken, SECRET)) is Reason.MALFORMED


def test_nonces_are_bounded_at_their_edge():
    escrow, ledger = funded(1000, 0)

    redeem(escrow, ledger, ticket(escrow, nonce=NONCES_MAX - 1))
    assert refusal(escrow, ledger, ticket(escrow, nonce=NONCES_MAX)) is Reason.NONCE
    assert refusal(escrow, ledger, ticket(escrow, nonce=2**63)) is Reason.NONCE


def test_marks_are_bounded(monkeypatch):
    monkeypatch.setattr(escrow_module, "MARKS_MAX", 1)
    escrow, ledger = funded(1000, 0)
    escrow, moves = redeem(escrow, ledger, ticket(escrow))
    other = Redemption(ticket(escrow, rand_hash=keccak256(b"t" * 32)).signed, b"t" * 32)

    assert refusal(escrow, ledger.apply(moves), other) is Reason.CROWDED
    redeem(escrow, ledger.apply(moves), ticket(escrow, nonce=1))


def test_money_leaves_after_every_ticket_has_expired():
    escrow, ledger = funded(500, 900)
    escrow = unlock(escrow, PAYER.address)
    won = ticket(escrow)
    for number in range(UNLOCK_ROUNDS):
        with pytest.raises(LockedError):
            withdraw(escrow, ledger, PAYER.address)
        if number <= VALIDITY_ROUNDS:
            redeem(escrow, ledger, won)
        escrow = begin_round(escrow, bytes([number]), POOL)

    assert refusal(escrow, ledger, ticket(escrow)) is Reason.UNLOCKED
    escrow, moves = withdraw(escrow, ledger, PAYER.address)
    assert ledger.apply(moves).balance(wallet(PAYER.address)) == 10_000
    with pytest.raises(LockedError):
        withdraw(escrow, ledger, PAYER.address)


def test_a_payer_that_did_not_ask_gets_nothing_back():
    escrow, ledger = funded(500, 900, rounds=9)
    with pytest.raises(LockedError):
        withdraw(escrow, ledger, PAYER.address)
    asked = lock(unlock(escrow, PAYER.address), PAYER.address)
    for number in range(UNLOCK_ROUNDS):
        asked = begin_round(asked, bytes([number]), POOL)
    with pytest.raises(LockedError):
        withdraw(asked, ledger, PAYER.address)


def test_asking_twice_does_not_move_the_day():
    escrow, _ = funded(500, 900)
    escrow = begin_round(unlock(escrow, PAYER.address), b"x", POOL)

    assert unlock(escrow, PAYER.address) == escrow


def test_the_float_is_the_payees_part_and_nothing_once_the_payer_leaves():
    escrow, ledger = funded(100, 900)
    me = PAYEES[0].address

    assert max_float(escrow, ledger, PAYER.address, me, pending=0) == 300
    assert max_float(escrow, ledger, PAYER.address, me, pending=33) == 300, "covered three times"
    assert max_float(escrow, ledger, PAYER.address, me, pending=34) == 266
    assert max_float(escrow, ledger, PAYER.address, me, pending=301) == 0
    leaving = unlock(escrow, PAYER.address)
    assert max_float(leaving, ledger, PAYER.address, me, pending=0) == 0


def test_a_batch_goes_on_past_what_is_refused():
    escrow, ledger = funded(700, 0)
    batch = [ticket(escrow, nonce=n) for n in (0, 0, 1, 2)]
    escrow, after, outcomes = redeem_batch(escrow, ledger, batch)

    assert outcomes == (None, Reason.USED, None, Reason.UNFUNDED)
    assert after.balance(wallet(PAYEES[0].address)) == 600
    assert after.total() == ledger.total()


def test_a_batch_is_bounded():
    escrow, ledger = funded(0, 0)
    redeem_batch(escrow, ledger, [ticket(escrow)] * BATCH_MAX)
    with pytest.raises(EscrowError):
        redeem_batch(escrow, ledger, [ticket(escrow)] * (BATCH_MAX + 1))


@given(entropy=st.binary(max_size=8), other=st.binary(max_size=8))
def test_a_rounds_hash_is_of_its_entropy(entropy, other):
    one = begin_round(Escrow(DOMAIN), entropy, POOL)
    two = begin_round(Escrow(DOMAIN), other, POOL)
    assert (one.hashes == two.hashes) == (entropy == other)


class Heist(RuleBasedStateMachine):
    """A payer who issues too much, drains itself to a friend and runs, against honest payees.

    Two payees keep to `max_float` and redeem what they win within the round; the third is the
    payer's friend, redeems whatever the payer signs for it, and takes part in the pool. The payer
    may unlock, withdraw and put money back in any order. No honest payee may ever hold a winner
    that is not paid in full (I4); no coin is made or lost (I1), no ticket is paid twice (I2), and
    what is paid is the face value (I3).
    """

    def __init__(self):
        super().__init__()
        self.escrow, self.ledger = funded(500, 900)
        self.nonce = 0
        self.held: dict[int, Redemption] = {}
        self.earned = dict.fromkeys(range(3), 0)
        self.paid: list[Redemption] = []

    def issue(self, payee: int, face: int) -> Redemption:
        self.nonce += 1
        secret = keccak256(b"secret", bytes([payee]), self.nonce.to_bytes(8, "big"))
        made = ticket(
            self.escrow,
            face=face,
            recipient=PAYEES[payee].address,
            rand_hash=keccak256(secret),
            nonce=self.nonce % NONCES_MAX,
        )
        return Redemption(made.signed, secret)

    def cash(self, redemption: Redemption, payee: int) -> None:
        self.escrow, moves = redeem(self.escrow, self.ledger, redemption)
        self.ledger = self.ledger.apply(moves)
        assert sum(m.amount for m in moves) == redemption.signed.ticket.face
        self.earned[payee] += redemption.signed.ticket.face
        self.paid.append(redemption)

    @rule(payee=st.integers(0, 1), face=st.integers(1, 500))
    def an_honest_payee_takes_a_winner(self, payee, face):
        sure = max_float(self.escrow, self.ledger, PAYER.address, PAYEES[payee].address, 0)
        if payee not in self.held and face <= sure:
            self.held[payee] = self.issue(payee, face)

    @rule(payee=st.integers(0, 1))
    def an_honest_payee_redeems(self, payee):
        if payee in self.held:
            self.cash(self.held.pop(payee), payee)

    @rule(face=st.integers(1, 900))
    def the_friend_drains(self, face):
        made = self.issue(2, face)
        deposit = self.ledger.balance(deposit_of(PAYER.address))
        own = claimable(self.escrow, self.ledger, PAYER.address, PAYEES[2].address)
        is_locked = self.escrow.round < self.escrow.unlocking.get(PAYER.address, 2**63)
        if is_locked and face <= deposit + own:
            self.cash(made, 2)
        else:
            assert refusal(self.escrow, self.ledger, made) in (Reason.UNFUNDED, Reason.UNLOCKED)

    @precondition(lambda self: self.paid)
    @rule(data=st.data())
    def anyone_tries_again(self, data):
        again = data.draw(st.sampled_from(self.paid))
        with pytest.raises(RedeemError):
            redeem(self.escrow, self.ledger, again)

    @rule(amount=st.integers(1, 500), to_reserve=st.booleans())
    def the_payer_funds(self, amount, to_reserve):
        target = (reserve_of if to_reserve else deposit_of)(PAYER.address)
        if self.ledger.balance(wallet(PAYER.address)) >= amount:
            move = Transfer(wallet(PAYER.address), target, amount, "fund")
            self.ledger = self.ledger.apply((move,))
            self.escrow = lock(self.escrow, PAYER.address)

    @rule()
    def the_payer_runs(self):
        self.escrow = unlock(self.escrow, PAYER.address)

    @rule()
    def the_payer_withdraws(self):
        try:
            self.escrow, moves = withdraw(self.escrow, self.ledger, PAYER.address)
        except LockedError:
            return
        self.ledger = self.ledger.apply(moves)

    @rule()
    def a_round_ends(self):
        for payee in tuple(self.held):
            self.cash(self.held.pop(payee), payee)
        self.escrow = begin_round(self.escrow, self.nonce.to_bytes(8, "big"), POOL)

    @invariant()
    def books_balance(self):
        assert self.ledger.total() == 10_000
        for payee, earned in self.earned.items():
            assert self.ledger.balance(wallet(PAYEES[payee].address)) == earned

    @invariant()
    def every_honest_winner_would_be_paid_now(self):
        for redemption in self.held.values():
            redeem(self.escrow, self.ledger, redemption)


TestHeist = Heist.TestCase
TestHeist.settings = settings(max_examples=40, stateful_step_count=30)


@given(
    st.integers(0, 9),
    st.integers(0, 9),
    st.binary(max_size=4),
    st.lists(st.integers(0, 12), max_size=3),
)
def test_rounds_that_pass_at_once_are_rounds_that_pass_one_by_one(before, more, entropy, marks):
    escrow = Escrow(DOMAIN)
    for number in range(before):
        escrow = begin_round(escrow, bytes([number]), POOL)
    marked = {(b"p" * 20, b"q" * 20, bytes([m]) * 32): Marks(1, m) for m in marks}
    escrow = msgspec.structs.replace(escrow, marks=marked)
    one_by_one = escrow
    for _ in range(more):
        one_by_one = begin_round(one_by_one, entropy, POOL)

    assert begin_rounds(escrow, before + more, entropy, POOL) == one_by_one
