"""Proofs sold between nodes: true ones are paid and can be shown on, false ones cost a pledge."""

import asyncio
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

import numen
from numen.api import evidence, proofs, starks
from numen.api.market import Market
from numen.base.codec import decode, encode
from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.market import events
from numen.market.actor import UnprovableError
from numen.market.coins import issue
from numen.market.message import Kept, Request, sign
from numen.market.task import Quorum, Stark, Task
from numen.market.turn import new_market
from numen.market.worker import Behaviour, Profile
from numen.node.market import people, prove, proving
from numen.node.market.clerk import Clerk, Visit
from numen.node.market.errand import Visitor
from numen.node.market.follower import Follower
from numen.node.market.goods import name_of, parts
from numen.node.market.keys import KeyGoodsError, Proving, Verifying, read, rule_of, write
from numen.node.market.notary import CUPBOARD_BYTES_MAX, Cupboard, Notary
from numen.node.market.prover import ProcessProver, ProofLimits
from numen.node.market.replica import Posted
from numen.node.market.speech import Entries, Follow, Hand, Want, Welcome
from numen.node.market.tools import Goods
from numen.proof import snarkjs
from numen.proof.errors import ProofError
from numen.proof.statement import Claim, UnboundError, UnprovenError, commit_inputs, commit_output
from numen.proof.statement import Snark as SnarkEvidence
from numen.vm.payload import encode_inputs
from tests.market import test_resale
from tests.node.market.test_clerk import GENESIS
from tests.node.market.test_market import BID, identity, played, sandbox  # noqa: F401

MULTIPLY = numen.compile("def main(a: u64, b: u64) -> u64:\n    return a * b\n")
COUNT = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    steps = 0\n"
    "    while n > 1:\n"
    "        n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
    "        steps += 1\n"
    "    return steps\n"
)  # fmt: skip


SUM = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    total = 0\n"
    "    for i in range(n):\n"
    "        total ^= i * i\n"
    "    return total\n"
)  # fmt: skip


def prover_joins(town, name, behaviour=Behaviour.HONEST):
    """A worker that proves, in this process but for its proofs."""
    goods = Goods(proves=True)
    prover = ProcessProver(goods)
    town.provers.append(prover)
    profile = Profile(behaviour, price_per_million=200, speed=10**9, lie=name.encode())

    def make(key, _goods, machine):
        machine._goods = goods
        return people.worker(key, profile, goods, machine, prover=prover)

    town.join(name, make)


def sell(played, program, args, kind, *, liar, again=None):  # noqa: F811
    """Sell one proof, and sell it again as other evidence; what was bought, and what happened."""
    found = {"again": None}

    async def story(town):
        town.provers = []
        town.verifier()
        prover_joins(town, "bob", Behaviour.WRONG) if liar else prover_joins(town, "ada")
        await town.until(lambda: len(town.of(events.Called)) == 2)
        try:
            async with Market(town.place, identity("buyer")) as market:
                buying = asyncio.create_task(market.run(program, *args, evidence=kind, bid=BID))
                if liar:
                    await town.until(lambda: town.of(events.Slashed))
                    prover_joins(town, "ada")
                found["bought"] = await buying
                await town.until(lambda: town.of(events.Closed))
            if again is not None:
                async with Market(town.place, identity("other")) as market:
                    found["again"] = await market.run(program, *args, evidence=again, bid=BID)
        finally:
            for prover in town.provers:
                prover.close()
        found["events"] = list(town.events)

    played(story)
    return found["bought"], found["again"], found["events"]


@pytest.mark.slow
def test_a_proof_with_keys_is_bought_and_convinces_a_stranger(played, tmp_path):  # noqa: F811
    bought, _, happened = sell(played, MULTIPLY, (6, 7), "snark", liar=True)

    assert bought.value == 42
    assert {e.outcome for e in happened if isinstance(e, events.Slashed)} == {"false proof"}
    assert [e.evidence for e in happened if isinstance(e, events.Settled)] == ["snark"]
    assert bought.sold.fined == (identity("bob").account.address,)
    files = evidence.save_proof(tmp_path, bought.evidence, bought.wanted)
    proof, public, key = (path.read_bytes() for path in files)
    assert snarkjs.read_public(public) == [42, 6, 7]
    proofs.verify(snarkjs.read_verifying_key(key), snarkjs.read_proof(proof), [42, 6, 7])
    with pytest.raises(ProofError):
        proofs.verify(snarkjs.read_verifying_key(key), snarkjs.read_proof(proof), [43, 6, 7])


