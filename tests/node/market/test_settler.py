"""A market on a ledger: the hall and the contract have the same books, whatever is killed."""

import asyncio
from contextlib import suppress
from functools import partial

import pytest
from msgspec import structs

from numen.api import evidence, holdings, orders
from numen.api.market import Market
from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.cli.onledger import NamedError, OfMarket, address_of
from numen.ledger.state.kv import MemoryKV
from numen.market import events
from numen.market.contracts.books import of_contract, of_market, shown_node
from numen.market.exchange import Post, Verb
from numen.market.message import Call, sign
from numen.market.play import Play
from numen.market.turn import new_market
from numen.net.identity import NodeKey
from numen.net.keystore import Identity
from numen.net.tls import TlsTransport
from numen.node.asking import NoAnswerError, RefusedError
from numen.node.ledger.node import LedgerNode
from numen.node.market.clerk import Clerk
from numen.node.market.errand import ErrandError
from numen.node.market.notary import Notary
from numen.node.market.onledger import LedgerError, OnLedger, asker
from numen.node.market.replica import Genesis, Granted, Passed, handed
from numen.node.market.serve import serve
from numen.node.market.settler import SettleError, Settler, settlement
from numen.node.rpc import markets
from numen.sandbox.runner import Sandbox
from tests.market import test_hardware, town
from tests.node.ledger_served import AskedLedger, running
from tests.node.market import test_market, test_proofs

HALL = SigningKey.from_seed(b"the hall")
BORN_MS = 1_800_000_000_000
GENESIS = Genesis(town.DOMAIN, HALL.address, HALL.address, 10**9, 200_000, BORN_MS, on_ledger=True)


def recorded(seed: int):
    """What a whole market hands in, with its times."""
    found = []

    class Recorded(Play):
        def _submit(self, submission):
            found.append((handed(submission) or Passed(), self.now_ms))
            yield from super()._submit(submission)

    jobs = town.QUORUM_JOBS[:3] + test_hardware.JOBS[:1]
    plain, town.Play = (town.Play, town.new_market), Recorded
    town.new_market = partial(new_market, on_ledger=True)
    try:
        built = town.build(seed, jobs, attester=test_hardware.Enclave())
    finally:
        town.Play, town.new_market = plain
    list(built.play.run())
    keys = (built.provider, *built.workers, *built.verifiers)
    calls = [(key, Verb.JOIN_AS_WORKER, 100_000) for key in built.workers]
    calls += [(key, Verb.JOIN_AS_VERIFIER, 50_000) for key in built.verifiers]
    calls += [(built.provider, Verb.DEPOSIT, 20_000), (built.provider, Verb.RESERVE, 100_000)]
    nonces: dict[bytes, int] = {}
    before = [(Granted(key.address), 0) for key in keys]
    for key, verb, amount in calls:
        nonce = nonces.setdefault(key.address, 0)
        nonces[key.address] += 1
        identity = built.opening.market.identity
        call = sign(key, Call(identity, key.address, nonce, verb.value, amount))
        before.append((handed(Post(call)), 0))
    return before + found


def ledger(kv=None) -> tuple[AskedLedger, object]:
    """A ledger in this process, and what asks it."""
    asked = AskedLedger(kv)

    def ask(method, *params):
        found = asked.ask(method, *params)
        if "error" in found:
            raise RefusedError(str(found["error"]["message"]))
        return found["result"]

    return asked, ask


class Clerked:
    """A clerk whose every entry is on the disk, as a hall shows it to a settler."""

    def __init__(self) -> None:
        self.clerk, self.grown = Clerk(GENESIS, Notary()), asyncio.Condition()

    async def write(self, what, at_ms: int) -> None:
        self.clerk.write(what, at_ms)
        self.clerk.written(len(self.clerk.unwritten))
        async with self.grown:
            self.grown.notify_all()


