"""A market between nodes: a liar is caught, and whoever stops goes on where it was."""

import asyncio
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

import numen
from numen.api import orders
from numen.api.market import Market, UnsoldError
from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.market import events
from numen.market.message import Call, Signed, Vote, sign
from numen.market.resale import Store
from numen.market.task import Quorum, Task
from numen.market.worker import Behaviour, Profile
from numen.net.identity import NodeKey
from numen.net.keystore import Identity
from numen.net.possession import introduce
from numen.net.session import Session
from numen.net.tls import TlsTransport
from numen.node.market import buyer, people
from numen.node.market.errand import ErrandError, Purchase
from numen.node.market.member import Member, SupersededError
from numen.node.market.notary import Notary
from numen.node.market.place import read_place
from numen.node.market.record import Record
from numen.node.market.replica import Posted, Redeemed
from numen.node.market.serve import EVENTS, serve
from numen.node.market.speech import (
    SPEECH,
    Declined,
    Follow,
    Hand,
    Part,
    Welcome,
)
from numen.node.market.tools import Goods, Machine
from numen.proof.statement import Claim, commit_inputs
from numen.sandbox.errors import SandboxError
from numen.sandbox.runner import Sandbox
from numen.vm.payload import encode_inputs
from tests.market import test_resale

ADD = numen.compile("def main(a: u64, b: u64) -> u64:\n    return a + b\n")
BID = 50_000


def identity(name: str) -> Identity:
    seed = name.encode()
    return Identity(name, NodeKey.from_seed(seed), SigningKey.from_seed(seed))


class Town:
    """A hall and its members, each with a task of its own in this process, over TLS."""

    def __init__(self, folder, sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.events: list[events.Event] = []
        self.running: dict[str, asyncio.Task] = {}
        self.members: dict[str, Member] = {}
        self.place = ""
        self.at = "127.0.0.1:0"

    async def open(self) -> None:
        found = asyncio.get_running_loop().create_future()
        who = identity("hall")
        work = serve(
            self.folder, who.account, TlsTransport(who.node), self.at, 10**8, 1337,
            lambda place, *_: found.set_result(place), self.events.extend,
        )  # fmt: skip
        self.running["hall"] = asyncio.create_task(work)
        place = await asyncio.wait_for(found, 60)
        self.place, self.at = str(place), place.address

    def join(self, name: str, make, heard=lambda _: None) -> None:
        from numen.node.market.place import read_place

        who, goods = identity(name), Goods()
        machine = Machine(goods, self.sandbox)
        transport = TlsTransport(who.node)
        place = read_place(self.place)
        member = Member(transport, place, who.account, Notary(), heard, stays=True)
        self.members[name] = member
        work = member.run(lambda: make(who.account, goods, machine))
        self.running[name] = asyncio.create_task(work)

    def verifier(self) -> None:
        self.join("verifier", people.verifier)

    def worker(self, name: str, behaviour=Behaviour.HONEST, heard=lambda _: None) -> None:
        # Who does not mean to work can ask for less, and so has a seat.
        price = 200 if behaviour is Behaviour.HONEST else 100
        profile = Profile(behaviour, price_per_million=price, speed=10**9, lie=name.encode())
        self.join(name, lambda *given: people.worker(given[0], profile, *given[1:]), heard)

    async def stop(self, name: str) -> None:
        """As when its process is killed: nothing is said, nothing is put in order."""
        task = self.running.pop(name)
        task.cancel()
        with suppress(asyncio.CancelledError, NumenError, BaseExceptionGroup):
            await task

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition, patience_s: float = 60.0) -> None:
        async with asyncio.timeout(patience_s):
            while not condition():
                for task in self.running.values():
                    if task.done():
                        task.result()
                await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(insists=True) as found:
        yield found


@pytest.fixture
def played(tmp_path, sandbox):
    """Run a story in a town."""

    def play(story):
        @asynccontextmanager
        async def town():
            made = Town(tmp_path / "market", sandbox)
            await made.open()
            try:
                yield made
            finally:
                for name in list(made.running):
                    await made.stop(name)

        async def run():
            async with asyncio.timeout(600), town() as made:
                await story(made)

        asyncio.run(run())

    return play


