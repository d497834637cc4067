"""Calls on a ledger that leave nothing behind: looking, trying, and what work it takes.

A function that changes nothing is looked at, in any version of the state. Anything else is tried:
the request and all that follows from it are carried out as the next block would, and forgotten.

    EvmError
    ├── RequestError     a request that fails, and why
    └── UnsignedError    a try on what is private, as somebody else
"""

from collections import OrderedDict
from collections.abc import Container
from typing import Final

import msgspec

from numen.evm.errors import EvmError
from numen.evm.halt import Halt
from numen.evm.results import Outcome, RevertedError
from numen.evm.revert import decode_revert
from numen.evm.transaction import Kind as Form
from numen.evm.transaction import Transaction
from numen.ledger import tariff
from numen.ledger.cell import Account
from numen.ledger.ethereum import transaction_of
from numen.ledger.ledger import Ledger
from numen.ledger.messages import NOBODY
from numen.ledger.receipts import Receipt
from numen.ledger.rounds import Run
from numen.ledger.stored import Looked
from numen.ledger.transactions import Admitted
from numen.ledger.tree import Record, end
from numen.ledger.world import World
from numen.node.ledger.chain import WORK_MAX
from numen.node.simulate import AllowanceError, Call, NoFundsError
from numen.vm.host import Delivery, Failure, Kind, Reason

LANE: Final = -1
"""Machines for who looks are not those of the ledger."""

LOOKED_MAX: Final = 256
"""Most addresses and versions that are kept, so that machines find the same slots again."""

_NAMELESS: Final = b"\0" * 32
_TOLERANCE: Final = 64
"""An estimate is at most one part of so many too high."""


class RequestError(EvmError):
    """A request fails.

    Attributes:
        failure: Why.
    """

    def __init__(self, failure: Failure) -> None:
        parts = (failure.reason.value, failure.detail)
        super().__init__(": ".join(part for part in parts if part))
        self.failure = failure


class UnsignedError(EvmError):
    """What is private is to be tried as somebody whose signature is not there."""

    def __init__(self) -> None:
        super().__init__(
            "the contract has private state: who is no account of this node has to sign",
            hint="send the transaction with enough gas, what is not used is given back; ask a view "
            "with numen_sealedCall",
        )


class Tried(msgspec.Struct, frozen=True):
    """What would come of a request.

    Attributes:
        result: ABI-encoded; empty where its answer did not come in the block.
        failure: Why it fails, or None.
        work: Work units of everything, with the publishing of a code.
        ends: How each delivery ended, in order: two runs that agree here did the same.
    """

    result: bytes
    failure: Failure | None
    work: int
    ends: tuple[tuple[bytes, str, str], ...]


class Moment(msgspec.Struct, frozen=True):
    """The block that a call is to see, and the version of the state behind it.

    Attributes:
        version: None for the newest, behind which calls can be tried.
        height: Of the block.
        time_ms: Of the block.
    """

    version: int | None
    height: int
    time_ms: int


