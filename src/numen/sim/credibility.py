"""How many answers belief takes, and how often it is wrong, while some workers collude.

A hundred workers answer thousands of tasks. Some of them agree on one wrong answer, in one of
several ways. The rule of the market (`numen.market.quorum`, `numen.market.reputation`, and runs of
verifiers, as many as `numen.market.vigilance` asks for) is set against fixed replication, where the
first answer that enough workers gave is taken. Seats are given by lot. When a liar is found,
verifiers run again what it answered before without anybody's contradiction, and so on for everybody
whom that shows to have lied.
"""

from collections.abc import Sequence
from enum import Enum
from random import Random
from typing import Final

import msgspec

from numen.market import quorum, vigilance
from numen.market.reputation import Entry, Standing, after
from numen.market.verifier import AUDIT_ONE_IN
from numen.market.vigilance import ANSWERS_MAX, NO_CALM, class_of, is_due, tasks_a_lie

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
    CUNNING = "where they hold every seat"
    """Only there, and only when they are believed without another seat. Nobody but a verifier can
    see it."""
    PATIENT = "where they hold every seat, while few look"
    """As the cunning, but only while less than a third of all tasks is run again."""
    REBORN = "where they hold every seat, and come back"
    """As the cunning; whoever is found begins again under another name."""


ALONE: Final = frozenset({Colluders.CUNNING, Colluders.PATIENT, Colluders.REBORN})
"""Those who lie only where nobody contradicts them."""

TENTHS: Final = 10


class Setting(msgspec.Struct, frozen=True):
    """What is simulated.

    Attributes:
        colluders: When colluders lie.
        percent: How many of a hundred workers collude.
        tasks: How many tasks.
        trust: A wrong answer has to be less likely than one in so many.
        audit_one_in: Verifiers run one undisputed task in so many again, at least.
        is_vigilant: Whether they run more again while the market has not been calm for long.
        seed: Of all chance.
        workers: How many there are.
    """

    colluders: Colluders
    percent: int = 20
    tasks: int = 4000
    trust: int = 100
    audit_one_in: int = AUDIT_ONE_IN
    is_vigilant: bool = True
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
        recalled: Of the wrong answers, those that verifiers found when they looked back.
        looked_back: Tasks that they ran again for that.
        tenths: Wrong answers by tenths of the tasks.
    """

    tasks: int = 0
    wrong: int = 0
    answers: int = 0
    late_answers: int = 0
    checks: int = 0
    caught: int = 0
    recalled: int = 0
    looked_back: int = 0
    tenths: list[int] = msgspec.field(default_factory=lambda: [0] * TENTHS)

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

    @property
    def standing_permille(self) -> float:
        """Wrong answers that were never found, of a thousand tasks."""
        return 1000 * (self.wrong - self.recalled) / self.tasks

    @property
    def runs(self) -> float:
        """Runs of verifiers for a task."""
        return (self.checks + self.looked_back) / self.tasks


class Past(msgspec.Struct):
    """A task that nobody has run again.

    Attributes:
        workers: Who answered it.
        is_wrong: Whether they lied.
        is_known: Whether somebody has run it again since.
    """

    workers: tuple[bytes, ...]
    is_wrong: bool
    is_known: bool = False


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
        self.calm = NO_CALM
        self._past: dict[bytes, list[Past]] = {worker: [] for worker in self.people}

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
        match self.setting.colluders:
            case Colluders.ALWAYS:
                lies = True
            case Colluders.AT_TIMES:
                lies = mood == 0
            case Colluders.SLEEPERS:
                weight = quorum.weight(self.standings[worker].score)
                lies = weight * weight > self.setting.trust
            case Colluders.CUNNING | Colluders.REBORN:
                lies = self._are_alone(seated)
            case Colluders.PATIENT:
                calm = self.calm[class_of(self.setting.trust)]
                lies = calm > 2 * tasks_a_lie(self.setting.trust) and self._are_alone(seated)
        return WRONG if lies else RIGHT

    def _are_alone(self, seated: Sequence[bytes]) -> bool:
        """Whether a lie of all who have a seat would be believed."""
        lie = dict.fromkeys(seated, WRONG)
        is_enough = quorum.consensus(lie, self.scores(seated), self.setting.trust) is not None
        return is_enough and self.bad.issuperset(seated)

    def is_checked(self, answers: int) -> bool:
        """Draw whether verifiers run a task again that nobody disputes."""
        setting = self.setting
        is_seen = setting.is_vigilant and answers <= ANSWERS_MAX
        calm = self.calm if is_seen else None
        return is_due(self.dice.randbytes(8), setting.trust, calm, setting.audit_one_in)

    def note(self, answers: int, *, is_lie: bool) -> None:
        """Remember whether answers that nobody disputed were right, as the market does."""
        if answers <= ANSWERS_MAX:
            self.calm = vigilance.settled(self.calm, self.setting.trust, is_lie=is_lie)

    def remember(self, answers: dict[bytes, bytes], settled: bytes, *, is_checked: bool) -> int:
        """Change reputations after a task, and count the lies that were found."""
        is_replicated = is_checked or len(answers) > 1
        for worker, answer in answers.items():
            self._score(worker, is_right=answer == settled, is_replicated=is_replicated)
        if not is_checked:
            past = Past(tuple(answers), settled == WRONG)
            for worker in answers:
                self._past[worker].append(past)
        return sum(answer != settled for answer in answers.values())

    def look_back(self, liars: Sequence[bytes], tally: Tally) -> None:
        """Run again what liars answered before, and what those did whom that shows to have lied."""
        known, queue = set(liars), [*liars]
        while queue:
            past = self._past[queue.pop()]
            for task in past:
                tally.looked_back += not task.is_known
                if task.is_wrong and not task.is_known:
                    tally.recalled += 1
                    found = [worker for worker in task.workers if worker not in known]
                    for worker in found:
                        self._score(worker, is_right=False, is_replicated=False)
                    known.update(found)
                    queue += found
                task.is_known = True
            past.clear()

    def _score(self, worker: bytes, *, is_right: bool, is_replicated: bool) -> None:
        entry = Entry(RECEIPT, is_right, is_right and is_replicated, not is_right)
        self.standings[worker] = after(self.standings[worker], entry)
        if not is_right and self.setting.colluders is Colluders.REBORN:
            self.standings[worker] = Standing()


def adaptive(setting: Setting) -> Tally:
    """Buy as many answers as the reputations of those who give them make necessary."""
    crowd, tally = Crowd(setting), Tally(setting.tasks)
    for number in range(setting.tasks):
        mood = crowd.dice.randrange(10)
        answers = _adaptive_answers(crowd, mood)
        believed = quorum.consensus(answers, crowd.scores(list(answers)), setting.trust)
        is_disputed = len(set(answers.values())) > 1 or believed is None
        is_checked = is_disputed or crowd.is_checked(len(answers))
        settled = RIGHT if is_checked or believed is None else believed
        if not is_disputed:
            crowd.note(len(answers), is_lie=believed != settled)
        tally.checks += is_checked
        tally.caught += crowd.remember(answers, settled, is_checked=is_checked)
        crowd.look_back([w for w, answer in answers.items() if answer != settled], tally)
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
    tally.tenths[number * TENTHS // tally.tasks] += settled == WRONG
    tally.answers += len(answers)
    tally.late_answers += len(answers) if number >= tally.tasks // 2 else 0
