"""Answers that stand until they are challenged, in a whole market: who is right is paid."""

import msgspec
import pytest

import numen
from numen.base.codec import decode, encode
from numen.base.crypto import hmac_sha256
from numen.base.errors import NumenError
from numen.market import contest, events
from numen.market.actor import Answer, Do
from numen.market.bisection import Side
from numen.market.coins import Pocket
from numen.market.contest import Transcript
from numen.market.duel import Duellist
from numen.market.exchange import Post
from numen.market.log import FORMAT, Header, Log
from numen.market.message import Assent, Vote, sign
from numen.market.moves import Challenge, Stance
from numen.market.offence import CASE_MAX_BYTES, Case, WrongAnswer
from numen.market.payer import Limits
from numen.market.play import Play, dice_of, key_of
from numen.market.provider import Provider, Wanted
from numen.market.resale import check
from numen.market.task import Optimistic, Task
from numen.market.verifier import Verifier
from numen.market.why import explain
from numen.market.window import claims_of_others
from numen.market.worker import Behaviour, Profile, Tools, Worker
from numen.proof.statement import claim_digest, commit_inputs
from numen.vm.course import course, judge
from numen.vm.payload import encode_inputs
from numen.vm.walk import Walk, walk
from tests.market.town import open_market

PROGRAM = numen.compile(
    "def main(n: u64) -> u64:\n"
    "    total = 0\n"
    "    for i in range(n):\n"
    "        total += i * i\n"
    "    return total\n"
).program  # fmt: skip
RAW = encode_inputs(PROGRAM, (20,))
RIGHT = sum(i * i for i in range(20))
INPUTS = {commit_inputs(RAW): RAW}
WINDOW_MS = 5_000
PLEDGE = 4_000


def walker(task: Task, inputs: bytes, answer: bytes | None) -> Walk:
    return walk(PROGRAM.code, inputs, answer, task.work_limit)


class Checker:
    """Judges steps, as every member of a market does."""

    def check(self, task, claim, evidence) -> None:
        raise NumenError("nothing is proven here")

    def following(self, task, answer, shown) -> bytes:
        return judge(course(PROGRAM.code, INPUTS[task.inputs], answer, task.work_limit), shown)


class Unused:
    """A machine that nobody should need."""

    def run(self, program, inputs, work_limit) -> Answer:
        raise AssertionError("verifiers run nothing of this kind")


class Mute(Duellist):
    """Challenges, or is challenged, and says nothing more."""

    def _move(self, fight):
        return iter(())


class Quarreller(Mute):
    """Challenges whatever there is, and takes stances by chance."""

    def __init__(self, *given, stances=(True,), **named) -> None:
        super().__init__(*given, **named)
        self._stances = list(stances)

    def _check(self, claimed):
        yield self._post(Challenge(claimed.identity, claimed.result, self._key.address))

    def _move(self, fight):
        if fight.challenger == self._key.address and self._stances:
            step, agrees = fight.bisection.half, self._stances.pop()
            yield self._post(Stance(fight.identity, self._key.address, step, agrees))


def played(people, seed=3):
    """Let a town play; each of its people is a profile, and what fights for it.

    Returns:
        The play and what happened.
    """
    provider, verifier = key_of(seed, "provider"), key_of(seed, "verifier")
    keys = [key_of(seed, f"worker {i}") for i in range(len(people))]
    opening = open_market(provider, keys, [verifier])
    task = Task(
        market=opening.market.identity, provider=provider.address, verifier=verifier.address,
        number=0, program=PROGRAM.id, inputs=commit_inputs(RAW), policy=Optimistic(WINDOW_MS),
        work_limit=10_000, price_max=4_000, fee=10, pledge=PLEDGE, expires_ms=200_000,
    )  # fmt: skip
    wanted = [Wanted(task, 800, 0)]
    actors = [
        Provider(provider, wanted, dice_of(seed, "provider"), Limits(1000, 100_000)),
        Verifier(verifier, Unused(), INPUTS, dice_of(seed, "verifier"), is_prompt=True),
    ]
    tools = Tools(Unused(), None, INPUTS, lambda _task: 1000, walker=walker)
    for i, (key, (profile, fights)) in enumerate(zip(keys, people, strict=True)):
        worker = Worker(key, profile, tools, dice_of(seed, f"worker {i}"))
        if fights is not None:
            worker._duellist = fights(key, walker, INPUTS, secret=bytes(32), one_in=1)
        actors.append(worker)
    play = Play(opening.market, actors, Checker())
    log = list(play.run())
    assert play.market.coins.total() == opening.market.coins.total()
    assert play.market.coins.in_pocket(Pocket.PLEDGE) == 0
    assert play.market.coins.in_pocket(Pocket.BID) == 0
    return play, log, [key.address.hex() for key in keys]


