"""The tracer of calls, as geth's callTracer writes them: a tree of who called whom."""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from numen.evm.halt import Halt
from numen.evm.opcodes import BY_NAME
from numen.evm.reference.frame import ADDRESS_MASK, Frame
from numen.evm.revert import decode_revert
from numen.evm.trace import ERRORS
from numen.node.steps import STEPS_MAX, TraceTooLongError

FRAMES_MAX: Final = 100_000
"""Most calls of a trace."""

_CALLS: Final = {
    BY_NAME[name].byte: name
    for name in ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2")
}
_LOGS: Final = range(BY_NAME["LOG0"].byte, BY_NAME["LOG4"].byte + 1)


class LogOfCall(msgspec.Struct):
    """What code recorded in a call; the position is the number of calls before it."""

    address: str
    topics: list[str]
    data: str
    position: str


class CallFrame(msgspec.Struct, rename="camel", kw_only=True):
    """A call, and the calls inside of it."""

    sender: str = msgspec.field(name="from")
    gas: str
    gas_used: str = "0x0"
    to: str | UnsetType = UNSET
    input: str
    output: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    revert_reason: str | UnsetType = UNSET
    calls: list["CallFrame"] | UnsetType = UNSET
    logs: list[LogOfCall] | UnsetType = UNSET
    value: str | UnsetType = UNSET
    type: str


class CallTracer:
    """Watches a `ReferenceMachine`, and writes down every call.

    Args:
        only_top: Whether calls inside calls are left out.
        with_logs: Whether logs stand in their calls.

    Attributes:
        top: The outermost call, once it has begun.
    """

    def __init__(self, *, only_top: bool = False, with_logs: bool = False) -> None:
        self._only_top, self._with_logs = only_top, with_logs
        self._open: list[CallFrame] = []
        self._steps = self._frames = 0
        self._kind, self._target = "CALL", b""
        self._log = False
        self.top: CallFrame | None = None

    def before(self, frame: Frame, byte: int) -> None:
        """See which call comes."""
        self._steps += 1
        if self._steps > STEPS_MAX:
            raise TraceTooLongError
        self._log = byte in _LOGS
        if byte in _CALLS:
            self._kind = _CALLS[byte]
            if len(frame.stack) > 1:
                self._target = (frame.stack[-2] & ADDRESS_MASK).to_bytes(20, "big")

    def after(self, frame: Frame, failure: Halt | None) -> None:
        """Take down a log."""
        wanted = self._with_logs and not (self._only_top and frame.scope.depth)
        if self._log and failure is None and wanted:
            log = frame.world.journal.logs()[-1]
            shown = self._open[-1]
            position = 0 if shown.calls is UNSET else len(shown.calls)
            topics = ["0x" + topic.hex() for topic in log.topics]
            written = LogOfCall(_hex(log.address), topics, _hex(log.data), hex(position))
            shown.logs = [written] if shown.logs is UNSET else [*shown.logs, written]

    def enter(self, frame: Frame) -> None:
        """A call begins."""
        scope = frame.scope
        if self._only_top and scope.depth:
            return
        self._frames += 1
        if self._frames > FRAMES_MAX:
            raise TraceTooLongError
        kind = self._kind if scope.depth else ("CREATE" if scope.is_create else "CALL")
        keeps_caller = kind in {"DELEGATECALL", "CALLCODE"}
        called = self._target if keeps_caller else scope.address
        shown = CallFrame(
            sender=_hex(scope.address if keeps_caller else scope.caller),
            gas=hex(scope.gas),
            to=_hex(called),
            input=_hex(scope.code if scope.is_create else scope.data),
            type=kind,
        )
        if kind != "STATICCALL":
            shown.value = hex(scope.value)
        if self._open:
            parent = self._open[-1]
            if parent.calls is UNSET:
                parent.calls = []
            parent.calls.append(shown)
        else:
            self.top = shown
        self._open.append(shown)

    def leave(self, frame: Frame) -> None:
        """A call ends."""
        scope = frame.scope
        if self._only_top and scope.depth:
            return
        shown = self._open.pop()
        assert frame.halt is not None
        shown.gas_used = hex(scope.gas - frame.gas)
        if frame.output:
            shown.output = _hex(frame.output)
        if frame.halt.is_success:
            return
        shown.error = ERRORS[frame.halt]
        shown.logs = UNSET
        if scope.is_create:
            shown.to = UNSET
        if frame.halt is Halt.REVERT:
            said = decode_revert(frame.output)
            if said.name:
                shown.revert_reason = said.reason


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