@pytest.mark.slow
def test_a_proof_without_keys_is_bought_and_again_as_a_quorum(played, tmp_path):  # noqa: F811
    bought, again, happened = sell(played, COUNT, (27,), "stark", liar=True, again="quorum")

    assert bought.value == again.value == 111
    assert again.sold.how == "bought again"
    assert again.sold.paid < bought.sold.paid
    assert starks.verify(again.evidence.proof, program=COUNT.program.id).value == 111
    (resold,) = [e for e in happened if isinstance(e, events.Resold)]
    assert (resold.shown, resold.wanted, resold.surety) == ("stark", "quorum of trust 4", 0)
    liar = identity("bob").account.address
    assert bought.sold.fined == (liar,)
    (slashed,) = [e for e in happened if isinstance(e, events.Slashed)]
    assert (slashed.worker, slashed.outcome) == (liar.hex(), "false proof")
    assert [e.evidence for e in happened if isinstance(e, events.Settled)] == ["stark"]
    (path,) = evidence.save_proof(tmp_path, bought.evidence, bought.wanted)
    assert starks.verify(path.read_bytes(), program=COUNT.program.id).value == 111


INPUTS = encode_inputs(MULTIPLY.program, (6, 7))
OUTPUT = (42).to_bytes(32, "big")


def task_of(policy, program=MULTIPLY, raw=INPUTS) -> Task:
    return Task(
        bytes(32), bytes(20), bytes(20), 0, program.program.id, commit_inputs(raw), policy,
        100, 10, 1, 10, 1,
    )  # fmt: skip


def claim(**changes) -> Claim:
    made = Claim(MULTIPLY.program.id, commit_inputs(INPUTS), commit_output(OUTPUT), 9)
    return msgspec.structs.replace(made, **changes)


@pytest.fixture(scope="module")
def snark():
    """A policy, the goods of its keys, and a true proof."""
    wanted = evidence.snark(MULTIPLY)
    job = proving.ProveSnark(MULTIPLY.program.code, INPUTS, *wanted.goods)
    made = prove.prove(job).snark
    assert made is not None
    return wanted, decode(SnarkEvidence, made)


def test_a_notary_believes_a_true_proof_and_no_lie_about_it(snark):
    wanted, proof = snark
    shelf = {name_of(raw): raw for raw in wanted.goods}
    notary, task = Notary(shelf.get), task_of(wanted.policy)
    notary.check(task, claim(), proof)
    notary.check(task, claim(), proof)

    other = commit_output((43).to_bytes(32, "big"))
    lies = [
        (claim(output=other), proof),
        (claim(inputs=other), proof),
        (claim(program=other), proof),
        (claim(), msgspec.structs.replace(proof, key=bytes(32))),
        (claim(), msgspec.structs.replace(proof, proof=bytes(256))),
        (claim(), msgspec.structs.replace(proof, public=proof.public[:-1])),
        (claim(), Kept(bytes(32))),
    ]
    for told, shown in lies:
        with pytest.raises((UnboundError, UnprovenError)):
            notary.check(task, told, shown)
    with pytest.raises(UnprovenError, match="not of the kind"):
        notary.check(task_of(Stark()), claim(), proof)


def test_keys_of_another_program_are_no_keys(snark):
    wanted = snark[0]
    verifying, proving = wanted.goods
    for raw, kind in ((verifying, Verifying), (proving, Proving)):
        assert write(read(kind, raw, MULTIPLY.program.id)) == raw
        for lie in (raw[:-1], b"", INPUTS, proving if raw is verifying else verifying):
            with pytest.raises(KeyGoodsError):
                read(kind, lie, MULTIPLY.program.id)
        with pytest.raises(KeyGoodsError, match="another program"):
            read(kind, raw, COUNT.program.id)
    found = read(Verifying, verifying, MULTIPLY.program.id)
    broken = msgspec.structs.replace(found, key=found.key[:-1] + bytes([found.key[-1] ^ 1]))
    with pytest.raises(KeyGoodsError):
        rule_of(write(broken), MULTIPLY.program.id)


def test_a_worker_makes_no_proof_with_keys_that_do_not_fit(snark):
    wanted = snark[0]
    program = MULTIPLY.program
    another = numen.compile("def main(a: u64) -> u64:\n    return a + 1\n")
    swapped = read(Proving, evidence.snark(another).goods[1], another.program.id)
    forged = write(msgspec.structs.replace(swapped, program=program.id))
    with pytest.raises(numen.NumenError):
        prove.prove(proving.ProveSnark(program.code, INPUTS, wanted.goods[0], forged))
    again = evidence.snark(MULTIPLY)
    with pytest.raises(numen.NumenError, match="not that of the verifying key"):
        prove.prove(proving.ProveSnark(program.code, INPUTS, wanted.goods[0], again.goods[1]))