def of(log, kind):
    return [event for event in log if isinstance(event, kind)]


def why(log, who):
    return explain(Log(Header(FORMAT, 0, {}), tuple(log)), who)


HONEST = Profile(Behaviour.HONEST, price_per_million=2_000)
CHEAP = Profile(Behaviour.HONEST, price_per_million=1_000)
LIAR = Profile(Behaviour.WRONG, price_per_million=1_000, lie=b"loki")
IDLE = Profile(Behaviour.HONEST, price_per_million=2_000, checks_one_in=0)


def test_an_answer_that_nobody_challenges_is_paid_after_its_window():
    play, log, (ada, _) = played([(CHEAP, None), (HONEST, None)])

    (entry,) = play.market.store.entries.values()
    check(entry, Checker().check, play.market.standing)
    assert [worker.hex() for worker in entry.workers] == [ada]
    assert entry.evidence is None
    (claimed,) = of(log, events.Claimed)
    (settled,) = of(log, events.Settled)
    (judged,) = of(log, events.Judged)
    assert claimed.worker == ada
    assert settled.evidence == "optimistic"
    assert settled.at_ms > claimed.until_ms == claimed.at_ms + WINDOW_MS
    assert (judged.worker, judged.outcome) == (ada, "accepted")
    assert not of(log, events.Challenged)
    # One worker's word that nobody doubted earns no reputation.
    assert {(e.before, e.after) for e in of(log, events.Scored)} == {(0, 0)}