class Calls:
    """Calls on a ledger.

    Args:
        world: Its state.
        ledger: The ledger.
        own: Accounts that the node signs for. Who calls as another is not believed where something
            is private: a view has no sender then, and nothing is tried, since whether it fails
            would tell what the other has.
    """

    def __init__(self, world: World, ledger: Ledger, own: Container[bytes] = ()) -> None:
        self._world, self._ledger, self._own = world, ledger, own
        self._looked: OrderedDict[tuple[bytes, int, bool], Looked] = OrderedDict()

    def looked(self, address: bytes, version: int | None, *, is_open: bool = False) -> Looked:
        """What an address had at a version of the state, the newest where none is given.

        What is private is open to the contract alone, and not to who reads its slots.

        Raises:
            UnknownVersionError: There is no such version any more.
        """
        version = self._world.state.tree.version if version is None else version
        name = (address, version, is_open)
        found = self._looked.pop(name, None)
        found = found or self._world.look(address, version, is_open=is_open)
        self._looked[name] = found
        if len(self._looked) > LOOKED_MAX:
            self._looked.popitem(last=False)
        return found

    def call(self, call: Call, moment: Moment) -> bytes:
        """Ask, and keep nothing; gives the result, ABI-encoded.

        Raises:
            RevertedError: The contract refuses.
            RequestError: It fails otherwise; or the state is an older one, and the call changes it.
            NoFundsError: The caller has not what it sends.
            TransactionError: No block would take it.
            SealedError: It looks at what is private without the keys, or in an older block.
        """
        if call.to is not None and not call.value:
            found = self._look(call, call.to, moment)
            if found is not None:
                return found
        if moment.version is not None:
            detail = "a call that changes something can be tried on the last block alone"
            raise RequestError(Failure(Reason.ABSENT, detail=detail))
        tried = self.attempt(call, allowance(call), moment.time_ms)
        if tried.failure is not None:
            raise error_of(tried.failure)
        return tried.result

    def _look(self, call: Call, to: bytes, moment: Moment) -> bytes | None:
        """The result of a call that changes nothing; None where it has to be tried to be known."""
        slots = self.looked(to, moment.version, is_open=True)
        account = slots.account()
        service = self._world.service(account.code, LANE) if account.code else None
        if service is None:
            return None
        sender = call.caller if slots.secrets is None or call.caller in self._own else NOBODY
        told = Delivery(
            Kind.VIEW, to, sender, 0, call.data, allowance(call), moment.height,
            moment.time_ms, account.balance, has_keys=slots.secrets is not None,
        )  # fmt: skip
        outcome = service.handle(told, slots)
        failure = outcome.failure
        if failure is not None and failure.reason is Reason.REVERTED:
            raise error_of(failure)
        return None if failure is not None or outcome.waits else outcome.result

    def attempt(self, call: Call, work: int, time_ms: int) -> Tried:
        """Find what would come of a request.

        Args:
            call: The request, or creation.
            work: Most work units.
            time_ms: Of the block.

        Raises:
            NoFundsError: The caller has not what it sends.
            TransactionError: No block would take it.
            UnsignedError: Something is private, and the caller is none of the node's accounts.
        """
        self.check_caller(call)
        asked = request_of(call, self._world.peek(call.caller), self._ledger.chain, work)
        run = self._ledger.attempt(asked, time_ms)
        published = tariff.CODE_BYTE_WORK * sum(len(code) for code in asked.transaction.codes)
        return _tried(run, published)

    def check_caller(self, call: Call) -> None:
        """See that nobody is tried on what is private who did not sign.

        Raises:
            UnsignedError: The caller is none of the node's accounts.
        """
        is_private = call.to is not None and self._world.charter(bytes(call.to)) is not None
        if is_private and call.caller not in self._own:
            raise UnsignedError

    def estimate(self, call: Call, time_ms: int) -> int:
        """Find work with which a request, and all that follows, ends as with all the work there is.

        It is not enough that it succeeds: a contract may go on when what it asked for had too
        little work and came back.

        Raises:
            RevertedError: The contract refuses.
            RequestError: It fails otherwise.
            AllowanceError: It fails with the work that it may use, for want of more.
            NoFundsError: The caller has not what it sends.
            TransactionError: No block would take it.
        """
        most = allowance(call)
        if call.gas_price:
            balance = self._world.peek(call.caller).balance
            if balance < call.value:
                raise NoFundsError
            most = min(most, (balance - call.value) // call.gas_price)
        whole = self.attempt(call, most, time_ms)
        if whole.failure is not None:
            is_short = whole.failure.reason is Reason.OUT_OF_WORK
            raise AllowanceError(most) if is_short else error_of(whole.failure)

        def is_enough(work: int) -> bool:
            return self.attempt(call, work, time_ms).ends == whole.ends

        low, high = whole.work - 1, whole.work
        while high < most and not is_enough(high):
            low, high = high, min(2 * high, most)
        while high - low > max(1, high // _TOLERANCE):
            middle = (low + high) // 2
            low, high = (low, middle) if is_enough(middle) else (middle, high)
        return high


def request_of(call: Call, account: Account, chain: int, work: int) -> Admitted:
    """A call as if its caller had signed it.

    Args:
        call: The request, or creation.
        account: What the caller has.
        chain: Number of the ledger.
        work: Most work units.

    Raises:
        NoFundsError: The caller has not what it sends.
        TransactionError: No block would take it.
    """
    if account.balance < call.value:
        raise NoFundsError
    tx = Transaction(
        Form.FEE_MARKET, chain, account.nonce, gas_limit=work,
        to=bytes(call.to) if call.to is not None else None, value=call.value,
        data=bytes(call.data),
    )  # fmt: skip
    # What the ledger keeps of it is plain bytes, whatever a request was read as.
    return Admitted(transaction_of(tx, chain), bytes(call.caller), _NAMELESS, 0)


def error_of(failure: Failure) -> EvmError:
    """The error that a failure is to who asked."""
    if failure.reason is not Reason.REVERTED:
        return RequestError(failure)
    data = failure.data
    said = decode_revert(data)
    return RevertedError(
        Outcome(success=False, output=data, gas_used=0, halt=Halt.REVERT, revert=said)
    )


def allowance(call: Call) -> int:
    """Most work units of a call."""
    return WORK_MAX if call.gas is None else min(call.gas, WORK_MAX)


def _tried(run: Run, published: int) -> Tried:
    first = run.receipts[0]
    last = end(Record(run.receipts), first)
    failure = last.failure
    if run.left and failure is None:
        detail = f"more than {len(run.receipts)} messages follow from it"
        failure = Failure(Reason.TOO_LARGE, detail=detail)
    work = published + sum(receipt.work for receipt in run.receipts)
    return Tried(last.result, failure, work, tuple(map(_end, run.receipts)))


def _end(receipt: Receipt) -> tuple[bytes, str, str]:
    failure = receipt.failure
    reason = failure.reason.value if failure is not None else ""
    return receipt.message.target, receipt.fate.value, reason
