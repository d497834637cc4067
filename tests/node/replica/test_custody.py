"""Keys of contracts among nodes: dealt in shares, put together, lost, asked for, and renewed."""

import pytest

from numen.base.codec import decode, encode
from numen.base.crypto import SigningKey
from numen.evm.contract import encode_input, function_of
from numen.evm.transaction import Kind as Form
from numen.evm.transaction import Transaction
from numen.ir.host import PRIVATE_FROM
from numen.ledger import looking
from numen.ledger.founding import Founding, FoundingError, is_attested
from numen.ledger.past import before
from numen.ledger.sealed.charter import shares_of
from numen.ledger.sealed.envelope import enclose, public_key
from numen.ledger.sealed.errors import MissingKeysError
from numen.ledger.sealed.keyring import Keyring
from numen.ledger.sealed.keys import EpochKeys
from numen.ledger.sealed.shares import Share, deal, join, verify
from numen.ledger.state.kv import MemoryKV
from numen.node.ledger.follower import Follower
from numen.node.process.dealing import word_of
from numen.node.replica.custodian import _SHARE, CLAIMS_MAX, _Held, about_share
from numen.node.replica.packet import Claim, Entrusted, Lent, Peek, Seen
from numen.node.replica.plan import Mode
from numen.node.rpc.dispatch import Dispatcher
from numen.node.rpc.replica_methods import METHODS
from numen.testing import build
from tests.ledger.sealed.test_private_contracts import SECRETS, traces
from tests.node.replica.hall import CHAIN, OWNER, Hall
from tests.node.served import Asked

PURSE = build("""
from numen import Private, address, contract, map, message, rotate, view

@contract
class Purse:
    held: Private[map[address, u128]]
    total: Private[u128]

    @message
    def put(self, n: Private[u128]):
        self.held[self.sender] += n
        self.total += n

    @message
    def renew(self):
        rotate()

    @view
    def mine(self) -> u128:
        return self.held[self.sender]
""")

SECRET, OTHER = SECRETS[:2]
DEALT = b"s" * 32


def payload(name: str, *args) -> bytes:
    return encode_input(function_of(PURSE.abi, name, len(args)), list(args))


@pytest.fixture
def hall(tmp_path):
    made = Hall(tmp_path)
    yield made
    made.close()


def founded(hall: Hall) -> bytes:
    """A contract whose keys all nodes have."""
    _, founding, _ = hall.deal(0)
    return hall.create(PURSE, 0, founding)


def total(hall: Hall, index: int, contract: bytes) -> int:
    return hall.bodies[index].world.look(contract, is_open=True).load(PRIVATE_FROM + 1)


def kept(hall: Hall, index: int) -> list[_Held]:
    """The shares on a node's disk."""
    box = hall.bodies[index]._custodian._box
    found = hall.disks[index].scan(_SHARE)
    return [decode(_Held, box.open(name, raw).value) for name, raw in found]


def test_shares_are_dealt_put_together_and_the_contract_lives(hall):
    contract, founding, said = hall.deal(0)
    assert len(founding.signatures) == 4
    assert {p.reason for p in said} == {""}
    assert hall.create(PURSE, 0, founding) == contract
    hall.request(1, contract, payload("put", SECRET))
    hall.request(2, contract, payload("put", OTHER))
    assert (set(hall.heights()), len(hall.roots())) == ({3}, 1)
    assert {total(hall, index, contract) for index in range(4)} == {SECRET + OTHER}
    for index in range(4):
        (held,) = kept(hall, index)
        assert held.share.node == index + 1
        verify(held.share, held.commitments)
    assert hall.suspects == []