async def ready(town, *, liar: bool = False) -> None:
    town.verifier()
    town.worker("ada")
    town.worker("bob", Behaviour.WRONG if liar else Behaviour.HONEST)
    town.worker("cay")
    await town.until(lambda: len(town.of(events.Called)) == 4)


def test_an_answer_is_bought_and_a_liar_is_slashed(played):
    async def story(town):
        await ready(town, liar=True)
        async with Market(town.place, identity("buyer")) as market:
            bought = await market.run(ADD, 2, 3, bid=BID)
            await town.until(lambda: town.of(events.Closed))

        liar, honest = (identity(name).account.address for name in ("bob", "ada"))
        assert bought.value == 5
        assert bought.sold.fined == (liar,)
        assert liar not in bought.sold.answers
        (slashed,) = town.of(events.Slashed)
        assert (slashed.worker, slashed.outcome) == (liar.hex(), "wrong answer")
        # Everybody has the same market, and no coin was made.
        ada = town.members["ada"].replica
        await town.until(lambda: ada.height == town.members["cay"].replica.height)
        assert ada.head == town.members["cay"].replica.head
        assert sum(ada.market.coins.balances.values()) == ada.genesis.supply
        assert honest not in {bytes.fromhex(event.worker) for event in town.of(events.Slashed)}
        text = (town.folder / EVENTS).read_text()
        assert '"event":"slashed"' in text

    played(story)


def test_a_hall_that_was_killed_goes_on_with_the_task(played):
    async def story(town):
        await ready(town)
        async with Market(town.place, identity("buyer")) as market:
            buying = asyncio.create_task(market.run(ADD, 20, 22, bid=BID))
            await town.until(lambda: town.of(events.Matched))
            await town.stop("hall")
            await asyncio.sleep(0.3)
            await town.open()
            bought = await buying

        assert bought.value == 42
        assert not town.of(events.Slashed)

    played(story)


@pytest.mark.slow
@pytest.mark.parametrize("when", [events.Posted, events.Matched, events.Executed, events.Revealed])
def test_a_worker_that_was_killed_opens_what_it_bound_itself_to(played, when):
    async def story(town):
        await ready(town)
        async with Market(town.place, identity("buyer")) as market:
            buying = asyncio.create_task(market.run(ADD, 7, 8, bid=BID, replicas=3))
            await town.until(lambda: town.of(when))
            for name in ("ada", "bob", "cay"):
                await town.stop(name)
                town.worker(name)
            bought = await buying
            await town.until(lambda: town.of(events.Closed))

        assert bought.value == 15
        assert not town.of(events.Slashed)
        paid = [event for event in town.of(events.Judged) if event.outcome == "accepted"]
        assert len(paid) == len({event.worker for event in paid}), "nothing is paid twice"

    played(story)


@pytest.mark.slow
def test_a_trap_is_an_answer_like_any_other(played):
    async def story(town):
        await ready(town)
        async with Market(town.place, identity("buyer")) as market:
            with pytest.raises((UnsoldError, NumenError)):
                await market.run(ADD, 2**64 - 1, 1, bid=BID)
            assert (await market.run(ADD, 1, 1, bid=BID)).value == 2

    played(story)


def test_a_market_without_a_verifier_says_so(played):
    async def story(town):
        async with Market(town.place, identity("buyer")) as market:
            with pytest.raises(buyer.OrderError, match="no verifier"):
                await market.run(ADD, 1, 2, bid=BID)

    played(story)


def test_who_has_too_few_coins_is_told_so(played):
    async def story(town):
        await ready(town)
        async with Market(town.place, identity("poor"), deposit=10**9) as market:
            with pytest.raises(people.PoorError, match="deposit takes 1,000,000,000 coins"):
                await market.run(ADD, 1, 2, bid=BID)

    played(story)


