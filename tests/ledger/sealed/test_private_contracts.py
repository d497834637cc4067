"""Contracts with private state on a disk: nobody reads it there, and nobody turns it back."""

import logging
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from numen.base.codec import encode
from numen.base.crypto import keccak256
from numen.base.errors import NumenError
from numen.ir.host import PRIVATE_FROM
from numen.ledger import looking, tariff
from numen.ledger.block import write_block
from numen.ledger.deliver import Moment
from numen.ledger.ledger import Ledger
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.errors import (
    MissingKeysError,
    NotAuthorisedError,
    UnsealError,
)
from numen.ledger.sealed.keyring import Keyring, Secrets, seal_request
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.state import LmdbKV
from numen.ledger.state import diff as diffs
from numen.ledger.wire import write_receipts
from numen.ledger.world import World
from numen.testing import Chain, build
from numen.testing.chain import CHAIN, Request
from numen.vm.host import Reason

BANK = """
from numen import address, contract, interface, isolated, map, message, reveal, rotate, view, Bounce

@interface
class Echo:
    async def again(n: u128) -> u128: ...

@contract
class Bank:
    echo: Echo
    moves: u128
    held: {held}
    total: {total}
    memo: {memo}

    def __init__(self, echo: Echo):
        self.echo = echo

    @message
    def put(self, n: {argument}):
        self.held[self.sender] += n
        self.total += n
        self.memo[0] = n
        self.moves += 1

    @message
    def give(self, to: address, n: {argument}):
        assert self.held[self.sender] >= n, "too little"
        self.held[self.sender] -= n
        self.held[to] += n

    @message
    async def slow(self, n: {argument}):
        half = n // 2
        moves = await self.echo.again(self.moves)
        self.held[self.sender] += half
        self.moves += moves

    @message
    @isolated
    async def careful(self, n: {argument}):
        before = self.held[self.sender]
        moves = await self.echo.again(1)
        self.held[self.sender] = before + n

    @message
    def renew(self):
        assert self.moves < 1000, "too old"
        rotate()

    @view
    def mine(self) -> u128:
        return self.held[self.sender]

    @view
    def big(self, than: {argument}) -> bool:
        return reveal(self.held[self.sender] > than)

    @view
    def moved(self) -> u128:
        return self.moves
"""

ECHO = """
from numen import contract, message

@contract
class Echo:
    @message
    def again(self, n: u128) -> u128:
        return n
"""

SECRETS = [0x5EC2E7_0001_A1B2C3D4E5F6 * 2**24 + 0x99AABBCCDD * n for n in (3001, 7, 1)]
"""Numbers whose bytes nobody else writes by chance."""


@cache
def bank(*, is_private: bool = True):
    def of(kind: str) -> str:
        return f"Private[{kind}]" if is_private else kind

    kinds = {"held": "map[address, u128]", "total": "u128", "memo": "list[u128, 2]"}
    kinds["argument"] = "u128"
    return build(BANK.format(**{name: of(kind) for name, kind in kinds.items()}))


@cache
def echo():
    return build(ECHO)


def town(kv=None, *, is_private: bool = True):
    chain = Chain(kv=kv)
    contract = chain.deploy(bank(is_private=is_private), chain.deploy(echo()), name="bank")
    return chain, contract


def traces(number: int) -> list[bytes]:
    """How a number could lie somewhere."""
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    texts = [str(number), raw.hex(), raw.hex().upper()]
    return [raw, raw[::-1], *(text.encode() for text in texts)]


def life(chain, contract):
    """Everything that the contract can do with secrets; what the node showed meanwhile."""
    ann, bob = chain.people[:2]
    first, second, third = SECRETS
    sent = [
        contract.send("put", first, sender=ann),
        contract.send("give", bob, second, sender=ann),
        contract.send("slow", 2 * third, sender=bob),
        contract.send("careful", third, sender=bob),
        contract.send("give", ann, first, sender=chain.people[3]),  # has not so much
        contract.send("give", ann, 2**127 + first, sender=chain.people[3]),
    ]
    assert [one.failure is None for one in sent] == [True] * 4 + [False] * 2
    assert contract.view("mine", sender=ann) == first - second
    assert contract.view("mine", sender=bob) == second + 2 * third
    assert contract.view("big", first, sender=bob) is True
    shown = [tree.encode() for one in sent for tree in (one.tree(), str(one.failure))]
    shown += [write_receipts(one.all) for one in sent]
    for height in range(1, chain.height + 1):
        block = chain.ledger.block(height)
        shown += [write_block(block), encode(block), write_receipts(chain.ledger.receipts(height))]
    return shown


def read_all(directory: Path) -> list[bytes]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert any(path.stat().st_size > 10_000 for path in files)
    return [path.read_bytes() for path in files]


