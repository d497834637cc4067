"""A method that waits is the coroutine that Python has, whatever ways lead through it.

Bodies are drawn as text that is both: Python runs it as a coroutine whose awaits are answered by
hand, the ledger's side plays the same answers. Numbers stay below a small bound, so that nothing
overflows.
"""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.stage import Stage, compiled, number

HEAD = """
from numen import Bounce, contract, interface, message

@interface
class Other:
    async def ask(n: u128) -> u128: ...

@contract
class Drawn:
    other: Other
    kept: u128

    @message
    async def go(self, a: u128, b: u128, n: u64) -> u128:
        c: u128 = 7
        row = [a, b, c]
"""

NAMES = ("a", "b", "c", "row[0]", "row[1]", "row[2]", "self.kept")
DEPTH_MAX = 3


@st.composite
def bodies(draw, depth: int = 0, loops: int = 0) -> list[str]:
    """Some statements, indented by nothing."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kinds = ["set", "set", "wait", "wait", "try"]
        if depth < DEPTH_MAX:
            kinds += ["if", "for"]
        if loops:
            kinds += ["leave"]
        match draw(st.sampled_from(kinds)):
            case "set":
                lines.append(f"{draw(targets())} = {draw(values(loops))}")
            case "wait":
                target, value = draw(targets()), draw(values(loops))
                lines.append(f"{target} = await self.other.ask({value}, callback_work=10_000)")
            case "try":
                target, value = draw(targets()), draw(values(loops))
                lines += [
                    "try:",
                    f"    {target} = await self.other.ask({value}, callback_work=10_000)",
                    "except Bounce:",
                    f"    {draw(targets())} = {draw(values(loops))}",
                ]
            case "if":
                lines.append(f"if {draw(values(loops))} < {draw(values(loops))}:")
                lines += [f"    {line}" for line in draw(bodies(depth + 1, loops))]
                if draw(st.booleans()):
                    lines.append("else:")
                    lines += [f"    {line}" for line in draw(bodies(depth + 1, loops))]
            case "for":
                stop = draw(st.sampled_from(["2", "3", "n"]))
                lines.append(f"for i{loops} in range({stop}):")
                lines += [f"    {line}" for line in draw(bodies(depth + 1, loops + 1))]
            case _:
                word = draw(st.sampled_from(["break", "continue"]))
                lines += [f"if {draw(values(loops))} < 300:", f"    {word}"]
    return lines


def targets():
    return st.sampled_from(NAMES)


@st.composite
def values(draw, loops: int) -> str:
    """A number below 1,009."""
    names = [*NAMES, *(f"u128(i{index})" for index in range(loops))]
    left, right = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    factor = draw(st.integers(1, 9))
    return f"({left} * {factor} + {right} + {draw(st.integers(0, 999))}) % 1009"


class BouncedError(Exception):
    """As Python sees it."""


class Asked:
    """An awaitable that tells what was asked."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __await__(self):
        answer = yield self.value
        if answer is None:
            raise BouncedError
        return answer


def coroutine(lines: list[str], a: int, b: int, n: int):
    text = "\n".join(
        ["async def go(self, a, b, n):", "    c = 7", "    row = [a, b, c]"]
        + [f"    {line}" for line in lines]
        + ["    return (a + b + c + row[0] + row[1] + row[2] + self.kept) % 1009"]
    )
    names: dict[str, object] = {"Bounce": BouncedError, "u128": int}
    exec(text, names)
    other = SimpleNamespace(ask=lambda value, callback_work: Asked(value))
    return names["go"](SimpleNamespace(other=other, kept=0), a, b, n)


def step_of(running, answer: int | None) -> tuple[int | None, int | None, bool]:
    """What a coroutine asks next, or gives, or whether it ends because of a bounce."""
    try:
        return running.send(answer), None, False
    except StopIteration as end:
        return None, end.value, False
    except BouncedError:
        return None, None, True


WAITS_MAX = 40


@given(bodies(), st.integers(0, 999), st.integers(0, 999), st.integers(0, 3), st.randoms())
@settings(deadline=None, max_examples=12)
def test_a_method_that_waits_is_pythons_coroutine(lines, a, b, n, chance):
    text = HEAD + "".join(f"        {line}\n" for line in lines)
    text += "        return (a + b + c + row[0] + row[1] + row[2] + self.kept) % 1009\n"
    stage = Stage(compiled(text))
    running = coroutine(lines, a, b, n)
    outcome = stage.told("go(uint128,uint128,uint64)", a, b, n)
    answer: int | None = None
    for step in range(WAITS_MAX):
        asked, result, bounced = step_of(running, answer if step else None)
        if bounced:
            assert outcome.failure is not None
            assert "Other.ask bounced" in outcome.failure.detail
            return
        if result is not None:
            assert not outcome.waits
            assert number(outcome.result) == result
            return
        assert outcome.waits
        assert number(outcome.effects[-1].payload[4:]) == asked
        answer = None if chance.random() < 0.15 else chance.randrange(1009)
        outcome = stage.bounce(outcome) if answer is None else stage.answer(outcome, answer)