@pytest.mark.parametrize("seed", range(4))
def test_a_liar_loses_to_who_walked_and_another_is_paid(seed):
    play, log, (liar, ada) = played([(LIAR, None), (HONEST, None)], seed)

    (decided,) = of(log, events.Decided)
    (slashed,) = of(log, events.Slashed)
    assert decided.winner == "challenger"
    assert "step that was left" in decided.reason
    assert (slashed.worker, slashed.reporter, slashed.outcome) == (liar, ada, "lost contest")
    assert (slashed.reward, slashed.burnt) == (PLEDGE // 2, PLEDGE // 2)
    assert [e.worker for e in of(log, events.Judged)] == [ada]
    assert of(log, events.Settled)[0].evidence == "optimistic"
    # Anyone finds the same in what was said alone.
    transcript = decode(Transcript, bytes.fromhex(slashed.evidence), size_max=CASE_MAX_BYTES)
    answer = transcript.chain[-1].body.answer
    way = course(PROGRAM.code, RAW, answer, 10_000)
    assert int.from_bytes(answer, "big") != RIGHT
    assert contest.replay(transcript, lambda shown: judge(way, shown)) is Side.CHALLENGER
    # What somebody else says in its own name is no move of the two.
    opened, *between, last = transcript.moves
    stranger = key_of(seed, "stranger")
    names = {"worker": stranger.address}
    other = sign(stranger, msgspec.structs.replace(last.body, **names))
    named = {"challenger": stranger.address}
    another = sign(stranger, msgspec.structs.replace(opened.body, **named))
    for moves in ((opened, *between, other), (another, *between, last), (*between, last), ()):
        with pytest.raises(NumenError, match=r"not about|no move of"):
            contest.replay(
                Transcript(transcript.chain, tuple(moves)), lambda shown: judge(way, shown)
            )
    forged = msgspec.structs.replace(transcript.moves[-1], signature=bytes(65))
    with pytest.raises(NumenError):
        contest.replay(Transcript(transcript.chain, (*transcript.moves[:-1], forged)), bytes)
    shorter = Transcript(transcript.chain, transcript.moves[:-1])
    assert contest.replay(shorter, lambda shown: judge(way, shown)) is None
    assert play.market.standing(bytes.fromhex(liar)).faults == 1
    told = "\n".join(why(log, liar))
    assert f"after {decided.rounds} halvings step" in told
    assert "it could be challenged until" in told


@pytest.mark.parametrize("stances", [(), (True,) * 40, (False,) * 40, (True, False) * 20])
def test_whoever_quarrels_with_what_is_right_loses_its_pledge(stances):
    def quarrels(*given, **named):
        return Quarreller(*given, stances=stances, **named)

    _, log, (ada, bob) = played([(CHEAP, None), (IDLE, quarrels)])

    (decided,) = of(log, events.Decided)
    (slashed,) = of(log, events.Slashed)
    assert decided.winner == "worker"
    assert (slashed.worker, slashed.reporter) == (bob, ada)
    assert [e.outcome for e in of(log, events.Judged)] == ["accepted"]
    # The window opened again, so that others could still come.
    assert of(log, events.Settled)[0].at_ms >= decided.at_ms + WINDOW_MS
    assert ("said nothing" in decided.reason) is (not stances)


def test_a_worker_that_says_nothing_when_it_is_challenged_loses():
    _, log, (ada, bob) = played([(CHEAP, Mute), (IDLE, Quarreller)])

    assert of(log, events.Decided)[0].winner == "challenger"
    assert of(log, events.Decided)[0].reason == "the worker said nothing in time"
    slashed = of(log, events.Slashed)[0]
    assert (slashed.worker, slashed.reporter) == (ada, bob)
    assert "after 0 halvings it was its turn, and it said nothing" in "\n".join(why(log, ada))


def test_which_answers_are_checked_follows_from_a_secret_that_others_do_not_have():
    seen = {}
    for salt in (b"one", b"two"):
        key, secret = key_of(3, "worker"), hmac_sha256(salt, b"check")
        duellist = Duellist(key, walker, INPUTS, secret=secret, one_in=2)
        results = [index.to_bytes(32, "big") for index in range(64)]
        seen[salt] = [result for result in results if duellist.checks(result)]
        assert 16 < len(seen[salt]) < 48
    assert seen[b"one"] != seen[b"two"]


def test_a_second_honest_challenger_is_heard_beside_one_that_loses_on_purpose():
    """The liar's friend challenges first, and gives up: that keeps nobody out."""
    _, log, (liar, _, ada) = played([(LIAR, None), (IDLE, Quarreller), (HONEST, None)])

    lost = [e for e in of(log, events.Decided) if e.worker == liar]
    assert [(e.winner, e.challenger) for e in lost] == [("challenger", ada)]
    (slashed,) = [e for e in of(log, events.Slashed) if e.worker == liar]
    assert slashed.reporter == ada
    assert of(log, events.Settled)


def test_what_is_not_due_changes_nothing():
    """Votes and assents decide nothing here, and nobody challenges itself, twice, or in vain."""

    class Meddler:
        def __init__(self, key) -> None:
            self.key, self.address = key, key.address
            self.said = False

        def wake(self, market, now_ms):
            for claimed in () if self.said else claims_of_others(market, self.address, now_ms):
                self.said = True
                job = market.jobs[claimed.identity]
                for challenger in (self.address, self.address):
                    challenge = Challenge(claimed.identity, claimed.result, challenger)
                    yield Do(Post(sign(self.key, challenge)), 1)
                for wrong in (bytes(32), claimed.result):
                    challenge = Challenge(wrong, claimed.result, self.address)
                    yield Do(Post(sign(self.key, challenge)), 1)
                digest = claim_digest(job.claim)
                yield Do(Post(sign(self.key, Assent(claimed.identity, self.address, digest))), 1)
                word = self.key.sign(digest)
                vote = Vote(claimed.identity, self.address, job.claim, word)
                yield Do(Post(sign(self.key, vote)), 1)
                yield Do(Post(sign(self.key, Stance(claimed.identity, self.address, 1, True))), 1)

        def receive(self, parcel, market, now_ms):
            return ()

    seed = 3
    key = key_of(seed, "verifier")
    meddler = Meddler(key)
    original = Verifier.wake

    def wake(self, market, now_ms):
        yield from original(self, market, now_ms)
        yield from meddler.wake(market, now_ms)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Verifier, "wake", wake)
        _, log, _ = played([(CHEAP, None), (IDLE, None)])

    refused = [e for e in of(log, events.Refused) if e.author == key.address.hex()]
    assert len(refused) == 7
    assert [e.outcome for e in of(log, events.Judged)] == ["accepted"]
    assert not of(log, events.Decided)


@pytest.mark.parametrize(
    ("outcome", "evidence"),
    [
        ("wrong answer", encode(Case(WrongAnswer((), ())))),
        ("lost contest", msgspec.msgpack.encode(((), ()))),
        ("lost contest", b""),
    ],
)
def test_evidence_of_a_strangers_log_that_shows_nothing_is_said_to(outcome, evidence):
    who, task = "11" * 20, "22" * 32
    slashed = events.Slashed(1, task, who, outcome, 10, who, 5, 5, evidence.hex())

    assert why([slashed], who)
