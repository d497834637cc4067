"""How many answers belief takes, and how often it is wrong, while some workers collude.

A hundred workers answer thousands of tasks. Some of them agree on one wrong answer, in one of
several ways. The rule of the market (`numen.market.quorum`, `numen.market.reputation`, and runs of
verifiers as spot checks) is set against fixed replication, where the first answer that enough
workers gave is taken. Seats are given by lot.
"""

from collections.abc import Sequence
from enum import Enum
from random import Random
from typing import Final

import msgspec

from numen.market import quorum
from numen.market.reputation import Entry, Standing, after
from numen.market.verifier import AUDIT_ONE_IN

RIGHT: Final = bytes([1]) * 32
WRONG: Final = bytes([2]) * 32
RECEIPT: Final = bytes(32)


class Colluders(Enum):
    """When colluders give their common wrong answer."""

    ALWAYS = "always"
    AT_TIMES = "one time in ten"
    SLEEPERS = "once they are trusted"
    """Each behaves until two like it would be believed, and lies from then on, whoever else sits
    there: whoever is not trusted yet, or not any more, behaves again."""
    CUNNING = "once trusted, and alone"
    """As sleepers, but only where every seat is theirs. Nobody but a verifier can see it."""


class Setting(msgspec.Struct, frozen=True):
    """What is simulated.

    Attributes:
        colluders: When colluders lie.
        percent: How many of a hundred workers collude.
        tasks: How many tasks.
        trust: A wrong answer has to be less likely than one in so many.
        audit_one_in: Verifiers run one undisputed task in so many again.
        seed: Of all chance.
        workers: How many there are.
    """

    colluders: Colluders
    percent: int = 20
    tasks: int = 4000
    trust: int = 100
    audit_one_in: int = AUDIT_ONE_IN
    seed: int = 1
    workers: int = 100


class Tally(msgspec.Struct):
    """What came of it.

    Attributes:
        tasks: How many tasks there were.
        wrong: Wrong answers that were accepted.
        answers: Answers that were bought.
        late_answers: Those of the second half of the tasks, when workers are known.
        checks: Tasks that verifiers ran again, for a dispute or as a spot check.
        caught: Lies that were found.
    """

    tasks: int = 0
    wrong: int = 0
    answers: int = 0
    late_answers: int = 0
    checks: int = 0
    caught: int = 0

    @property
    def replicas(self) -> float:
        """Answers for a task."""
        return self.answers / self.tasks

    @property
    def late_replicas(self) -> float:
        """Answers for a task of the second half."""
        return self.late_answers / (self.tasks - self.tasks // 2)

    @property
    def wrong_permille(self) -> float:
        """Wrong answers accepted, of a thousand tasks."""
        return 1000 * self.wrong / self.tasks


class Crowd:
    """Workers, and what is known of them.

    Args:
        setting: What is simulated.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.dice = Random(setting.seed)  # noqa: S311 - it has to replay
        self.people = [number.to_bytes(20, "big") for number in range(setting.workers)]
        self.bad = frozenset(self.people[: setting.workers * setting.percent // 100])
        self.standings = dict.fromkeys(self.people, Standing())

    def queue(self) -> list[bytes]:
        """Everybody in a chance order; those of doubtful reputation last."""
        order = self.dice.sample(self.people, len(self.people))
        return sorted(order, key=lambda worker: self.standings[worker].is_doubtful)

    def scores(self, workers: Sequence[bytes]) -> dict[bytes, int]:
        """Reputation of some."""
        return {worker: self.standings[worker].score for worker in workers}

    def answer(self, worker: bytes, seated: Sequence[bytes], mood: int) -> bytes:
        """What a worker says, who sits there with others.

        Args:
            worker: Who.
            seated: Everybody who has a seat in the task.
            mood: The same for all in one task, from 0 to 9.
        """
        if worker not in self.bad:
            return RIGHT
        weight = quorum.weight(self.standings[worker].score)
        is_trusted = weight * weight > self.setting.trust
        match self.setting.colluders:
            case Colluders.ALWAYS:
                lies = True
            case Colluders.AT_TIMES:
                lies = mood == 0
            case Colluders.SLEEPERS:
                lies = is_trusted
            case Colluders.CUNNING:
                lies = is_trusted and all(other in self.bad for other in seated)
        return WRONG if lies else RIGHT

    def remember(self, answers: dict[bytes, bytes], settled: bytes, *, is_checked: bool) -> int:
        """Change reputations after a task, and count the lies that were found."""
        is_replicated = is_checked or len(answers) > 1
        for worker, answer in answers.items():
            is_right = answer == settled
            entry = Entry(RECEIPT, is_right, is_right and is_replicated, not is_right)
            self.standings[worker] = after(self.standings[worker], entry)
        return sum(answer != settled for answer in answers.values())


def adaptive(setting: Setting) -> Tally:
    """Buy as many answers as the reputations of those who give them make necessary."""
    crowd, tally = Crowd(setting), Tally(setting.tasks)
    for number in range(setting.tasks):
        mood = crowd.dice.randrange(10)
        answers = _adaptive_answers(crowd, mood)
        believed = quorum.consensus(answers, crowd.scores(list(answers)), setting.trust)
        is_disputed = len(set(answers.values())) > 1 or believed is None
        is_checked = is_disputed or crowd.dice.randrange(setting.audit_one_in) == 0
        settled = RIGHT if is_checked or believed is None else believed
        tally.checks += is_checked
        tally.caught += crowd.remember(answers, settled, is_checked=is_checked)
        _count(tally, number, answers, settled)
    return tally


def fixed(setting: Setting, equal: int) -> Tally:
    """Take the first answer that so many workers gave; nobody is remembered."""
    crowd, tally = Crowd(setting), Tally(setting.tasks)
    for number in range(setting.tasks):
        mood, answers = crowd.dice.randrange(10), dict[bytes, bytes]()
        queue = crowd.queue()
        settled = None
        while settled is None:
            worker = queue[len(answers)]
            answers[worker] = crowd.answer(worker, (worker,), mood)
            said = list(answers.values())
            settled = answers[worker] if said.count(answers[worker]) >= equal else None
        _count(tally, number, answers, settled)
    return tally


def _adaptive_answers(crowd: Crowd, mood: int) -> dict[bytes, bytes]:
    """Seat workers until the answer is credible, or answers differ: then verifiers run it."""
    answers: dict[bytes, bytes] = {}
    queue = crowd.queue()
    while len(set(answers.values())) <= 1:
        known = crowd.scores([*answers, *queue])
        wanted = quorum.answers_wanted(answers, known, crowd.setting.trust, queue)
        if not wanted:
            break
        new, queue = queue[:wanted], queue[wanted:]
        seated = [*answers, *new]
        answers |= {worker: crowd.answer(worker, seated, mood) for worker in new}
    return answers


def _count(tally: Tally, number: int, answers: dict[bytes, bytes], settled: bytes) -> None:
    tally.wrong += settled == WRONG
    tally.answers += len(answers)
    tally.late_answers += len(answers) if number >= tally.tasks // 2 else 0
