"""Why an EVM message failed, as every kind of contract says it."""

from typing import Final

from numen.evm.halt import Halt
from numen.evm.message import Result
from numen.vm.host import Failure, Reason

_REASONS: Final = {
    Halt.REVERT: Reason.REVERTED,
    Halt.OUT_OF_GAS: Reason.OUT_OF_WORK,
    Halt.BALANCE: Reason.UNPAID,
}


def failure_of(result: Result) -> Failure:
    """The failure of a message that did not succeed; a revert brings its data."""
    assert not result.success
    reason = _REASONS.get(result.halt, Reason.TRAPPED)
    data = result.output if reason is Reason.REVERTED else b""
    return Failure(reason, data, result.halt.name.lower().replace("_", " "))