def test_a_record_is_read_again_and_no_other_hall_has_it(played):
    async def story(town):
        await ready(town)
        head = town.members["ada"].replica
        await town.until(lambda: head.height >= 8)
        await town.stop("hall")
        hall = identity("hall").account.address
        found = town.members["ada"].replica.genesis

        record, happened = await Record.open(town.folder / "record", found, Notary())
        assert record.clerk.replica.head == head.head
        assert len([event for event in happened if isinstance(event, events.Called)]) == 4
        await record.close()
        other = numen_genesis(found, b"\x01" * 20)
        with pytest.raises(NumenError, match="another hall"):
            await Record.open(town.folder / "record", other, Notary())
        assert hall == found.hall

    played(story)


def numen_genesis(genesis, hall):

    return msgspec.structs.replace(genesis, hall=hall)


def test_a_stranger_fills_no_disk_and_ends_no_hall(played):
    """Nonsense, an empty batch, goods under another's name, a part out of turn."""

    async def story(town):
        await ready(town)
        place, who = read_place(town.place), identity("mallory")
        channel = await TlsTransport(who.node).dial(place.address, place.node)
        session = Session(channel, SPEECH)
        await introduce(session, who.node.id, who.account)
        await session.send(Follow(0))
        height = town.members["ada"].replica.height + 1  # coins are granted to who is new

        vote = Vote(
            bytes(32), who.account.address, Claim(bytes(32), bytes(32), bytes(32), 1), bytes(65)
        )
        nonsense = Posted(sign(who.account, vote))
        long = Posted(Signed(Call(bytes(32), who.account.address, 0, "x", 0), bytes(65)))
        batch = Redeemed(())
        sent = [
            Hand((nonsense,)),
            Hand((long,)),
            Hand((batch,)),
            Part(bytes(32), 0, 3, b"abc"),
            Part(bytes(32), 7, 9, b"a"),
        ]
        for what in sent:
            await session.send(what)
        declined = []
        async with asyncio.timeout(60):
            while len(declined) < len(sent):
                heard = await session.receive()
                if isinstance(heard.value, Declined):
                    declined.append(heard.value.reason)
        assert all(declined)
        await channel.close()
        async with Market(town.place, identity("buyer")) as market:
            assert (await market.run(ADD, 1, 2, bid=BID)).value == 3
        refused = [event for event in town.events if isinstance(event, events.Refused)]
        assert who.account.address.hex() not in {event.author for event in refused}
        assert height <= town.members["ada"].replica.height

    played(story)


def test_the_last_who_comes_to_stay_with_a_key_is_served_and_the_one_before_told(played):
    async def story(town):
        town.worker("ada")
        await town.until(town.members["ada"].ready.is_set)
        older = town.running.pop("ada")
        place, who = read_place(town.place), identity("ada")
        channel = await TlsTransport(who.node).dial(place.address, place.node)
        session = Session(channel, SPEECH)  # on an errand
        await introduce(session, who.node.id, who.account)
        await session.send(Follow(0))
        assert isinstance((await session.receive()).value, Welcome)
        await channel.close()

        assert not older.done()
        town.worker("ada")
        await town.until(lambda: town.members["ada"].ready.is_set() and older.done())
        with pytest.raises(SupersededError, match="same key"):
            older.result()
        await town.stop("ada")
        town.worker("ada")  # as who was cut off
        await town.until(town.members["ada"].ready.is_set)

    played(story)


def test_who_cannot_run_a_task_says_nothing(sandbox):
    """Limits of one machine are no answer, which others would call wrong."""
    goods = Goods()
    raw = encode_inputs(ADD.program, (1, 2))
    goods.add(ADD.program.code)
    goods.add(raw)
    task = Task(
        bytes(32), bytes(20), bytes(20), 0, ADD.program.id, commit_inputs(raw), Quorum(3, 4),
        100, 10, 1, 10, 1,
    )  # fmt: skip
    assert goods.has(task)
    closed = Sandbox(sandbox.isolation, insists=True)
    closed.close()

    with pytest.raises(SandboxError):
        Machine(goods, closed).run(task.program, raw, 100)
    assert not goods.has(task)
    assert Machine(goods, sandbox).run(task.program, raw, 100).output


