"""Days of a market under one seed: tasks come and end while everything breaks."""

from typing import Final

import msgspec

from numen.base.codec import decode, encode
from numen.base.crypto import SigningKey
from numen.base.eip712 import Domain
from numen.market.actor import claim_of
from numen.market.task import Quorum, Task
from numen.node.market.buyer import Buyer, Order, OrderError
from numen.node.market.errand import Visitor
from numen.node.market.notary import Notary
from numen.node.market.replica import Entry, Genesis
from numen.node.market.speech import Entries
from numen.proof.statement import claim_digest, commit_inputs
from numen.sim.market import cast
from numen.sim.market.cast import GRANT, Kind, Person
from numen.sim.market.hall import Hall
from numen.sim.market.line import HALL
from numen.sim.market.member import Echo, Member
from numen.sim.market.remembering import Remembering
from numen.sim.market.witness import Witness
from numen.sim.network import NO_FAULTS, Count, Faults, Network
from numen.sim.witness import BrokenError

HOUR_MS: Final = 3_600_000
SUPPLY: Final = 10**9
FAULTS: Final = Faults(lost=8, twice=40, late=100, crash=1, cut=0)
"""How often what goes wrong, in thousandths of messages; partings come with tasks."""

PARTED_MS: Final = (1_000, 15_000)
PARTED_PERMILLE: Final = 250
"""How often the network is parted while a task lives."""

FORGED_PERMILLE: Final = 1
"""How often a lying hall tells a member what is not so."""

WORK_LIMIT: Final = 100
SLOW_MS: Final = 26_000
REST_MS: Final = 400_000
"""What is waited for in the end, without faults: longer than any task lives."""


class Report(msgspec.Struct, frozen=True):
    """What came of a run in which everything held that must.

    Attributes:
        seed: Which run.
        hours: Hours of simulated time.
        faults: What went wrong.
        entries: Entries of the record.
        tasks: Tasks that were posted.
        ended: How many ended how.
        wrong: Tasks whose settled answer is wrong: quorums of liars that nobody audited.
        resold: Answers that were bought again.
        slashed: Fines.
        redeemed: Tickets that were paid.
        refused: Submissions in the record that changed nothing; they should not be there.
        deceived: How often a member found out that the hall told it what is not so.
        head: Of the record, the same for everybody.
    """

    seed: int
    hours: int
    faults: Count
    entries: int
    tasks: int
    ended: dict[str, int]
    wrong: int
    resold: int
    slashed: int
    redeemed: int
    refused: int
    deceived: int
    head: bytes


def run(seed: int, hours: int = 24, tasks: int = 24, rates: Faults = FAULTS) -> Report:
    """Run a market for some hours, and see that everything holds after every entry.

    Args:
        seed: Of all chance: the same one gives the same run.
        hours: Of simulated time.
        tasks: How many are wanted in that time, at moments of chance.
        rates: How often what goes wrong.

    Raises:
        BrokenError: Something does not hold that must; its message says how to run it again.
    """
    try:
        return _Day(seed, hours, rates).run(tasks)
    except BrokenError as error:
        again = f"numen sim market --seed {seed} --hours {hours} --tasks {tasks}"
        raise BrokenError(f"{error.message}; again: {again}") from error
    finally:
        Remembering.forget()


