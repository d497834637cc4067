"""Fixtures of pytest for the tests of contracts; pytest finds them where Numen is installed.

chain            a ledger in memory, for this test alone
people           those who have coins on it, by name: people.ann, people.bob, ...
deploy           builds a contract from a file beside the test, or from a text, and deploys it
interleavings    carries a story out in the orders in which its messages may arrive

A test that fails shows the messages of its ledger as trees. With ``@pytest.mark.interleavings(n)``
the fixture draws n orders by a seed, which is shown when the test fails and taken again with
``--numen-seed``; without the mark it tries them all.
"""

import random
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from numen.testing.chain import Chain, Contract, Person
    from numen.testing.interleave import Outcome, Story

LINES_MAX: Final = 200
"""Most lines of trees that a failure shows; the last ones are kept."""

SEED_MAX: Final = 2**32 - 1
"""Greatest seed."""

_SECTIONS: Final = pytest.StashKey[list[Callable[[], tuple[str, str]]]]()
_SEED: Final = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the seed."""
    group = parser.getgroup("numen", "contracts of Numen")
    words = "seed by which orders of messages are drawn; without it one that differs each time"
    group.addoption("--numen-seed", type=int, default=None, metavar="N", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Announce the mark, and settle the seed."""
    config.addinivalue_line(
        "markers", "interleavings(orders): draw so many orders of messages, by the seed"
    )
    given = config.getoption("--numen-seed")
    drawn = random.SystemRandom().randint(0, SEED_MAX)
    config.stash[_SEED] = drawn if given is None else given


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what happened on the ledgers of the test."""
    report = yield
    if report.failed:
        report.sections += [section() for section in item.stash.get(_SECTIONS, [])]
    return report


class People:
    """Those who have coins, by name and in order."""

    def __init__(self, people: "list[Person]") -> None:
        self._people = people
        self._by_name = {person.name: person for person in people}

    def __getattr__(self, name: str) -> "Person":
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(self._by_name)
            raise AttributeError(f"nobody is called {name}: there are {known}") from None

    def __iter__(self) -> "Iterator[Person]":
        return iter(self._people)

    def __getitem__(self, index: int) -> "Person":
        return self._people[index]

    def __len__(self) -> int:
        return len(self._people)


class Deploy:
    """Builds contracts, each once, and deploys them.

    Args:
        folder: Where files are looked for.
        chain: Where contracts are deployed if nothing else is said; may be None.
    """

    def __init__(self, folder: Path, chain: "Chain | None") -> None:
        self._folder = folder
        self._chain = chain
        self._built: dict[tuple[str | Path, str], Any] = {}

    def __call__(
        self,
        source: str | Path,
        *args: Any,
        contract: str = "",
        on: "Chain | None" = None,
        **how: Any,
    ) -> "Contract":
        """Deploy a contract.

        Args:
            source: A text of several lines, or a file, from the folder of the test.
            args: Of the constructor.
            contract: Which one of the file; without it the last.
            on: The chain, where a story makes its own.
            how: What `Chain.deploy` takes beside: sender, value, work, name.

        Raises:
            LangError: The source is not right.
            SentError: The constructor failed.
        """
        chain = on if on is not None else self._chain
        assert chain is not None, "say where: deploy(..., on=chain)"
        return chain.deploy(self.build(source, contract), *args, **how)

    def build(self, source: str | Path, contract: str = "") -> Any:
        """Build a contract, or give the one that was built; the arguments are those of a call."""
        if (source, contract) not in self._built:
            self._built[source, contract] = self._build(source, contract)
        return self._built[source, contract]

    def _build(self, source: str | Path, contract: str) -> Any:
        from numen.lang.modules import Texts  # noqa: PLC0415

        if isinstance(source, str) and "\n" in source:
            return _built(source, "<string>", contract, Texts({}))
        path = self._folder / source
        beside = {other.stem: other for other in sorted(path.parent.glob("*.py"))}
        texts = Texts({name: other.read_text("utf-8") for name, other in beside.items()})
        return _built(path.read_text("utf-8"), str(path), contract, texts)


def _built(text: str, file: str, contract: str, texts: Any) -> Any:
    from numen.lang.contracts.build import build  # noqa: PLC0415

    return build(text, file=file, name=contract, resolver=texts)


@pytest.fixture
def chain(request: pytest.FixtureRequest) -> "Chain":
    """A ledger in memory, made for this test alone."""
    from numen.testing.chain import Chain  # noqa: PLC0415

    made = Chain()
    _show(request.node, lambda: ("messages", _trees(made)))
    return made


@pytest.fixture
def people(chain: "Chain") -> People:
    """Those who have coins on the chain."""
    return People(chain.people)


@pytest.fixture
def deploy(request: pytest.FixtureRequest) -> Deploy:
    """Builds a contract and deploys it, on the chain of the test if it has one."""
    has_chain = "chain" in request.fixturenames
    return Deploy(request.path.parent, request.getfixturevalue("chain") if has_chain else None)


@pytest.fixture
def interleavings(request: pytest.FixtureRequest) -> "Callable[[Story], Iterator[Outcome]]":
    """Carries a story out in different orders; see `numen.testing.explore`."""
    from numen.testing.interleave import ORDERS_MAX, explore  # noqa: PLC0415

    mark = request.node.get_closest_marker("interleavings")
    seed = request.config.stash[_SEED] if mark is not None else None
    orders = mark.args[0] if mark is not None and mark.args else ORDERS_MAX

    def carried_out(story: "Story") -> "Iterator[Outcome]":
        shown: list[Outcome] = []
        number = 0

        def section() -> tuple[str, str]:
            text = _order(number, shown[0], seed, request.node.nodeid) if shown else ""
            return "order of messages", text

        _show(request.node, section)
        for outcome in explore(story, orders=orders, seed=seed):
            number += 1
            shown[:] = [outcome]
            yield outcome
        shown.clear()

    return carried_out


def _show(item: pytest.Item, section: Callable[[], tuple[str, str]]) -> None:
    item.stash.setdefault(_SECTIONS, []).append(section)


def _trees(chain: "Chain") -> str:
    lines = chain.tree().splitlines()
    left_out = len(lines) - LINES_MAX
    head = [f"... {left_out} lines before"] if left_out > 0 else []
    return "\n".join([*head, *lines[-LINES_MAX:]])


def _order(number: int, outcome: "Outcome", seed: int | None, test: str) -> str:
    drawn = f", drawn by seed {seed}" if seed is not None else ""
    lines = [f"order {number}{drawn}, choices {list(outcome.choices)}"]
    if seed is not None:
        lines.append(f"the same again: pytest --numen-seed {seed} '{test}'")
    return "\n".join([*lines, _trees(outcome.chain)])