def test_disks_and_packets_show_neither_secrets_nor_what_is_private(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    hall.request(2, contract, payload("renew"), is_sealed=False)
    hall.request(3, contract, payload("put", OTHER))
    key = hall.bodies[1].world.keys.of(contract).keys
    hidden = [trace for n in (SECRET, OTHER, SECRET + OTHER) for trace in traces(n)]
    shares = [shares_of(each, 3, 4).shares for each in (key, EpochKeys(DEALT, contract, 0))]
    hidden += [share.value for dealt in shares for share in dealt]
    hidden += [DEALT, key.secret, key.cell_key, key.mail_key]
    shown = hall.said + [raw for disk in hall.disks for _, raw in disk.scan(b"")]
    assert [trace for trace in hidden for raw in shown if trace in raw] == []
    assert total(hall, 3, contract) == SECRET + OTHER


def test_a_false_share_is_left_out_and_its_node_named(hall):
    liar, mail = hall.keys[2].address, hall.plans[0].keepers

    def twist(source, target, packet):
        if isinstance(packet, Lent) and source == liar:
            number = hall.plans[0].keeper(target)
            about = about_share(CHAIN, packet.contract, packet.point)
            false = encode(Share(3, b"\1" * 32))
            sealed = enclose(false, mail[number - 1].mail, about, b"\2" * 32)
            return Lent(packet.contract, packet.point, sealed)
        return packet

    hall.twist = twist
    contract, founding, _ = hall.deal(0)
    assert len(founding.signatures) == 4
    named = {(index, peer) for index, peer, reason in hall.suspects if "does not fit" in reason}
    assert {peer for _, peer in named} == {liar}
    assert hall.create(PURSE, 0, founding) == contract
    assert set(hall.heights()) == {1}


def test_a_share_of_another_node_or_for_another_reader_is_refused(hall):
    hall.deal(0)
    contract, offers = hall.offers(0)
    point = offers[0].commitments[0]
    custodian = hall.bodies[1]._custodian
    assert custodian.claim(b"stranger" * 2 + b"1234", Claim(contract, point)) is None
    told = custodian.claim(hall.keys[2].address, Claim(contract, point))
    fresh = Hall(hall.directory / "other")
    _, others = fresh.offers(0)
    for index in (2, 3):
        fresh.bodies[index]._custodian.entrust(others[index])
    with pytest.raises(Exception, match="its own was asked for"):
        fresh.bodies[2]._custodian.take(fresh.keys[3].address, told)
    with pytest.raises(Exception, match="another reader"):
        fresh.bodies[3]._custodian.take(fresh.keys[1].address, told)
    assert fresh.bodies[2]._custodian.take(fresh.keys[1].address, told) is False
    fresh.close()


def test_lies_of_who_deals_are_told_to_it(hall):
    contract, offers = hall.offers(0)
    mail = [keeper.mail for keeper in hall.plans[0].keepers]
    dealt = shares_of(EpochKeys(DEALT, contract, 0), 3, 4)
    thief = SigningKey.from_seed(b"thief")
    lies = {
        "does not fit": hall.offer(0, contract, dealt.commitments, mail[0], Share(1, b"\7" * 32)),
        "is of node 2": hall.offer(0, contract, dealt.commitments, mail[0], dealt.shares[1]),
        "another reader": hall.offer(0, contract, dealt.commitments, mail[1], dealt.shares[0]),
        "not who will create": hall.offer(
            0, contract, dealt.commitments, mail[0], dealt.shares[0], thief
        ),
        "more shares are needed": hall.offer(
            0, contract, (*dealt.commitments, *dealt.commitments), mail[0], dealt.shares[0]
        ),
    }
    custodian = hall.bodies[0]._custodian
    for reason, offer in lies.items():
        said = custodian.entrust(offer)
        assert (said.signature, reason in said.reason) == (b"", True), said.reason
    assert kept(hall, 0) == []
    # Shares of a polynomial that does not follow from the secret are found out when put together.
    other = deal(b"o" * 32, 3, 4, b"\1" * 32 + b"\2" * 32)
    for _ in range(2):
        for index, share in enumerate(other.shares):
            hall.tell(index, hall.offer(0, contract, other.commitments, mail[index], share))
        hall.run()
    assert "whoever dealt them lies" in hall.heard[-1].reason
    assert all(kept(hall, index) == [] for index in range(4))
    founded(hall)
    assert "there already" in custodian.entrust(offers[0]).reason


def test_a_contract_that_too_few_can_carry_out_is_created_by_nobody(hall):
    _, founding, _ = hall.deal(0)
    commitments = founding.commitments
    stranger = SigningKey.from_seed(b"stranger").sign(bytes(32))
    for signatures in ((), founding.signatures[:2], (*founding.signatures[:2], stranger),
                       founding.signatures[:1] * 4):  # fmt: skip
        hall.create(PURSE, 0, Founding(commitments, tuple(signatures)))
        assert set(hall.heights()) == {0}
        assert "more than two thirds" in hall.heard[-1].reason


def test_nodes_that_begin_again_have_their_keys_from_each_other(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    for index in range(4):
        hall.stop(index)
    hall.start(0)
    hall.start(1)
    hall.run()
    with pytest.raises(MissingKeysError):
        total(hall, 0, contract)
    hall.start(2)
    hall.start(3)
    hall.run()
    hall.request(2, contract, payload("put", OTHER))
    assert (set(hall.heights()), len(hall.roots())) == ({3}, 1)
    assert {total(hall, index, contract) for index in range(4)} == {SECRET + OTHER}


def test_a_node_that_lost_its_disk_applies_diffs_and_gets_a_share_again(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    hall.stop(3)
    hall.disks[3] = MemoryKV()
    (hall.directory / "votes-3").unlink(missing_ok=True)
    hall.start(3)
    hall.run(6)
    assert hall.heights()[3] == 2
    hall.request(2, contract, payload("put", OTHER))
    hall.run(6)
    assert (set(hall.heights()), len(hall.roots())) == ({3}, 1)
    assert total(hall, 3, contract) == SECRET + OTHER
    (held,) = kept(hall, 3)
    assert held.share.node == 4


def test_a_node_without_keys_finds_nothing_out_does_not_vote_and_is_not_left_behind(hall):
    contract = founded(hall)
    hall.stop(3)
    hall.start(3)
    hall.twist = lambda _, target, packet: (
        None if isinstance(packet, Lent) and target == hall.keys[3].address else packet
    )
    votes = len(hall.said)
    hall.request(1, contract, payload("put", SECRET))
    hall.run(4)
    assert (set(hall.heights()), len(hall.roots())) == ({2}, 1)
    with pytest.raises(MissingKeysError):
        total(hall, 3, contract)
    mine = hall.voting[3].public
    assert not any(b"ballot/1" in raw and mine in raw for raw in hall.said[votes:])
    assert hall.suspects == []
    # When its keys come it carries blocks out again.
    hall.twist = lambda _source, _target, packet: packet
    hall.run()
    votes = len(hall.said)
    hall.request(2, contract, payload("put", OTHER))
    assert any(b"ballot/1" in raw and mine in raw for raw in hall.said[votes:])
    assert total(hall, 3, contract) == SECRET + OTHER


def test_a_node_that_only_applies_needs_no_keys(tmp_path):
    hall = Hall(tmp_path, (*(Mode.EXECUTE,) * 3, Mode.VERIFY, Mode.APPLY))
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    hall.request(2, contract, payload("renew"), is_sealed=False)
    hall.run()
    assert (set(hall.heights()), len(hall.roots())) == ({3}, 1)
    assert hall.bodies[4]._custodian.number == 0
    assert kept(hall, 4) == []
    assert hall.bodies[4].world.charter(contract).epoch == 1
    assert hall.bodies[3].world.keys.of(contract).keys.epoch == 1
    hall.close()


def test_shares_are_of_the_present_epoch_alone_and_the_old_ones_are_gone(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    old = [held for index in range(4) for held in kept(hall, index)]
    assert join([h.share for h in old[1:]], old[0].commitments) == DEALT
    hall.request(2, contract, payload("renew"), is_sealed=False)
    charter = hall.bodies[0].world.charter(contract)
    new = [held for index in range(4) for held in kept(hall, index)]
    assert [held.epoch for held in new] == [1] * 4
    secret = join([held.share for held in new[:3]], charter.commitments)
    assert secret == hall.bodies[0].world.keys.of(contract).keys.secret
    # Begin again with them.
    for index in range(4):
        hall.stop(index)
        hall.start(index)
    hall.run()
    hall.request(3, contract, payload("put", OTHER))
    assert {total(hall, index, contract) for index in range(4)} == {SECRET + OTHER}


def test_who_was_away_while_an_epoch_ended_gets_the_keys_of_the_next(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    hall.stop(3)
    hall.request(2, contract, payload("renew"), is_sealed=False)
    hall.request(3, contract, payload("renew"), is_sealed=False)
    hall.start(3)
    hall.run(6)
    hall.request(4, contract, payload("put", OTHER))
    hall.run(6)
    assert (set(hall.heights()), len(hall.roots())) == ({5}, 1)
    assert total(hall, 3, contract) == SECRET + OTHER
    (held,) = kept(hall, 3)
    assert held.epoch == 2


def test_an_older_block_is_carried_out_again_with_the_keys_of_its_epoch_or_not_at_all(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    body = hall.bodies[1]
    for height in (1, 2):
        past = before(body.ledger, body.world, height)
        past.check(body.ledger.block(height))
    hall.request(2, contract, payload("renew"), is_sealed=False)
    for height in (1, 2, 3):
        past = before(body.ledger, body.world, height)
        with pytest.raises(MissingKeysError):
            past.check(body.ledger.block(height))
    hall.request(3, contract, payload("put", OTHER))
    before(body.ledger, body.world, 4).check(body.ledger.block(4))
    assert total(hall, 1, contract) == SECRET + OTHER


def test_a_signed_view_call_is_answered_by_any_node_with_keys(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    charter = hall.bodies[0].world.charter(contract)
    question = looking.Look(contract, payload("mine"), 50, public_key(b"\5" * 32))
    asked = looking.ask(question, OWNER, charter.mail, b"\6" * 32)
    hall.tell(2, Peek(contract, asked))
    hall.tell(2, Peek(contract, asked[:-1] + b"\0"))
    hall.run(1)
    seen, refused = [p for p in hall.heard if isinstance(p, Seen)]
    outcome = looking.read(seen.envelope, question, b"\5" * 32)
    assert int.from_bytes(outcome.result, "big") == SECRET
    assert (refused.envelope, "altered" in refused.reason) == (b"", True)


def test_json_rpc_beside_a_node_has_its_keys_and_needs_none_to_hand_on(hall):
    contract = founded(hall)
    hall.request(1, contract, payload("put", SECRET))
    asked, handed = AskedNode(hall, 2), AskedNode(hall, 3)
    charter = asked("numen_getContract", "0x" + contract.hex())["charter"]
    public = bytes.fromhex(charter["key"][2:])
    question = looking.Look(contract, payload("mine"), 50, public_key(b"\5" * 32))
    raw = looking.ask(question, OWNER, public, b"\6" * 32)
    envelope = asked("numen_sealedCall", "0x" + contract.hex(), "0x" + raw.hex())
    outcome = looking.read(bytes.fromhex(envelope[2:]), question, b"\5" * 32)
    assert int.from_bytes(outcome.result, "big") == SECRET
    form = {"from": "0x" + OWNER.address.hex(), "to": "0x" + contract.hex(), "data": "0x"}
    assert "has to sign" in asked.fault("eth_estimateGas", form)[1]
    # A node that has lost its keys still hands on what others can carry out.
    hall.bodies[3].world.keys = Keyring()
    handed = AskedNode(hall, 3)
    assert "keys are not here" in handed.fault("eth_call", form, "latest")[1]
    tx = Transaction(Form.LEGACY, CHAIN, 2, 0, 0, 10**6, contract, 0, raw[:200])
    handed("eth_sendRawTransaction", "0x" + tx.sign(OWNER).encode().hex())
    assert len(handed.handed) == 1


class AskedNode(Asked):
    """JSON-RPC beside a node of the hall."""

    def __init__(self, hall: Hall, index: int) -> None:
        body, self.handed, self.now_s = hall.bodies[index], [], 1
        names = [f"node-{i}" for i in range(4)]
        self.node = Follower(
            body.world, hall.keys[index], body.plan, body.watch, names, self.handed.append
        )
        self.dispatcher = Dispatcher(self.node, METHODS)


def test_offers_that_come_to_nothing_hold_up_no_others(hall):
    for nonce in range(1, 2 * CLAIMS_MAX):
        _, offers = hall.offers(nonce)
        hall.tell(0, offers[0])  # and to nobody else, so that nobody ever has the keys
    hall.run(1)

    _, founding, _ = hall.deal(0)

    assert len(founding.signatures) == 4


def test_offers_that_come_to_nothing_leave_nothing_behind(hall, monkeypatch):
    monkeypatch.setattr("numen.node.replica.custodian.OFFERS_MAX", 4)
    keeper, other = (hall.bodies[index]._custodian for index in (0, 1))
    mails = [each.mail for each in hall.plans[0].keepers]
    does_not_follow = deal(b"o" * 32, 2, 4, b"\1" * 32)

    def lend(offer):
        assert other.entrust(offer).reason == ""
        claim = Claim(offer.contract, offer.commitments[0])
        keeper.take(hall.keys[1].address, other.claim(hall.keys[0].address, claim))

    for nonce in range(10):
        _, whole = hall.offers(nonce, needed=1)
        assert keeper.entrust(whole[0]).signature
        contract, stuck = hall.offers(100 + nonce)
        assert keeper.entrust(stuck[0]).reason == ""
        lend(stuck[1])
        points = does_not_follow.commitments
        shares = zip(mails[:2], does_not_follow.shares[:2], strict=True)
        false = [hall.offer(100 + nonce, contract, points, mail, share) for mail, share in shares]
        assert keeper.entrust(false[0]).reason == ""
        lend(false[1])
        assert "whoever dealt them lies" in keeper.entrust(false[0]).reason

    assert len(keeper._held) == len(kept(hall, 0)) <= 4
    assert len(keeper._false) <= 4
    assert len(keeper._heard) <= 4
    assert len(hall.bodies[0].world.keys.contracts()) <= 4


def test_a_node_signs_for_no_commitments_that_it_has_not_checked(hall):
    contract, _, _ = hall.deal(0)
    dealt = shares_of(EpochKeys(DEALT, contract, 0), 3, 4)
    other = deal(b"o" * 32, 3, 4, b"\1" * 32 + b"\2" * 32)
    mail = hall.plans[0].keepers[0].mail
    mixed = (dealt.commitments[0], *other.commitments[1:])

    said = hall.bodies[0]._custodian.entrust(hall.offer(0, contract, mixed, mail, dealt.shares[0]))

    assert (said.signature, "other commitments" in said.reason) == (b"", True)


def test_signatures_that_are_none_are_left_out_of_a_founding(hall):
    contract, founding, said = hall.deal(0)
    _, offers = hall.offers(0)
    address = hall.keys[0].address
    own = next(p for p in said if p.signature and is_attested(
        CHAIN, contract, founding.commitments, address, p.signature))  # fmt: skip

    assert word_of(CHAIN, address, offers[0], own) == (own.signature, "")
    for signature in (b"\1" * 65, b"\1" * 64, founding.signatures[0][::-1]):
        false = Entrusted(contract, own.point, signature, "")
        assert word_of(CHAIN, address, offers[0], false) == (b"", "what it signed is not that")
    assert word_of(CHAIN, address, offers[0], Entrusted(contract, own.point, b"", "")) is None
    # Somebody who collects them all the same has his founding refused, whatever it costs to check.
    many = Founding(founding.commitments, (*founding.signatures, founding.signatures[0]) * 40)
    with pytest.raises(FoundingError, match="more signatures than nodes"):
        hall.custodians.check(many, contract)