class _Day:
    def __init__(self, seed: int, hours: int, rates: Faults) -> None:
        self._seed, self._hours = seed, hours
        self._network = Network(seed, rates)
        self._has_liar_hall = self._network.happens(250)
        verifiers, workers, buyers = cast.cast(seed, self._network)
        self._buyers = buyers
        everybody = [*verifiers, *workers, *buyers]
        key = SigningKey.from_seed(f"market simulation {seed}/hall".encode())
        domain = Domain("Numen", "1", 1337, b"\xcc" * 20)
        genesis = Genesis(domain, key.address, key.address, SUPPLY, GRANT, 0)
        honest = frozenset(p.address for p in (*verifiers, *workers) if p.kind is Kind.HONEST)
        self._codes = {program.id: program.code for program in cast.programs()}
        self._inputs: dict[bytes, bytes] = {}
        self._witness = Witness(genesis, honest, self._was_away, self._truth)
        self._hall = Hall(self._network, key, genesis, self._witness.look, self._forge)
        self._members = {person.address: self._member(person) for person in everybody}
        stranger = SigningKey.from_seed(f"market simulation {seed}/stranger".encode())
        echo = Echo(stranger.address, buyers[0].make, self._network, self._hall)
        self._members[stranger.address] = echo

    def run(self, tasks: int) -> Report:
        """Let it all happen."""
        network, dice = self._network, self._network.dice
        self._hall.start()
        for member in self._members.values():
            member.busy_until_ms = network.now_ms + 60_000
            member.start()
        for number in range(tasks):
            at_ms = dice.randrange(60_000, self._hours * HOUR_MS)
            network.plan(at_ms, lambda number=number: self._want(number))  # type: ignore[misc]
        self._until(self._hours * HOUR_MS)
        network.faults, self._has_liar_hall = NO_FAULTS, False
        self._until(network.now_ms + REST_MS)
        self._welcome()
        self._until(network.now_ms + REST_MS)
        self._see_all_agree()
        return self._report()

    def _until(self, end_ms: int) -> None:
        is_there = [False]
        self._network.plan(end_ms - self._network.now_ms, lambda: is_there.__setitem__(0, True))
        while not is_there[0]:
            self._network.advance()

    def _member(self, person: Person) -> Member:
        slow_ms = SLOW_MS if person.kind is Kind.SLOW else 0
        return Member(person.address, person.make, self._network, self._hall, slow_ms)

    def _welcome(self) -> None:
        """Let somebody new come: who was told a false last entry sees it by the one after."""
        who = SigningKey.from_seed(f"market simulation {self._seed}/newcomer".encode()).address
        member = Member(who, lambda: Visitor(who), self._network, self._hall)
        self._members[who] = member
        member.start()

    def _want(self, number: int) -> None:
        """Somebody wants something: it buys it again, or posts a task, and may take it back."""
        network, dice = self._network, self._network.dice
        if network.happens(PARTED_PERMILLE):
            places = [HALL, *self._members]
            for_ms = dice.randint(*PARTED_MS)
            network.plan(dice.randrange(8_000), lambda: network.part(places, for_ms))
        member = self._members[dice.choice(self._buyers).address]
        replica, player = member.replica, member.player
        if replica is None or not isinstance(player, Buyer):
            return  # it is away
        program = dice.choice(cast.programs())
        inputs = cast.inputs_of(program, dice.randrange(21))
        name = commit_inputs(inputs)
        self._inputs[name] = inputs
        member.offer(program.code, program.id)
        member.offer(inputs, name)
        bid = dice.choice((100, 3_000, 20_000, 60_000))
        ramp_ms = dice.choice((0, 0, 5_000, 60_000))
        highest = max(bid, dice.choice((bid, 4 * bid, 60_000)))
        order = Order(
            program.id, name, bid, highest,
            Quorum(dice.choice((2, 3, 5)), dice.choice((3, 4, 10, 100))), WORK_LIMIT, ramp_ms,
        )  # fmt: skip
        member.busy_until_ms = network.now_ms + 10_000
        member.nudge()
        if (
            dice.random() < 0.5
            and player.buy(order, replica.market, Notary(), member.now_ms) is not None
        ):
            return
        try:
            task = player.order(order, replica.market, number, member.now_ms)
        except OrderError:
            return
        if dice.random() < 0.2:
            network.plan(dice.randrange(20_000), lambda: self._take_back(member, player, task))

    def _take_back(self, member: Member, player: Buyer, task: bytes) -> None:
        player.cancel(task)
        member.nudge()

    def _truth(self, task: Task) -> bytes:
        answer = cast.true_answer(
            self._codes[task.program], self._inputs[task.inputs], task.work_limit
        )
        return claim_digest(claim_of(task, answer))

    def _was_away(self, who: bytes, since_ms: int) -> bool:
        return self._members[who].trouble_ms >= since_ms

    def _forge(self, entries: Entries) -> Entries:
        """Change what a member is told, where the hall lies."""
        if not self._has_liar_hall or not self._network.happens(FORGED_PERMILLE):
            return entries
        first, *rest = entries.entries
        if rest:
            return Entries(tuple(rest))  # leaves one out
        entry = decode(Entry, first)
        return Entries((encode(msgspec.structs.replace(entry, at_ms=entry.at_ms + 1)),))

    def _see_all_agree(self) -> None:
        self._witness.end()
        for member in self._members.values():
            replica = member.replica
            if replica is None or replica.head != self._witness.head:
                raise BrokenError(f"{member.address.hex()[:8]} has another market in the end")

    def _report(self) -> Report:
        witness, count = self._witness, self._witness.count
        ended: dict[str, int] = {}
        for how in witness.ended.values():
            ended[how] = ended.get(how, 0) + 1
        return Report(
            self._seed, self._hours, self._network.count, witness.entries, len(witness.ended),
            ended, witness.wrong, count["resold"], count["slashed"], count["redeemed"],
            count["refused"], sum(m.deceived for m in self._members.values()), witness.head,
        )  # fmt: skip
