"""One case of a campaign: make it, run it on both sides, and say what does not agree."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from numen.evm import forks
from numen.evm.errors import EvmError, ResourceLimitError
from numen.evm.fuzz.case import Case, Judge, Outcome, RefusedCaseError, World
from numen.evm.fuzz.compare import differences
from numen.evm.fuzz.draft import Draft, draft
from numen.evm.fuzz.mutate import mutated, seed_files
from numen.evm.fuzz.ours import Engine
from numen.evm.fuzz.saved import write_case
from numen.evm.fuzz.shrink import shrink
from numen.evm.fuzz.words import Dice

JUDGES: Final = {
    "pyrevm": "numen.evm.fuzz.judges.revm:RevmJudge",
    "py-evm": "numen.evm.fuzz.judges.pyevm:PyEvmJudge",
    "eels": "numen.evm.fuzz.judges.eels:EelsJudge",
    "reference": "",
}
"""Whom our engine can be compared with, and where they are."""

Kind: TypeAlias = Literal["agree", "differ", "overruled", "limit", "refused"]
"""``overruled``: the judge disagrees with us, and the specifications with the judge. ``limit``: our
engine said that this machine cannot run it. ``refused``: the judge does not run such a case."""

_RECENT: Final = ("cancun", "prague")
_RECENT_PERCENT: Final = 50
_MUTATED_PERCENT: Final = 30


class MissingJudgeError(EvmError):
    """The engine to compare with is not installed."""


class Plan(msgspec.Struct, frozen=True):
    """What a campaign does.

    Attributes:
        against: A name in `JUDGES`.
        engine: A name in `engines.ENGINES`.
        seed: Everything follows from it.
        fork: Only this fork; None for all that the judge knows.
        corpus: Folder of state tests to mutate; None for generated cases only.
        shrink_runs: Most runs to make a failing case smaller.
    """

    against: str
    engine: str
    seed: int
    fork: str | None = None
    corpus: str | None = None
    shrink_runs: int = 3000


class Report(msgspec.Struct, frozen=True):
    """What came of one case.

    Attributes:
        index: Which case.
        kind: Agreement, or what else.
        status: How the message ended, by our engine.
        gas: Gas it used.
        fork: Under which fork.
        notes: Where the two differ.
        saved: The shrunk case as a file, if they do.
    """

    index: int
    kind: Kind
    status: str
    gas: int
    fork: str
    notes: list[str] = []
    saved: str = ""


class Court:
    """Both sides of a campaign, and the cases between them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.ours: Judge = Engine(plan.engine)
        self.theirs = judge_of(plan.against)
        self._arbiter: Judge | None = None
        self._files = seed_files(Path(plan.corpus)) if plan.corpus else []

    def case(self, index: int) -> Draft:
        """Make a case; the same for the same seed, index, fork and corpus."""
        name = f"{self.plan.seed}-{index}"
        fork = self.plan.fork or self._fork(name)
        if self._files and Dice(f"{name}/kind").chance(_MUTATED_PERCENT):
            made = mutated(name, self._files, fork)
            if made is not None:
                return made
        return draft(name, fork)

    def _fork(self, name: str) -> str:
        dice = Dice(f"{name}/fork")
        known = [fork for fork in forks.FORKS if fork in self.theirs.forks]
        recent = [fork for fork in _RECENT if fork in known]
        favoured = bool(recent) and dice.chance(_RECENT_PERCENT)
        return dice.random.choice(recent if favoured else known)

    def try_case(self, index: int, beat: Callable[[], None]) -> Report:
        """Run a case on both sides, and shrink it if they differ.

        Args:
            index: Which case.
            beat: Called now and then while it takes long.
        """
        made = self.case(index)
        case = self.theirs.adapted(made.assembled())
        try:
            mine = _outcome(self.ours, case, {})
        except ResourceLimitError as error:
            return Report(index, "limit", "", 0, case.fork, [error.message])
        try:
            notes = differences(mine, _outcome(self.theirs, case, mine.post))
        except RefusedCaseError as error:
            return Report(index, "refused", "", 0, case.fork, [error.message])
        gas = case.message.gas - mine.gas_left
        if not notes:
            return Report(index, "agree", mine.status, gas, case.fork)
        kind: Kind = "overruled" if self._is_overruled(case, mine) else "differ"
        if kind == "overruled":
            return Report(index, kind, mine.status, gas, case.fork, notes)
        small = self.shrunk(made, beat)
        return Report(index, kind, mine.status, gas, case.fork, notes, self._saved(small, notes))

    def _is_overruled(self, case: Case, mine: Outcome) -> bool:
        """Whether the specifications side with us against another judge."""
        if self.plan.against in {"eels", "reference"}:
            return False
        try:
            self._arbiter = self._arbiter or judge_of("eels")
        except MissingJudgeError:
            return False
        if case.fork not in self._arbiter.forks:
            return False
        return not differences(mine, _outcome(self._arbiter, case, mine.post))

    def shrunk(self, made: Draft, beat: Callable[[], None]) -> Draft:
        """A smaller case about which both sides differ as well."""

        def fails(tried: Draft) -> bool:
            beat()
            case = self.theirs.adapted(tried.assembled())
            try:
                mine = _outcome(self.ours, case, {})
                notes = differences(mine, _outcome(self.theirs, case, mine.post))
            except (ResourceLimitError, RefusedCaseError):
                return False
            return bool(notes) and not self._is_overruled(case, mine)

        return shrink(made, fails, self.plan.shrink_runs)

    def _saved(self, made: Draft, notes: list[str]) -> str:
        """The case as a file that says what the judge makes of it."""
        case = self.theirs.adapted(made.assembled())
        mine = _outcome(self.ours, case, {})
        theirs = _outcome(self.theirs, case, mine.post)
        told = [f"{self.plan.engine} against {self.plan.against}", *notes]
        return write_case(case, theirs, told).decode()


def judge_of(name: str) -> Judge:
    """Load a judge.

    Raises:
        MissingJudgeError: It is not installed.
    """
    if name == "reference":
        return Engine("reference")
    module, _, kind = JUDGES[name].partition(":")
    try:
        found: Judge = getattr(import_module(module), kind)()
    except ImportError as error:
        raise MissingJudgeError(
            f"{name} is not installed: {error.name} is missing",
            hint="pip install 'numen[judges]'",
        ) from None
    return found


def _outcome(judge: Judge, case: Case, seen: World) -> Outcome:
    trial = judge.prepare(case)
    trial.run()
    return trial.outcome(seen)