async def settle(settler: Settler, hall, until) -> None:
    """Let a settler run until something holds."""
    running = asyncio.create_task(settler.run(hall))
    try:
        async with asyncio.timeout(60):
            while not until() and not running.done():
                await asyncio.sleep(0.005)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def names_and_beginnings_are_enough(ask, settler, market, monkeypatch) -> None:
    """What a person calls tasks and people of the market is found, on whatever page it is."""
    people = sorted(person.owner.hex() for person in of_market(market).people)
    shown = OfMarket(ask, f"0x{settler.contract.address.hex()}", {people[0]: "ann"})
    tasks = [bid["task"] for bid in shown.bids("all")]
    assert {bid["state"] for bid in shown.bids("done")} >= {"settled"}
    monkeypatch.setattr(markets, "PAGE", 2)
    assert [bid["task"] for bid in shown.bids("all")] == tasks
    assert len(list(shown.people())) >= len(people) > 2

    assert shown.find("ann") == shown.find(people[0]) == f"0x{people[0]}"
    assert shown.find(tasks[-1][:12]) == shown.find(tasks[-1].upper()[2:]) == tasks[-1]
    assert shown.named(f"Task of 0x{people[0]}") == "Task of ann"
    assert shown.called(f"0x{people[0]}").startswith("ann 0x")
    for nothing, why in (
        ("bob", "nobody here is called"), ("0xabc", "no id"), ("0" * 65, "no id"),
        ("00000000", "0 tasks and people"),
    ):  # fmt: skip
        with pytest.raises(NamedError, match=why):
            shown.find(nothing)
    with pytest.raises(NamedError, match="no address"):
        address_of(people[0][:10])


def test_a_whole_market_is_settled_and_the_ledger_replays_byte_for_byte(tmp_path, monkeypatch):
    asked, ask = ledger()
    entries = recorded(0)

    async def story():
        hall, settler = Clerked(), Settler(ask, HALL, tmp_path)
        await settler.open(hall.clerk)
        for what, at_ms in entries:
            await hall.write(what, at_ms)
        await settle(settler, hall, lambda: not settler.waits)
        return hall, settler

    hall, settler = asyncio.run(story())
    market = hall.clerk.replica.market
    books = of_contract(settler.contract.view)
    assert books == of_market(market)
    assert books.burnt > 0
    assert settler.contract.view("statistics")[1] == 4, "three quorums, and a quote"
    assert settlement(tmp_path).contract == f"0x{settler.contract.address.hex()}"

    names_and_beginnings_are_enough(ask, settler, market, monkeypatch)

    # Everything that the ledger has follows from its blocks.
    node = asked.node
    again = LedgerNode(MemoryKV(), asked.settings, asked.now_s)
    for height in range(1, node.ledger.height + 1):
        block = node.ledger.block(height)
        again.take(block)
        assert again.world.state.root == block.header.state
    assert again.world.state.root == node.world.state.root
    assert again.ledger.head == node.ledger.head


