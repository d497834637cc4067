"""The plugin of pytest: fixtures, the mark, and what a failure shows."""

import tomllib
from pathlib import Path

import pytest

from numen.testing import Chain, build

pytest_plugins = ["pytester"]

COUNTER = """
from numen import contract, message, view

@contract
class Counter:
    total: u128

    def __init__(self, start: u128):
        self.total = start

    @message
    def add(self, n: u128) -> u128:
        assert n < 100, "too much"
        self.total += n
        return self.total

    @message
    def double(self):
        self.total *= 2

    @view
    def look(self) -> u128:
        return self.total
"""

RACE = """
import pytest
from numen.testing import Chain

{mark}
def test_race(interleavings, deploy):
    def story():
        chain = Chain()
        ann, bob = chain.people[:2]
        story.counter = deploy("counter.py", 3, on=chain, name="counter")
        return chain, [
            (ann, story.counter.request("add", 1)),
            (bob, story.counter.request("double")),
        ]

    for outcome in interleavings(story):
        assert story.counter.view("look") {holds}
"""


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Everything is imported and compiled before pytester begins to forget what it imported."""
    Chain().deploy(build(COUNTER), 1)


@pytest.fixture
def run(pytester):
    (pytester.path / "counter.py").write_text(COUNTER)

    def started(text: str, *options: str):
        pytester.makepyfile(test_it=text)
        # Where Numen is installed the plugin is there already, under the name of its entry point.
        plugins = ("-p", "no:numen", "-p", "no:randomly", "-p", "numen.testing.plugin")
        return pytester.runpytest(*plugins, "--strict-markers", *options)

    return started


def outcomes(result) -> dict[str, int]:
    """How tests ended; other plugins may have warned."""
    return {word: n for word, n in result.parseoutcomes().items() if not word.startswith("warning")}


def test_fixtures_deploy_and_ask(run):
    result = run(
        f"""
        def test_from_a_file(chain, people, deploy):
            counter = deploy("counter.py", 40, name="counter", sender=people.bob)
            assert counter.send("add", 2, sender=people.ann).result() == 42
            assert [one.name for one in people][:2] == ["ann", "bob"]
            assert people[1] is people.bob and len(people) == 5

        def test_from_a_text_on_a_ledger_of_its_own(deploy, chain):
            assert chain.height == 0
            assert deploy({COUNTER!r}, 7).view("look") == 7
        """
    )
    assert outcomes(result) == {"passed": 2}


def test_a_failure_shows_the_messages_as_trees(run):
    result = run(
        """
        def test_it(chain, people, deploy):
            counter = deploy("counter.py", 40, name="counter")
            counter.send("add", 100, sender=people.ann)
            assert counter.view("look") == 140
        """
    )
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(
        ["*- messages -*", "*create ann -> counter*: done*",
         "*request ann -> counter add: failed, reverted*"]
    )  # fmt: skip


def test_a_success_shows_nothing(run):
    result = run("def test_it(chain, deploy):\n    deploy('counter.py', 1)", "-rA")
    assert outcomes(result) == {"passed": 1}
    result.stdout.no_fnmatch_line("*create ann*")


def test_all_orders_are_tried_without_the_mark(run):
    result = run(RACE.format(mark="", holds="in {7, 8}"))
    assert outcomes(result) == {"passed": 1}
    result = run(RACE.format(mark="", holds="== 8"))
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(
        [
            "*- order of messages -*",
            "order *, choices [[]*",
            "*request bob -> counter double: done*",
        ]
    )


def test_a_drawn_order_that_fails_tells_its_seed_and_comes_again(run):
    mark = "@pytest.mark.interleavings(40)"
    result = run(RACE.format(mark=mark, holds="== 8"))
    assert outcomes(result) == {"failed": 1}
    (line,) = [line for line in result.outlines if "the same again" in line]
    seed = line.split("--numen-seed ")[1].split()[0]
    (first,) = [line for line in result.outlines if line.startswith("order ")]

    again = run(RACE.format(mark=mark, holds="== 8"), "--numen-seed", seed)
    assert outcomes(again) == {"failed": 1}
    assert first in again.outlines
    assert f"drawn by seed {seed}" in first


def test_the_number_of_orders_is_that_of_the_mark(run):
    text = RACE.format(mark="@pytest.mark.interleavings(7)", holds="> 0")
    loop = "for outcome in interleavings(story):"
    assert loop in text
    counted = "assert len(list(interleavings(story))) == 7\n    for _ in ():"
    result = run(text.replace(loop, counted))
    assert outcomes(result) == {"passed": 1}


def test_a_name_that_nobody_has_is_told(run):
    result = run("def test_it(people):\n    people.zoe")
    assert outcomes(result) == {"failed": 1}
    result.stdout.fnmatch_lines(["*nobody is called zoe: there are ann, bob*"])


def test_the_entry_point_names_the_plugin():
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert tomllib.loads(text)["project"]["entry-points"]["pytest11"] == {
        "numen": "numen.testing.plugin"
    }
