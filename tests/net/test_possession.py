"""Proofs that an account is somebody's, and what liars make of them."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numen.base.crypto import CURVE_ORDER, HALF_ORDER, SigningKey
from numen.net import passes, possession
from numen.net.channel import Bounds, everybody
from numen.net.errors import PossessionError, TimedOutError
from numen.net.language import Kind, Language
from numen.net.passes import LIFE_MAX_MS, SKEW_MS, Doorkeeper, SignedPass, from_text, issue, to_text
from numen.net.possession import KINDS, Challenge, Ends, Possession, answer, ask, check, show
from numen.net.session import Session
from tests.net.fabric import ALICE, BOB, CAROL, MALLORY, joined, listening, memory, tls

LANGUAGE = Language({1: KINDS})
WALLET, OTHER = SigningKey.from_seed(b"wallet"), SigningKey.from_seed(b"other")
ENDS = Ends(ALICE.id, BOB.id, b"\1" * 32)
ASKED = Challenge(b"\2" * 32)
NOW = 1_700_000_000_000


def run(coroutine):
    asyncio.run(asyncio.wait_for(coroutine, 120))


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# By question and answer. -----------------------------------------------------------------------


@pytest.mark.parametrize("fabric", [memory, tls])
def test_both_learn_the_others_account(fabric):
    async def talk():
        async with joined(fabric()) as ends:
            near, far = (Session(end, LANGUAGE) for end in ends)
            found = await asyncio.gather(
                possession.introduce(near, ALICE.id, WALLET),
                possession.introduce(far, BOB.id, OTHER),
            )
            assert found == [OTHER.address, WALLET.address]

    run(talk())


def test_one_side_may_ask_alone():
    async def talk():
        async with joined(memory()) as ends:
            near, far = (Session(end, LANGUAGE) for end in ends)
            account, _ = await asyncio.gather(ask(far, BOB.id), show(near, ALICE.id, WALLET))
            assert account == WALLET.address

    run(talk())


def test_the_owner_is_believed():
    assert check(answer(WALLET, ENDS, ASKED), ENDS, ASKED) == WALLET.address


ELSEWHERE = {
    "replayed at another challenge": (ENDS, Challenge(b"\3" * 32)),
    "to another asker": (msgspec.structs.replace(ENDS, asks=CAROL.id), ASKED),
    "shown by another node": (msgspec.structs.replace(ENDS, shows=MALLORY.id), ASKED),
    "on another channel": (msgspec.structs.replace(ENDS, binding=b"\4" * 32), ASKED),
    "sent back to who showed it": (Ends(BOB.id, ALICE.id, ENDS.binding), ASKED),
}


@pytest.mark.parametrize("where", ELSEWHERE)
def test_an_answer_is_worth_nothing_elsewhere(where):
    ends, asked = ELSEWHERE[where]
    with pytest.raises(PossessionError):
        check(answer(WALLET, ENDS, ASKED), ends, asked)


@given(bit=st.integers(0, (20 + 65) * 8 - 1))
def test_an_altered_bit_is_noticed(bit):
    shown = answer(WALLET, ENDS, ASKED)
    raw = flipped(shown.account + shown.signature, bit)
    with pytest.raises(PossessionError):
        check(Possession(raw[:20], raw[20:]), ENDS, ASKED)


def test_somebody_elses_account_cannot_be_shown():
    shown = answer(OTHER, ENDS, ASKED)
    with pytest.raises(PossessionError):
        check(Possession(WALLET.address, shown.signature), ENDS, ASKED)


def test_the_second_form_of_a_signature_is_refused():
    shown = answer(WALLET, ENDS, ASKED)
    s = int.from_bytes(shown.signature[32:64], "big")
    assert s <= HALF_ORDER
    other = (CURVE_ORDER - s).to_bytes(32, "big")
    twin = shown.signature[:32] + other + bytes([55 - shown.signature[64]])
    with pytest.raises(PossessionError):
        check(Possession(shown.account, twin), ENDS, ASKED)


def test_who_sits_between_cannot_pass_an_answer_on():
    """Alice means Mallory and shows it her account; Mallory shows it to Bob as its own."""

    async def talk():
        fabric = tls()
        async with listening(fabric) as bob:
            middle = await fabric.make(MALLORY, Bounds()).listen("127.0.0.1:0", everybody)
            alice = Session(
                await fabric.make(ALICE, Bounds()).dial(middle.address, MALLORY.id),
                LANGUAGE,
            )
            to_alice = Session(await middle.accept(), LANGUAGE)
            to_bob = Session(
                await fabric.make(MALLORY, Bounds()).dial(bob.address, BOB.id), LANGUAGE
            )
            at_bob = Session(await bob.accept(), LANGUAGE)

            async def relay():
                challenge = await to_bob.receive()
                await to_alice.send(challenge.value)
                await to_bob.send((await to_alice.receive()).value)

            asked, _, _ = await asyncio.gather(
                ask(at_bob, BOB.id), relay(), show(alice, ALICE.id, WALLET), return_exceptions=True
            )
            assert isinstance(asked, PossessionError)
            for session in (alice, to_alice, to_bob, at_bob):
                await session.close()
            await middle.close()

    run(talk())


def test_an_answer_of_the_channel_before_is_worth_nothing():
    """The same two nodes, another channel: only the binding and the nonce differ."""

    async def talk():
        fabric = memory()
        async with listening(fabric) as bob:
            alice = fabric.make(ALICE, Bounds())
            bindings = []
            for _ in range(2):
                near = await alice.dial(bob.address, BOB.id)
                bindings.append((await bob.accept()).binding)
                await near.close()
            first, second = (Ends(ALICE.id, BOB.id, binding) for binding in bindings)
            with pytest.raises(PossessionError):
                check(answer(WALLET, first, ASKED), second, ASKED)

    run(talk())


def test_who_says_something_else_or_nothing_is_not_believed(monkeypatch):
    monkeypatch.setattr(possession, "PATIENCE_S", 0.05)

    async def talk():
        async with joined(memory()) as ends:
            near, far = (Session(end, LANGUAGE) for end in ends)
            with pytest.raises(TimedOutError):
                await ask(near, ALICE.id)
            await far.send(ASKED)
            with pytest.raises(PossessionError):
                await ask(near, ALICE.id)

    run(talk())


def test_who_does_not_know_the_question_is_not_waited_for():
    class Small(msgspec.Struct, frozen=True, array_like=True, tag="small/1"):
        pass

    async def talk():
        async with joined(memory()) as (one, other):
            deaf = Session(other, Language({1: (Kind(Small, 10),)}))
            task = asyncio.create_task(deaf.receive())
            with pytest.raises(PossessionError, match="tag"):
                await ask(Session(one, LANGUAGE), ALICE.id)
            task.cancel()

    run(talk())


# Without being asked. --------------------------------------------------------------------------


def door(known=lambda _: True) -> Doorkeeper:
    return Doorkeeper("the market", known)


def make(**changes) -> SignedPass:
    given = {"key": WALLET, "audience": "the market", "now_ms": NOW, "life_ms": 60_000} | changes
    return issue(**given)


def test_a_pass_is_taken_once():
    keeper, shown = door(), make()

    assert keeper.take(shown, NOW) == WALLET.address
    with pytest.raises(PossessionError, match="before"):
        keeper.take(shown, NOW + 1)
    assert keeper.take(make(), NOW) == WALLET.address


def test_a_pass_through_text_is_the_same():
    assert from_text(to_text(make(node=ALICE.id))).body.node == ALICE.id


def for_ever() -> SignedPass:
    body = msgspec.structs.replace(make().body, expires_ms=NOW + LIFE_MAX_MS + 1)
    return SignedPass(body, WALLET.sign(passes._digest(body)))


LIES = {
    "for another audience": (make(audience="the bank"), NOW, None),
    "expired": (make(), NOW + 60_000, None),
    "of the future": (make(), NOW - SKEW_MS - 1, None),
    "shown by nobody": (make(node=ALICE.id), NOW, None),
    "stolen by another node": (make(node=ALICE.id), NOW, MALLORY.id),
    "for ever": (for_ever(), NOW, None),
    "of another account": (
        SignedPass(msgspec.structs.replace(make().body, account=OTHER.address), make().signature),
        NOW,
        None,
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_pass_that_lies_is_refused(lie):
    shown, now_ms, node = LIES[lie]
    with pytest.raises(PossessionError):
        door().take(shown, now_ms, node)


@pytest.mark.parametrize(("now_ms", "node"), [(NOW - SKEW_MS, ALICE.id), (NOW + 59_999, ALICE.id)])
def test_a_pass_holds_until_its_last_moment(now_ms, node):
    assert door().take(make(node=ALICE.id), now_ms, node) == WALLET.address


@given(data=st.data())
def test_an_altered_character_is_noticed(data):
    text = to_text(make(node=ALICE.id))
    at = data.draw(st.integers(0, len(text) - 2))  # the last one has bits that say nothing
    other = data.draw(st.sampled_from("ABCXYZabcxyz0189-_").filter(lambda c: c != text[at]))
    with pytest.raises(PossessionError):
        door().take(from_text(text[:at] + other + text[at + 1 :]), NOW, ALICE.id)


@given(text=st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.hex()))
def test_any_text_is_no_pass(text):
    with pytest.raises(PossessionError):
        from_text(text)


def test_strangers_cannot_fill_the_memory_and_time_empties_it(monkeypatch):
    monkeypatch.setattr(passes, "SEEN_MAX", 3)
    keeper = door(known=lambda account: account == WALLET.address)
    for number in range(5):
        with pytest.raises(PossessionError, match="knows"):
            keeper.take(make(key=SigningKey.from_seed(bytes([number]))), NOW)
    for number in range(3):
        keeper.take(make(life_ms=1000 + number), NOW)

    with pytest.raises(PossessionError, match="too many"):
        keeper.take(make(), NOW)
    assert keeper.take(make(), NOW + 1000) == WALLET.address
