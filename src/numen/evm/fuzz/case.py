"""One program to run on several engines, and what an engine made of it.

A case is a message in a world: who is there, who calls whom with what, in which block of which
fork. Neither fees nor signatures take part; they belong to transactions.
"""

from collections.abc import Mapping
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from numen.evm.block import Block, Context
from numen.evm.errors import EvmError
from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.message import Log, Message
from numen.evm.state import Account

Status: TypeAlias = Literal["success", "revert", "failure"]
"""How a message ends; which failure it is may differ between engines that are both right."""

World: TypeAlias = Mapping[bytes, Account]
"""Accounts by address."""


class RefusedCaseError(EvmError):
    """An engine does not run such a case: not all take what no transaction could be."""


class Case(msgspec.Struct, frozen=True):
    """A message in a world.

    Attributes:
        name: For people, and for the name of the file when it is saved.
        fork: Name of the fork.
        block: The block it runs in.
        context: The transaction it runs in; its origin is the message's caller.
        pre: The accounts before it.
        message: What is run.
    """

    name: str
    fork: str
    block: Block
    context: Context
    pre: World
    message: Message


class Outcome(msgspec.Struct, frozen=True):
    """What an engine made of a case.

    Attributes:
        status: Success, revert or failure.
        gas_left: Gas the message did not use; refunds are not in it.
        output: What it gave back; nothing for a failure, and nothing for a creation, whose new
            code stands in the state.
        logs: Its logs, in order.
        post: The accounts after it. Empty ones before `deletes_empty_accounts` are among them.
        is_whole: Whether `post` has every account that changed. An engine that cannot list its
            accounts gives those that others named.
    """

    status: Status
    gas_left: int
    output: bytes
    logs: tuple[Log, ...]
    post: World
    is_whole: bool = True


class Trial(Protocol):
    """A case made ready on one engine, so that running it can be timed alone."""

    def run(self) -> None:
        """Run the message, once."""

    def outcome(self, seen: World) -> Outcome:
        """Read what came of it.

        Args:
            seen: Accounts that another engine has after it: what to look at, for an engine that
                cannot list its own.

        Raises:
            RefusedCaseError: The engine did not run it.
        """


class Judge(Protocol):
    """An engine that can be asked what a case comes to."""

    name: str
    forks: frozenset[str]
    """Forks it knows."""

    def adapted(self, case: Case) -> Case:
        """The same case without what this engine cannot be told."""

    def prepare(self, case: Case) -> Trial: ...


def status_of(halt: Halt) -> Status:
    """Class of a halt of ours."""
    if halt.is_success:
        return "success"
    return "revert" if halt is Halt.REVERT else "failure"


def warm_addresses(fork: Fork, case: Case) -> tuple[bytes, ...]:
    """Accounts that a transaction with this message counts as accessed (EIP-2929, EIP-3651)."""
    if not fork.has_access_lists:
        return ()
    found = [case.message.caller, *(n.to_bytes(20, "big") for n in fork.precompiles)]
    if case.message.to is not None:
        found.append(case.message.to)
    if fork.warms_coinbase:
        found.append(case.block.coinbase)
    return tuple(found)


DELEGATION_PREFIX: Final = bytes.fromhex("ef0100")
"""Begins the code of an account that lends another's (EIP-7702)."""


def delegate_of(code: bytes) -> bytes | None:
    """Address that code of this form points to, or None for code of any other form (EIP-7702)."""
    is_delegation = len(code) == 23 and code.startswith(DELEGATION_PREFIX)
    return code[3:] if is_delegation else None
