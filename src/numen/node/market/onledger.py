"""A market's contract on a ledger, asked through a node's JSON-RPC.

LedgerError       the ledger does not do what it was asked
"""

from functools import partial
from typing import Any, Final, Protocol

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.evm.transaction import Kind, Transaction
from numen.market.contracts import artifact
from numen.market.turn import Market
from numen.node import asking

WORK: Final = 20_000_000
"""Work units of a message to the contract: room for a task with all the seats it can have."""

CREATION_WORK: Final = 30_000_000
"""Of its creation, with every byte that it publishes."""


ENDOWMENT: Final = 100 * 10**18
"""Coins that an account of a node for development gives to a hall without any."""


class LedgerError(NumenError):
    """The ledger does not do what it was asked."""


class Ask(Protocol):
    """Asks a node for something, as `numen.node.asking.ask` does of one at an address."""

    def __call__(self, method: str, *params: Any) -> Any:
        """What a method of the node gives.

        Raises:
            NoAnswerError: Nobody answers.
            RefusedError: The answer is an error.
        """


class OnLedger:
    """The contract of a market.

    Args:
        ask: Asks a node of the ledger.
        address: Of the contract, 20 bytes.
    """

    def __init__(self, ask: Ask, address: bytes) -> None:
        self._ask, self.address = ask, address

    def view(self, name: str, *args: Any) -> Any:
        """What a view of it gives.

        Raises:
            NoAnswerError: Nobody answers.
            RefusedError: It refuses.
            AbiError: There is another contract.
        """
        data = artifact.payload(name, *args)
        form = {"to": f"0x{self.address.hex()}", "data": f"0x{data.hex()}"}
        raw = self._ask("eth_call", form, "latest")
        return artifact.output(name, len(args), bytes.fromhex(raw[2:]))

    def send(self, key: SigningKey, name: str, *args: Any, value: int = 0) -> None:
        """Ask it for something, and wait until that is done.

        Raises:
            LedgerError: It refuses, and why.
            NoAnswerError: Nobody answers; it may have been done or not.
            RefusedError: The node does not take the transaction.
        """
        _transact(self._ask, key, self.address, artifact.payload(name, *args), value, WORK)


def asker(url: str) -> Ask:
    """Ask the node at an address."""
    return partial(asking.ask, url)


def create(ask: Ask, key: SigningKey, market: Market, born_ms: int) -> OnLedger:
    """Create the contract of a market, of which the key's account is the hall.

    Raises:
        LedgerError: As `OnLedger.send`, and likewise for the others.
    """
    code = artifact.creation(market, born_ms)
    receipt = _transact(ask, key, None, code, 0, CREATION_WORK)
    return OnLedger(ask, bytes.fromhex(receipt["contractAddress"][2:]))


def endow(ask: Ask, account: bytes) -> None:
    """See to it that an account can pay for messages.

    Where it has nothing, and the node signs for accounts of its own, as one for development does,
    the first of them sends it some.

    Raises:
        LedgerError: It has nothing, and nobody there gives it anything.
    """
    name = f"0x{account.hex()}"
    if int(ask("eth_getBalance", name, "latest"), 16):
        return
    rich = ask("eth_accounts")
    if not rich:
        raise LedgerError(
            f"{name} has no coins on the ledger", hint="send it some: it pays for each message"
        )
    ask("eth_sendTransaction", {"from": rich[0], "to": name, "value": hex(ENDOWMENT)})


def _transact(
    ask: Ask, key: SigningKey, to: bytes | None, data: bytes, value: int, work: int
) -> dict[str, Any]:
    account = f"0x{key.address.hex()}"
    price = int(ask("eth_gasPrice"), 16)
    transaction = Transaction(
        Kind.FEE_MARKET,
        int(ask("eth_chainId"), 16),
        int(ask("eth_getTransactionCount", account, "latest"), 16),
        price,
        0,
        work,
        to,
        value,
        data,
    ).sign(key)
    name = ask("eth_sendRawTransaction", f"0x{transaction.encode().hex()}")
    receipt: dict[str, Any] | None = ask("eth_getTransactionReceipt", name)
    if receipt is None:
        raise LedgerError(
            "the ledger makes no block for a transaction",
            hint="a hall needs a node that makes a block for each, as `numen node` does",
        )
    if int(receipt["status"], 16) != 1:
        said = ask("numen_explain", name)
        raise LedgerError(f"the ledger refuses: {said[0] if said else 'it does not say why'}")
    return receipt