def test_a_hall_that_was_killed_tells_nothing_twice_and_leaves_nothing_out(tmp_path):
    _, ask = ledger()
    entries = recorded(1)
    lost = {"after": 25}

    def unsure(method, *params):
        """Every now and then an answer is lost, after the ledger has done what it was asked."""
        found = ask(method, *params)
        if method == "eth_sendRawTransaction":
            lost["after"] -= 1
            if lost["after"] == 0:
                lost["after"] = 25
                raise NoAnswerError("the line is dead")
        return found

    async def story():
        hall = Clerked()
        for start in range(0, len(entries), len(entries) // 3 + 1):
            # A hall that begins again has its record, and nothing else.
            settler = Settler(unsure, HALL, tmp_path)
            await settler.open(hall.clerk)
            for what, at_ms in entries[start : start + len(entries) // 3 + 1]:
                await hall.write(what, at_ms)
            half = settler.told + 15
            await settle(settler, hall, lambda s=settler, n=half: s.told >= n or not s.waits)
        settler = Settler(ask, HALL, tmp_path)
        await settler.open(hall.clerk)
        await settle(settler, hall, lambda: not settler.waits)
        return hall, settler

    hall, settler = asyncio.run(story())
    assert of_contract(settler.contract.view) == of_market(hall.clerk.replica.market)


def test_what_is_not_on_the_disk_yet_is_not_told(tmp_path):
    _, ask = ledger()

    async def story():
        hall, settler = Clerked(), Settler(ask, HALL, tmp_path)
        await settler.open(hall.clerk)
        await settle(settler, hall, lambda: not settler.waits)
        hall.clerk.write(Granted(SigningKey.from_seed(b"ada").address), 5)
        await settle(settler, hall, lambda: asyncio.get_running_loop().time() > end)
        assert settler.waits
        hall.clerk.written(1)
        await settle(settler, hall, lambda: not settler.waits)
        assert settler.told == 2

    end = 0.0
    asyncio.run(story())


def test_a_contract_that_was_told_something_else_is_not_gone_on_with(tmp_path):
    asked, ask = ledger()
    other = SigningKey.from_seed(b"another")
    asked.send(to=f"0x{other.address.hex()}", value=hex(10**18))

    async def begin(folder, key=HALL, clerk=None):
        settler = Settler(ask, key, folder)
        await settler.open(clerk or Clerked().clerk)
        return settler

    async def story():
        settler = await begin(tmp_path)
        settler.contract.send(HALL, "fund", 0, 0, HALL.address, value=1)
        settler.contract.send(HALL, "fund", 1, 0, HALL.address, value=1)
        with pytest.raises(SettleError, match="told 2 things"):
            await begin(tmp_path)
        with pytest.raises(LedgerError, match="only the hall"):
            settler.contract.send(other, "fund", 2, 0, HALL.address)
        with pytest.raises(SettleError, match="treasury"):
            await begin(tmp_path, other)
        restored = Clerked().clerk
        restored.first = 7
        with pytest.raises(SettleError, match="snapshot"):
            await begin(tmp_path, clerk=restored)
        elsewhere = structs.replace(GENESIS, on_ledger=False)
        with pytest.raises(SettleError, match="not born on a ledger"):
            await begin(tmp_path, clerk=Clerk(elsewhere, Notary()))
        (tmp_path / "settlement.json").write_text('{"market": "x"}')
        with pytest.raises(SettleError, match="names no contract"):
            await begin(tmp_path)

    asyncio.run(story())


class Town(test_market.Town):
    """A hall and its members, settled on a ledger."""

    def __init__(self, folder, sandbox, url: str) -> None:
        super().__init__(folder, sandbox)
        self.url = url

    async def open(self) -> None:
        found = asyncio.get_running_loop().create_future()
        who = test_market.identity("hall")
        work = serve(
            self.folder, who.account, TlsTransport(who.node), self.at, 10**8, 1337,
            lambda place, _: found.set_result(place), self.events.extend, self.url,
        )  # fmt: skip
        self.running["hall"] = asyncio.create_task(work)
        await asyncio.wait({found, self.running["hall"]}, return_when=asyncio.FIRST_COMPLETED)
        place = await found
        self.place, self.at = str(place), place.address


async def played(folder, url: str, story) -> None:
    """Run a story in a town whose market is settled at a node."""
    with Sandbox(insists=True) as sandbox:
        made = Town(folder / "market", sandbox, url)
        try:
            await story(made)
        finally:
            for name in list(made.running):
                await made.stop(name)
            for prover in getattr(made, "provers", ()):
                prover.close()


@pytest.mark.slow
def test_a_liar_loses_its_stake_on_the_ledger_and_a_killed_hall_goes_on(tmp_path):
    async def story(made):
        await made.open()
        await test_market.ready(made, liar=True)
        contract = OnLedger(asker(made.url), bytes.fromhex(settlement(made.folder).contract[2:]))
        liar = test_market.identity("bob").account.address

        def agrees() -> bool:
            market = made.members["verifier"].replica.market
            return of_contract(contract.view) == of_market(market)

        async with Market(made.place, test_market.identity("buyer")) as market:
            first = await market.run(test_market.ADD, 3, 4, bid=test_market.BID)
            await made.until(lambda: made.of(events.Closed) and agrees())
            await made.stop("hall")
            await asyncio.sleep(0.3)
            await made.open()
            second = await market.run(test_market.ADD, 5, 6, bid=test_market.BID)
            await made.until(lambda: len(made.of(events.Closed)) == 2 and agrees())
        assert (first.value, second.value) == (7, 11)
        assert first.sold.fined == (liar,)
        stake, standing = contract.view("person", liar)[2:4]
        assert (stake[1], standing[2]) == (900_000, 1)

    with running("--data", str(tmp_path / "ledger")) as (ready, _):
        asyncio.run(played(tmp_path, ready["http"], story))


async def evidence_is_sold(made) -> None:
    """A proof with keys, one without, and an answer that could be challenged."""
    made.provers = []
    await made.open()
    made.verifier()
    test_proofs.prover_joins(made, "ada")
    await made.until(lambda: len(made.of(events.Called)) == 2)
    async with Market(made.place, test_market.identity("buyer")) as market:
        for program, args, kind, value in (
            (test_proofs.MULTIPLY, (6, 7), "snark", 42),
            (test_proofs.COUNT, (27,), "stark", 111),
            (test_proofs.COUNT, (6,), evidence.optimistic(test_proofs.COUNT, window_ms=1_000), 8),
        ):
            bought = await market.run(program, *args, evidence=kind, bid=test_market.BID)
            assert bought.value == value
    await made.until(lambda: len(made.of(events.Closed)) == 3)
    assert [e.evidence for e in made.of(events.Settled)] == ["snark", "stark", "optimistic"]
    assert len(made.of(events.Found)) == 2, "what nobody challenged needs no finding"
    async with Market(made.place, test_market.identity("another")) as market:
        bought = await market.run(test_proofs.COUNT, 27, evidence="stark", bid=test_market.BID)
        assert (bought.value, bought.sold.how) == (111, "settled"), "a contract reads no proofs"


async def coins_and_nodes_are_the_owners(made, contract: OnLedger) -> None:
    """What a buyer has left leaves for its account; a worker's node alone speaks for it."""
    buyer, ada = (test_market.identity(name) for name in ("buyer", "ada"))
    left = await holdings.take_out(made.place, buyer, 1_000)
    with pytest.raises(ErrandError):
        await holdings.take_out(made.place, buyer, left + 1)
    node = await holdings.register(made.place, ada)
    thief = Identity("thief", NodeKey.from_seed(b"thief"), ada.account)
    with pytest.raises(NumenError):
        await orders.book(made.place, thief)
    await orders.book(made.place, ada)

    def is_there() -> bool:
        name = f"0x{buyer.account.address.hex()}"
        is_paid = int(asker(made.url)("eth_getBalance", name, "latest"), 16) == 1_000
        return is_paid and shown_node(contract.view, ada.account.address) == node

    await made.until(is_there)


@pytest.mark.slow
def test_evidence_is_settled_on_the_ledger_and_coins_and_nodes_are_their_owners(tmp_path):
    async def story(made):
        await evidence_is_sold(made)
        contract = OnLedger(asker(made.url), bytes.fromhex(settlement(made.folder).contract[2:]))
        await coins_and_nodes_are_the_owners(made, contract)
        market = made.members["verifier"].replica
        await made.until(lambda: of_contract(contract.view) == of_market(market.market))

    with running("--data", str(tmp_path / "ledger")) as (ready, _):
        asyncio.run(played(tmp_path, ready["http"], story))