def found_in(shown: list[bytes]) -> set[int]:
    """Which secrets, or what is computed of them, can be read somewhere."""
    first, second, third = SECRETS
    hidden = [*SECRETS, first - second, second + third, second + 2 * third, 2 * third]
    return {n for n in hidden for trace in traces(n) for raw in shown if trace in raw}


@pytest.mark.parametrize("room", [1, tariff.DELIVERIES_MAX], ids=["a-block-each", "whole"])
def test_nothing_private_is_on_the_disk_in_blocks_or_in_answers(
    tmp_path, monkeypatch, caplog, room
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(tariff, "DELIVERIES_MAX", room)
    chain, contract = town(LmdbKV(tmp_path / "ledger"))
    settle, kept = chain.world.settle, []

    def noting(also=()):
        kept.append(diffs.encode(settle(also)))
        return kept[-1] and diffs.decode(kept[-1])

    monkeypatch.setattr(chain.world, "settle", noting)
    shown = life(chain, contract)
    assert len(kept) >= 6
    assert found_in([*shown, *kept, *read_all(tmp_path), caplog.text.encode()]) == set()


def test_the_same_contract_without_private_shows_all_of_it(tmp_path):
    chain, contract = town(LmdbKV(tmp_path / "ledger"), is_private=False)
    shown = life(chain, contract)
    assert found_in(shown) & set(SECRETS)
    assert found_in(read_all(tmp_path)) >= set(SECRETS)


def test_who_carries_blocks_out_comes_to_the_same_root_and_who_has_no_keys_applies_diffs():
    chain, contract = town()
    life(chain, contract)
    other = Chain()
    other.world.keys = chain.world.keys
    keyless = Chain()
    for height in range(1, chain.height + 1):
        made = other.ledger.take(chain.ledger.block(height))
        keyless.world.state.apply(made.diff)
        assert keyless.world.state.root == made.block.header.state
    assert other.world.state.root == chain.world.state.root


def test_a_restart_reads_what_was_kept(tmp_path):
    chain, contract = town(LmdbKV(tmp_path))
    life(chain, contract)
    again = World(chain.world.kv, keys=chain.world.keys, root=chain.world.state.root)
    ledger = Ledger(CHAIN, again)
    moment = Moment(ledger.height, ledger.time_ms, 0)
    ann = chain.people[0]
    answered = sealed_look(contract, "mine", ann, again, moment)
    assert int.from_bytes(answered.result, "big") == SECRETS[0] - SECRETS[1]


def sealed_look(contract, name, who, world, moment, *args):
    payload = contract.request(name, *args).payload
    question = looking.Look(contract.address, payload, moment.height + 1, public_key(b"\5" * 32))
    public = world.keys.of(contract.address).public
    asked = looking.ask(question, who.key, public, b"\6" * 32)
    envelope = looking.answer(asked, contract.address, world, moment, b"\7" * 32)
    return looking.read(envelope, question, b"\5" * 32)


def test_a_block_that_is_abandoned_leaves_no_version_behind():
    chain, contract = town()
    ann = chain.people[0]
    contract.send("put", 5, sender=ann).unwrap()
    cell = chain.world.cell(contract.address)
    before = chain.world.root()
    cell.slots.store(PRIVATE_FROM + 3, 77)
    assert chain.world.root() != before
    chain.world.abandon()
    chain.world.cell(contract.address).slots.store(1, 9)
    chain.world.settle()

    chain.world._cells.clear()
    chain.world._guards[contract.address].load(PRIVATE_FROM + 3)
    contract.send("put", 6, sender=ann).unwrap()
    again = World(chain.world.kv, keys=chain.world.keys, root=chain.world.state.root)
    assert again.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 11


# --- who may ask ----------------------------------------------------------------------------------


def test_a_sealed_request_that_somebody_copies_does_not_open():
    chain, contract = town()
    ann, bob = chain.people[:2]
    contract.send("put", 50, sender=ann).unwrap()
    secrets = chain.world.keys.of(contract.address)
    payload = contract.request("give", bob, 30).payload
    sealed = seal_request(payload, contract.address, ann.address, secrets.public, b"\1" * 32)
    copied = Request(contract.address, sealed)
    (sent,) = chain.send_all(copied, sender=bob)
    assert sent.failure.reason is Reason.REVERTED
    (sent,) = chain.send_all(copied, sender=ann)
    assert sent.failure is None
    assert contract.view("mine", sender=bob) == 30


@pytest.mark.parametrize("at", [3, 4, 40, -1])
def test_an_altered_request_does_not_open(at):
    chain, contract = town()
    ann = chain.people[0]
    secrets = chain.world.keys.of(contract.address)
    payload = contract.request("put", 50).payload
    sealed = bytearray(
        seal_request(payload, contract.address, ann.address, secrets.public, b"\1" * 32)
    )
    sealed[at] ^= 1
    (sent,) = chain.send_all(Request(contract.address, bytes(sealed)), sender=ann)
    assert sent.failure is not None
    assert contract.view("moved") == 0


def test_what_is_private_is_not_taken_or_given_in_the_clear():
    chain, contract = town()
    ann = chain.people[0]
    for name, args in (("put", (50,)), ("mine", ()), ("big", (1,))):
        plain = contract.request(name, *args).payload
        (sent,) = chain.send_all(Request(contract.address, plain), sender=ann)
        assert "is private" in sent.failure.detail
        moment = Moment(chain.height, chain.ledger.time_ms, 0)
        world = chain.world
        seen = looking.look(world, contract.address, plain, ann.address, moment, 10**7)
        assert seen.result == b""
        assert "is private" in seen.failure.detail
    # A private result is in no receipt either, however the view is asked.
    secrets = chain.world.keys.of(contract.address)
    plain = contract.request("mine").payload
    sealed = seal_request(plain, contract.address, ann.address, secrets.public, b"\1" * 32)
    (sent,) = chain.send_all(Request(contract.address, sealed), sender=ann)
    assert "signed view call" in sent.failure.detail


def test_lies_about_who_looks_are_refused():
    chain, contract = town()
    ann, bob = chain.people[:2]
    contract.send("put", 50, sender=ann).unwrap()
    world, moment = chain.world, Moment(chain.height, chain.ledger.time_ms, 0)
    secrets = world.keys.of(contract.address)
    payload = contract.request("mine").payload
    question = looking.Look(contract.address, payload, moment.height + 1, public_key(b"\5" * 32))
    asked = looking.ask(question, ann.key, secrets.public, b"\6" * 32)

    def told(raw, at=moment, address=contract.address):
        return looking.answer(raw, address, world, at, b"\7" * 32)

    envelope = told(asked)
    assert int.from_bytes(looking.read(envelope, question, b"\5" * 32).result, "big") == 50
    with pytest.raises(UnsealError):
        looking.read(envelope, question, b"\6" * 32)
    with pytest.raises(UnsealError):
        looking.read(envelope, replace(question, expires=question.expires + 1), b"\5" * 32)
    with pytest.raises(UnsealError):
        told(asked[:-1] + bytes([asked[-1] ^ 1]))
    with pytest.raises(NotAuthorisedError, match="void"):
        told(asked, replace(moment, height=moment.height + 2))
    with pytest.raises(NotAuthorisedError, match="nothing"):
        told(asked, address=b"\1" * 20)
    elsewhere = replace(question, contract=b"\1" * 20)
    moved = looking.ask(replace(elsewhere), ann.key, secrets.public, b"\6" * 32)
    with pytest.raises(UnsealError):
        told(moved)
    # Bob is who he is, whatever he asks for.
    assert sealed_look(contract, "mine", bob, world, moment).result == bytes(32)


def test_a_node_without_the_keys_carries_nothing_out_and_applies_what_others_found():
    chain, contract = town()
    contract.send("put", 5).unwrap()
    other, keyless = Chain(), Chain()
    keyless.world.keys = Keyring()
    for height in range(1, chain.height + 1):
        block = chain.ledger.block(height)
        made = other.ledger.check(block)
        other.ledger.keep(made)
        if height > 1:  # the first creates what is not private
            with pytest.raises(MissingKeysError, match=contract.address.hex()):
                keyless.ledger.check(block)
        keyless.ledger.keep(keyless.ledger.adopt(block, made.diff))
    assert keyless.world.state.root == chain.world.state.root
    assert keyless.world.charter(contract.address).epoch == 0
    with pytest.raises(MissingKeysError):
        keyless.world.cell(contract.address)
    keyless.world.keys.add(EpochKeys(secret_of(contract), contract.address, 0))
    assert keyless.world.cell(contract.address).slots.load(PRIVATE_FROM + 3) == 5


def test_who_makes_a_block_leaves_out_what_it_has_no_keys_for():
    chain = Chain()
    chain.world.keys = Keyring()
    with pytest.raises(NumenError, match="keys are not here"):
        chain.deploy(bank(), chain.deploy(echo()))


def secret_of(contract) -> bytes:
    return keccak256(b"a secret of tests", contract.address)


def test_keys_of_another_epoch_open_nothing():
    keys = EpochKeys(b"\1" * 32, b"\2" * 20, 0)
    now, then = Secrets(keys), Secrets(keys.next(b"\3" * 32))
    payload = seal_request(b"four", b"\2" * 20, b"\4" * 20, now.public, b"\5" * 32)
    assert now.open_request(payload, b"\4" * 20) == b"four"
    with pytest.raises(UnsealError):
        then.open_request(payload, b"\4" * 20)
    assert now.open_record(b"a", now.seal_record(b"a", b"frame")) == b"frame"
    with pytest.raises(UnsealError):
        now.open_record(b"b", now.seal_record(b"a", b"frame"))
    with pytest.raises(UnsealError):
        then.open_record(b"a", now.seal_record(b"a", b"frame"))
