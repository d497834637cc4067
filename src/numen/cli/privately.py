"""What `numen deploy`, `send` and `call` do with a key of one's own, and with what is private.

NumenError
└── AnswerError    a contract does not tell what it was asked
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

import click

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.cli.keys import read_password, with_password
from numen.evm.revert import decode_revert
from numen.evm.transaction import Kind, Transaction
from numen.ledger import looking
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.keyring import seal_request
from numen.net.keystore import KeyStore, default_folder
from numen.node import asking
from numen.vm.host import Outcome

WORK: Final = 10**7
"""Most work units of a request to what is private: no node tries it before it is signed."""

LIFE_BLOCKS: Final = 100
"""Blocks for which a question is good."""


class AnswerError(NumenError):
    """A contract does not tell what it was asked."""


def with_identity(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the key of somebody who is no account of the node: ``key``, or None."""

    @click.option("--as", "asker", metavar="NAME", help="An identity of `numen key` who asks.")
    @click.option(
        "--keys", "folder", type=click.Path(path_type=Path, file_okay=False), envvar="NUMEN_KEYS",
        help="Folder of the key files; also in NUMEN_KEYS.",
    )  # fmt: skip
    @with_password
    @functools.wraps(command)
    def run(
        asker: str | None, folder: Path | None, password_file: Path | None, **given: Any
    ) -> Any:
        key = None
        if asker is not None:
            store = KeyStore(folder or default_folder())
            key = store.open(asker, read_password(password_file, is_new=False)).account
        return command(key=key, **given)

    return run


def sealed(contract: Mapping[str, Any], payload: bytes, sender: str) -> bytes:
    """Seal a request for a contract, as `numen_getContract` describes it."""
    public = bytes.fromhex(contract["charter"]["key"][2:])
    address, who = (bytes.fromhex(each[2:]) for each in (contract["address"], sender))
    return seal_request(payload, address, who, public, token_bytes(32))


def look(rpc: str, contract: Mapping[str, Any], payload: bytes, key: SigningKey) -> bytes:
    """Ask a private view; gives its result, ABI-encoded.

    Raises:
        AnswerError: The contract refuses.
        NumenError: The node does, or it does not answer the question.
    """
    address = bytes.fromhex(contract["address"][2:])
    height = int(asking.ask(rpc, "eth_blockNumber"), 16)
    reply_secret = token_bytes(32)
    question = looking.Look(address, payload, height + LIFE_BLOCKS, public_key(reply_secret))
    public = bytes.fromhex(contract["charter"]["key"][2:])
    asked = looking.ask(question, key, public, token_bytes(32))
    raw = asking.ask(rpc, "numen_sealedCall", contract["address"], f"0x{asked.hex()}")
    return result_of(looking.read(bytes.fromhex(raw[2:]), question, reply_secret))


def result_of(outcome: Outcome) -> bytes:
    """What a view gave, ABI-encoded.

    Raises:
        AnswerError: The contract refuses.
    """
    failure = outcome.failure
    if failure is not None:
        said = decode_revert(failure.data).reason if failure.data else ""
        parts = (failure.reason.value, said or failure.detail)
        raise AnswerError(": ".join(part for part in parts if part))
    return outcome.result


def send(rpc: str, form: Mapping[str, Any], key: SigningKey | None, work: int | None = None) -> str:
    """Send a transaction, signed here or by the node; gives its id.

    Args:
        rpc: The node.
        form: The transaction, as JSON has it.
        key: Who signs; None for the node.
        work: Most work units; None to have them estimated.
    """
    if key is None:
        return str(asking.ask(rpc, "eth_sendTransaction", form))
    chain, price = (int(asking.ask(rpc, f"eth_{name}"), 16) for name in ("chainId", "gasPrice"))
    nonce = int(asking.ask(rpc, "eth_getTransactionCount", form["from"], "pending"), 16)
    gas = int(asking.ask(rpc, "eth_estimateGas", form), 16) if work is None else work
    to = bytes.fromhex(form["to"][2:]) if "to" in form else None
    tx = Transaction(
        Kind.LEGACY, chain, nonce, max_fee=price, max_priority_fee=price, gas_limit=gas, to=to,
        value=int(form["value"], 16), data=bytes.fromhex(form["data"][2:]),
    )  # fmt: skip
    return str(asking.ask(rpc, "eth_sendRawTransaction", f"0x{tx.sign(key).encode().hex()}"))