def test_a_run_that_traps_has_no_proof():
    raw = encode_inputs(MULTIPLY.program, (2**63, 2))
    with pytest.raises(numen.NumenError):
        prove.prove(proving.ProveStark(MULTIPLY.program.code, raw, 0))


def test_what_cannot_be_sold_with_a_proof_is_refused_before_anybody_is_asked():
    hidden = numen.compile("def main(a: Private[u64]) -> u64:\n    return a\n")
    wide = numen.compile("def main(a: u256) -> u256:\n    return a\n")
    for refused in (lambda: evidence.snark(hidden), lambda: evidence.stark(hidden)):
        with pytest.raises(evidence.WantError, match="private"):
            refused()
    with pytest.raises(evidence.WantError, match="256"):
        evidence.snark(wide)
    with pytest.raises(evidence.WantError, match="no evidence"):
        evidence.want("prayer", MULTIPLY)
    with pytest.raises(evidence.WantError, match="without a proof"):
        evidence.save_proof(Path("nowhere"), None, evidence.quorum())


@pytest.mark.parametrize("limits", [ProofLimits(wall_s=1), ProofLimits(memory_bytes=1 << 28)])
def test_a_prover_over_its_limits_is_ended_and_says_there_is_no_proof(limits):
    goods = Goods(proves=True)
    raw = encode_inputs(SUM.program, (1_000_000,))
    goods.add(SUM.program.code)
    goods.add(raw)
    task = task_of(Stark(), SUM, raw)
    with closing(ProcessProver(goods, limits)) as prover:

        async def ends():
            async with asyncio.timeout(60):
                while (able := prover.is_able(task)) is None:
                    await asyncio.sleep(0.05)
            return able

        assert asyncio.run(ends()) is False
        with pytest.raises(UnprovableError):
            prover.prove(task, raw)


def test_an_entry_waits_for_the_goods_that_it_needs(snark):
    wanted = snark[0]
    key = SigningKey.from_seed(b"buyer")
    task = msgspec.structs.replace(task_of(wanted.policy), provider=key.address)
    market = new_market(Domain("Numen", "1", 1, bytes(20)), issue({}))
    posted = Posted(sign(key, Request(task, 10, 0)))
    cupboard = Cupboard()
    notary = Notary(cupboard.get)
    assert notary.lacks(market, posted) == [name_of(wanted.goods[0])]
    cupboard.put(name_of(wanted.goods[0]), wanted.goods[0])
    assert notary.lacks(market, posted) == []
    quorum = msgspec.structs.replace(task, policy=Quorum(3, 4))
    assert notary.lacks(market, Posted(sign(key, Request(quorum, 10, 0)))) == []


def test_a_recall_waits_for_its_proof_which_is_looked_at_for_stakers_alone():
    table = test_resale.sold()
    for key, is_looked_at in ((test_resale.CAT, True), (test_resale.STRANGER, False)):
        body = test_resale.recall(table, key, proof=Kept(bytes(32)))
        posted, cupboard = Posted(sign(key, body)), Cupboard()
        notary = Notary(cupboard.get)
        assert notary.lacks(table.market, posted) == [bytes(32)]
        cupboard.put(bytes(32), b"no proof")
        assert notary.lacks(table.market, posted) == []
        notary.look(table.market, posted)
        assert bool(notary._verdicts) is is_looked_at


def test_the_record_is_not_read_on_without_goods_and_nothing_is_written_without_them(snark):
    wanted = snark[0]
    goods, key = wanted.goods[0], SigningKey.from_seed(b"buyer")
    task = msgspec.structs.replace(task_of(wanted.policy), provider=key.address)
    posted = Posted(sign(key, Request(task, 10, 0)))
    clerk, visit = Clerk(GENESIS, Notary()), Visit(key.address)
    list(clerk.hear(visit, Follow(0), 5))
    (told,) = clerk.hear(visit, Hand((posted,)), 6)
    assert told.message.reason == f"bring the goods {name_of(goods).hex()} first"

    follower, player = Follower(Notary(), lambda _: None), Visitor(key.address)
    follower.enter(Welcome(GENESIS, 1, 0), GENESIS.hall, 0)
    assert follower.replica is not None
    raw = encode(follower.replica.next(posted, 5))
    (want,) = follower.hear(Entries((raw,)), player, 0)
    assert (want, follower.replica.height) == (Want(name_of(goods), 0), 0)
    (part,) = parts(name_of(goods), goods)
    for thought in follower.hear(part, player, 0):
        assert thought() == []
    assert follower.replica.height == 1


def test_a_cupboard_has_bounds():
    cupboard = Cupboard()
    for number in range(5):
        cupboard.put(bytes([number]), bytes(CUPBOARD_BYTES_MAX // 4))
    assert cupboard.get(b"\x00") is None
    assert cupboard.get(b"\x04") is not None