def test_an_answer_is_bought_again_of_a_hall_that_was_killed_and_nothing_is_run(played):
    async def story(town):
        await ready(town)
        async with Market(town.place, identity("buyer")) as market:
            first = await market.run(ADD, 30, 12, bid=BID)
        await town.until(lambda: town.of(events.Closed))
        await town.stop("hall")  # what is for sale is in the record
        await town.open()
        async with Market(town.place, identity("other")) as market:
            again = await market.run(ADD, 30, 12, bid=BID)
            afresh = await market.run(ADD, 30, 12, bid=BID, fresh=True)

        assert first.value == again.value == afresh.value == 42
        assert again.sold.how == "bought again"
        assert again.sold.task == first.sold.task
        assert 0 < again.sold.paid < first.sold.paid
        assert len(town.of(events.Posted)) == 2, "once at first, and once afresh"
        (resold,) = town.of(events.Resold)
        earned = town.of(events.Earned)
        assert {event.worker for event in earned} == {who.hex() for who in first.sold.answers}
        assert sum(event.paid for event in earned) < resold.price == again.sold.paid

    played(story)


def test_what_is_not_for_sale_any_more_is_posted_instead():
    table = test_resale.sold()
    key, found = test_resale.PROVIDER, test_resale.entry(table)
    purchase = Purchase(key, found, Quorum(3, 4))
    purchase.check(table.market, table.now, Notary())
    (act,) = purchase.wake(table.market, table.now)
    assert not purchase.is_lost(table.market, table.now)
    gone = msgspec.structs.replace(table.market, store=Store())
    assert purchase.is_lost(gone, table.now)
    table.submit(act.submission)
    assert purchase.is_made(table.market)
    assert not purchase.is_lost(msgspec.structs.replace(table.market, store=Store()), table.now)


def test_a_bid_rises_by_itself_and_a_buyer_sees_to_its_orders(played):
    async def story(town):
        await ready(town)
        buyer = identity("buyer")
        async with Market(town.place, buyer) as market:
            low = market.run(ADD, 1, 2, bid=1, price_max=BID, ramp_s=600)
            buying = asyncio.create_task(low)
            await town.until(lambda: town.of(events.Offered))
            (row,) = await orders.book(town.place, identity("ada"))
            assert row.ceiling == BID
            assert 1 <= row.bid < BID // 100 < row.asks[0] <= BID
            with pytest.raises(ErrandError, match="somebody else"):
                await orders.cancel(town.place, identity("ada"), row.task.hex())
            with pytest.raises(ErrandError, match="cannot replace"):
                await orders.raise_bid(town.place, buyer, row.task.hex(), 2, None, 0)
            await orders.raise_bid(town.place, buyer, row.task.hex()[:8], row.asks[0], BID, 2_000)
            bought = await buying
            assert bought.value == 3
            assert not town.of(events.Withdrawn)

            # Nobody takes the next: whoever stops waiting has the escrow back.
            held = market._member.replica.market.coins
            waiting = asyncio.create_task(market.run(ADD, 3, 4, bid=1, price_max=2))
            await town.until(lambda: len(town.of(events.Posted)) == 2)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            assert not market._member.replica.market.jobs
            assert market._member.replica.market.coins.total() == held.total()
            assert town.of(events.Closed)[-1].how == "cancelled"

            # Whoever takes one back that nobody took learns what would have been taken.
            sale = market.sell(ADD, 5, 6, bid=1, price_max=2)
            await town.until(lambda: len([e for e in sale._past if type(e) is events.Offered]) == 3)
            sale.cancel()
            with pytest.raises(UnsoldError, match=r"it bid . coins? at most, and 3 workers asked"):
                await sale

    played(story)


def test_who_is_stopped_in_the_moment_in_which_the_hall_goes_away_stops(played):
    async def story(town):
        for turns in range(8):
            town.worker("ada")
            member, task = town.members["ada"], town.running.pop("ada")
            await asyncio.wait_for(member.ready.wait(), 60)
            ending = asyncio.create_task(member._session.close())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task], timeout=10)
            assert task.cancelled()
            await ending

    played(story)
