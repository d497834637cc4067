"""How a worker defends its answers, and checks those of others.

Both need a walk of the run (`numen.proof.walk`): the worker its own, the challenger one that leads
to the answer that somebody else claims. Who has walked knows every state, and so every move.
"""

from collections.abc import Iterator, Mapping

from numen.base import merkle
from numen.base.crypto import SigningKey, hmac_sha256, keccak256
from numen.base.errors import NumenError
from numen.market.actor import Act, Do, Walk, Walker
from numen.market.exchange import Post
from numen.market.message import Body, sign
from numen.market.moves import Challenge, Midpoint, Run, Stance, Step
from numen.market.turn import Market
from numen.market.window import Claimed, Fight, claims_of_others, own_fights
from numen.proof.walk import DONE, Shown


class Bluff:
    """The walk of a liar: true up to some step, then made up, and `DONE` at the end.

    Args:
        walk: The true one.
        salt: What the rest is made up of, and where it begins.
    """

    def __init__(self, walk: Walk, salt: bytes) -> None:
        self._walk, self._salt = walk, salt
        self.answer, self.steps, self.is_true = walk.answer, walk.steps, True
        self._begins = 1 + int.from_bytes(salt, "big") % walk.steps

    def digest(self, index: int) -> bytes:
        """What it says the state is."""
        if index == self.steps:
            return DONE.digest
        if index < self._begins:
            return self._walk.digest(index)
        return keccak256(self._salt, index.to_bytes(8, "big"))

    def show(self, index: int) -> Shown:
        """The truth: there is nothing else to show."""
        return self._walk.show(index)

    def interval(self) -> int:
        """As of the true one."""
        return self._walk.interval()

    def checkpoints(self, interval: int) -> list[bytes]:
        """Digests of what it says the states are."""
        return [self.digest(place) for place in (*range(0, self.steps, interval), self.steps)]


def committed(walk: Walk) -> Run:
    """Bind a worker to a walk."""
    interval = walk.interval()
    return Run(walk.steps, interval, merkle.root(walk.checkpoints(interval)))


def _name(fight: Fight) -> tuple[bytes, bytes, str, int]:
    """A move that is due; once it is made, what is left of the run is another."""
    found = fight.bisection
    return fight.identity, fight.challenger, found.turn.value, found.high - found.low


class Duellist:
    """One worker's part in contests.

    Args:
        key: Its key.
        walker: Makes walks.
        inputs: Inputs of tasks by their commitments.
        secret: What follows from it is which answers of others it checks.
        one_in: Of how many it checks one; 0 for none.
        lie: What it makes its own walks up of; None for who says what is.
    """

    def __init__(
        self,
        key: SigningKey,
        walker: Walker,
        inputs: Mapping[bytes, bytes],
        *,
        secret: bytes,
        one_in: int,
        lie: bytes | None = None,
    ) -> None:
        self._key, self._walker, self._inputs = key, walker, inputs
        self._secret, self._one_in, self._lie = secret, one_in, lie
        self._seen: set[bytes] = set()
        self._said: set[tuple[bytes, bytes, str, int]] = set()

    def wake(self, market: Market, now_ms: int) -> Iterator[Act]:
        """Challenge what is false, and make the moves that are due."""
        fights = {_name(each): each for each in own_fights(market, self._key.address, now_ms)}
        self._said &= fights.keys()
        for name, fight in fights.items():
            if name not in self._said:
                self._said.add(name)
                yield from self._move(fight)
        claims = list(claims_of_others(market, self._key.address, now_ms))
        self._seen &= {claimed.result for claimed in claims}
        for claimed in claims:
            if claimed.result not in self._seen:
                self._seen.add(claimed.result)
                yield from self._check(claimed)

    def own_walk(self, walk: Walk, salt: bytes) -> Walk:
        """What it says its walk is."""
        return walk if self._lie is None else Bluff(walk, hmac_sha256(self._lie, salt))

    def checks(self, result: bytes) -> bool:
        """Whether it checks an answer, by the digest of its result: who claims it cannot know."""
        mark = int.from_bytes(hmac_sha256(self._secret, result)[:8], "big")
        return self._one_in > 0 and mark % self._one_in == 0

    def _check(self, claimed: Claimed) -> Iterator[Act]:
        """Walk the run of somebody else's answer, and challenge it if that does not end there."""
        if not self.checks(claimed.result):
            return
        try:
            walk = self._walker(claimed.task, self._inputs[claimed.task.inputs], claimed.answer)
        except NumenError:
            return  # who cannot walk it cannot say that it is false
        if not walk.is_true or walk.steps != claimed.run.steps:
            challenge = Challenge(claimed.identity, claimed.result, self._key.address)
            yield self._post(challenge)

    def _move(self, fight: Fight) -> Iterator[Act]:
        bisection = fight.bisection
        inputs = self._inputs[fight.task.inputs]
        if fight.challenger == self._key.address:
            walk = self._walker(fight.task, inputs, fight.answer)
            agrees = bisection.middle == walk.digest(bisection.half)
            yield self._post(Stance(fight.identity, self._key.address, bisection.half, agrees))
            return
        walk = self.own_walk(self._walker(fight.task, inputs, None), fight.match)
        if bisection.is_one_step:
            shown = walk.show(bisection.low)
            yield self._post(Step(fight.identity, self._key.address, fight.challenger, shown))
        else:
            yield self._post(self._midpoint(fight, walk))

    def _midpoint(self, fight: Fight, walk: Walk) -> Midpoint:
        step, run = fight.bisection.half, fight.bisection.run
        opening = None
        if step % run.interval == 0:
            opening = merkle.prove(walk.checkpoints(run.interval), step // run.interval)
        state = walk.digest(step)
        who = (fight.identity, self._key.address, fight.challenger)
        return Midpoint(*who, step, state, opening)

    def _post(self, body: Body) -> Do:
        return Do(Post(sign(self._key, body)), 1)
