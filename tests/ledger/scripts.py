"""A contract that does what its messages say: it obeys `Service`, and Hypothesis writes for it."""

import msgspec

from numen.vm.host import (
    Cancel,
    Continuation,
    Delivery,
    Effect,
    Event,
    Failure,
    Kind,
    Outcome,
    Reason,
    Schedule,
    Send,
    Slots,
)


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """Send a script to a contract; ``then`` is what goes on with the answer, if it waits."""

    to: bytes
    value: int
    script: "Script"
    then: "Script | None" = None
    work: int = 0
    deadline: int = 0


class Script(msgspec.Struct, frozen=True, array_like=True):
    """What to do.

    Attributes:
        writes: Slots to add to: key and how much.
        asks: What to send.
        is_failing: Whether to refuse in the end.
        waits: Whether the last request's answer is this one's.
        work: How much it takes.
        timers: Schedules: key, height, period; a period below 0 cancels.
    """

    writes: tuple[tuple[int, int], ...] = ()
    asks: tuple[Ask, ...] = ()
    is_failing: bool = False
    waits: bool = False
    work: int = 10
    timers: tuple[tuple[int, int, int], ...] = ()


CODE = b"\x01" * 32
SEEN = 1 << 200
"""Slots from here on count the deliveries of each kind."""


def write(script: Script) -> bytes:
    return msgspec.msgpack.encode(script)


class Scripted:
    """Carries out scripts, and counts in its slots what it was told."""

    def handle(self, delivery: Delivery, slots: Slots) -> Outcome:
        kept = delivery.continuation
        raw = kept.frame if kept is not None else delivery.payload
        try:
            script = msgspec.msgpack.decode(raw, type=Script)
        except msgspec.MsgspecError:
            return Outcome(failure=Failure(Reason.ABSENT, detail="no script"))
        if script.work > delivery.work:
            return Outcome(work=delivery.work, failure=Failure(Reason.OUT_OF_WORK))
        if script.is_failing:
            return Outcome(work=script.work, failure=Failure(Reason.REVERTED, b"no"))
        return self._do(script, delivery, slots)

    def _do(self, script: Script, delivery: Delivery, slots: Slots) -> Outcome:
        writes: dict[int, int] = {}
        counter = SEEN + list(Kind).index(delivery.kind)
        for key, amount in (*script.writes, (counter, 1)):
            writes[key] = writes.get(key, slots.load(key)) + amount
        effects: list[Effect] = [Event((bytes(32),), raw) for raw in (delivery.payload[:4],)]
        effects += [self._ask(ask) for ask in script.asks]
        for key, at, period in script.timers:
            again = write(Script(((7, 1),)))
            effects.append(Cancel(key) if period < 0 else Schedule(at, period, 50_000, again, key))
        has_await = bool(script.asks) and script.asks[-1].then is not None
        return Outcome(
            result=b"" if script.waits and has_await else b"done",
            writes=tuple(sorted(writes.items())),
            effects=tuple(effects),
            work=script.work,
            waits=script.waits and has_await,
        )

    def _ask(self, ask: Ask) -> Send:
        then = ask.then
        kept = Continuation(0, write(then), 60_000) if then is not None else None
        return Send(ask.to, ask.value, write(ask.script), ask.work, ask.deadline, kept)
