"""`numen deploy`, `send`, `call` and `explain`: contracts on a ledger.

NumenError
└── AskedError    what is asked of a contract is not what it takes
"""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from numen.base.crypto import SigningKey
from numen.base.errors import NumenError
from numen.cli import privately, stories
from numen.cli.output import print_json, show_value
from numen.cli.privately import with_identity
from numen.cli.programs import PASS_ALL, as_json_option
from numen.cli.progress import progress
from numen.cli.targets import split
from numen.evm import abi
from numen.evm.lift.reading import FILE_BYTES_MAX, read_bytecode
from numen.node import asking
from numen.proof.files import read_file

rpc_option = click.option(
    "--rpc", metavar="URL", default=asking.URL, envvar="NUMEN_RPC", show_default=True,
    help="The node; also in NUMEN_RPC.",
)  # fmt: skip
data_option = click.option(
    "--data", "folder", type=click.Path(file_okay=False, path_type=Path),
    help="The folder of a ledger, in place of a node.",
)  # fmt: skip
from_option = click.option(
    "--from", "sender", metavar="ADDRESS", help="Who asks: an account of the node, or the first."
)
value_option = click.option(
    "--value", type=click.IntRange(0, 2**128 - 1), default=0, help="Coins that go with it."
)


class AskedError(NumenError):
    """What is asked of a contract is not what it takes."""


@click.command(context_settings=PASS_ALL)
@click.argument("file", metavar="FILE[:NAME]")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="ARG...")
@click.option(
    "--mode", type=click.Choice(["event", "atomic"]), default="event", show_default=True,
    help="Of bytecode: whether its calls are requests, or run at once in an EVM of its own.",
)  # fmt: skip
@rpc_option
@from_option
@with_identity
@value_option
@as_json_option
def deploy(
    file: str,
    args: tuple[str, ...],
    mode: str,
    rpc: str,
    sender: str | None,
    key: SigningKey | None,
    value: int,
    as_json: bool,
) -> None:
    """Create a contract on a ledger, and print its address.

    FILE is source with a class under @contract, and ARG its constructor's arguments; or bytecode of
    the EVM (.bin, .hex, .evm), with encoded arguments behind it.
    """
    data, entries = _creation(file, args, mode)
    form = {"from": _who(rpc, sender, key), "data": f"0x{data.hex()}", "value": hex(value)}
    receipt = _sent(rpc, form, key)
    address = receipt["contractAddress"]
    if as_json:
        print_json({"address": address, "transaction": receipt["transactionHash"], "abi": entries})
    else:
        click.echo(address)


@click.command(context_settings=PASS_ALL)
@click.argument("address")
@click.argument("name", metavar="MESSAGE")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="ARG...")
@rpc_option
@from_option
@with_identity
@value_option
@as_json_option
def send(
    address: str,
    name: str,
    args: tuple[str, ...],
    rpc: str,
    sender: str | None,
    key: SigningKey | None,
    value: int,
    as_json: bool,
) -> None:
    """Ask a contract in a transaction, and print what followed.

    MESSAGE is its name, or a signature such as 'transfer(address,uint128)' where the node does not
    know the contract's messages. A message that takes what is private is sealed here, so that only
    who has the contract's keys can read it.
    """
    payload, _, contract, entry = _payload(rpc, address, name, args)
    who = _who(rpc, sender, key)
    if entry.get("takesPrivate"):
        payload = privately.sealed(contract, payload, who)
    form = {
        "from": who,
        "to": address,
        "data": f"0x{payload.hex()}",
        "value": hex(value),
    }
    receipt = _sent(rpc, form, key, privately.WORK if contract["charter"] else None)
    stories.show(stories.tree(receipt["transactionHash"], rpc, None), as_json=as_json)


@click.command(context_settings=PASS_ALL)
@click.argument("address")
@click.argument("name", metavar="VIEW")
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="ARG...")
@rpc_option
@from_option
@with_identity
@as_json_option
def call(
    address: str,
    name: str,
    args: tuple[str, ...],
    rpc: str,
    sender: str | None,
    key: SigningKey | None,
    as_json: bool,
) -> None:
    """Ask a contract without a transaction, and print the result.

    VIEW is its name, or a signature, with the types of the result behind it if they are to be read:
    'balanceOf(address)(uint128)'. Without them the result is printed as bytes.

    What is private is asked with the key of --as, and answered so that only this can read it.
    """
    payload, results, contract, entry = _payload(rpc, address, name, args)
    if entry.get("takesPrivate") or entry.get("givesPrivate"):
        if key is None:
            raise AskedError(f"{name} is private", hint="say who asks: --as NAME, of `numen key`")
        raw = privately.look(rpc, contract, payload, key)
    else:
        who = f"0x{key.address.hex()}" if key is not None else sender
        form = {"to": address, "data": f"0x{payload.hex()}"} | ({"from": who} if who else {})
        raw = bytes.fromhex(asking.ask(rpc, "eth_call", form, "latest")[2:])
    show_result(raw, results, as_json=as_json)


@click.command()
@click.argument("identity", metavar="ID")
@rpc_option
@data_option
@as_json_option
def explain(identity: str, rpc: str, folder: Path | None, as_json: bool) -> None:
    """Draw what followed from a transaction or message, as a tree.

    ID is its id in hexadecimal, or the beginning.
    """
    stories.show(stories.tree(identity, rpc, folder), as_json=as_json)


def show_result(raw: bytes, results: list[str] | None, *, as_json: bool) -> None:
    """Print what a view gave: read by its types, or as bytes where they are not known."""
    found = f"0x{raw.hex()}" if results is None else plain(abi.decode(results, raw))
    if results is not None and len(results) == 1:
        found = found[0]
    if as_json:
        print_json({"result": found})
    else:
        click.echo(found if isinstance(found, str) else show_value(found))


def _creation(file: str, args: Sequence[str], mode: str) -> tuple[bytes, Any]:
    path, name = split(file)
    services: Any = import_module("numen.api.services")
    if path.suffix == ".py":
        with progress("compiling"):
            contract = services.from_file(path, name or "")
        inputs = next(
            (e.get("inputs", ()) for e in contract.abi if e.get("type") == "constructor"), ()
        )
        data = services.creation(contract) + encoded(abi.types(inputs), args)
        return data, contract.abi
    if args:
        raise AskedError("arguments of bytecode are encoded, and stand behind it in the file")
    code = read_bytecode(read_file(path, size_max=FILE_BYTES_MAX))
    return (services.atomic(code) if mode == "atomic" else code), []


def _first(rpc: str) -> str:
    found: list[str] = asking.ask(rpc, "eth_accounts")
    if not found:
        raise AskedError("the node signs for nobody: name an account with --from")
    return found[0]


def _who(rpc: str, sender: str | None, key: SigningKey | None) -> str:
    """The address that asks."""
    if key is None:
        return sender or _first(rpc)
    if sender is not None:
        raise AskedError("--from is an account of the node, --as one of yours: name one of them")
    return f"0x{key.address.hex()}"


def _sent(
    rpc: str, form: dict[str, Any], key: SigningKey | None, work: int | None = None
) -> dict[str, Any]:
    identity = privately.send(rpc, form, key, work)
    receipt = asking.ask(rpc, "eth_getTransactionReceipt", identity)
    if receipt is None:
        raise AskedError(f"{identity} waits for a block", hint=f"numen explain {identity}")
    if receipt["status"] != "0x1":
        raise AskedError(f"{identity} failed", hint=f"numen explain {identity}")
    found: dict[str, Any] = receipt
    return found


def _payload(
    rpc: str, address: str, name: str, args: Sequence[str]
) -> tuple[bytes, list[str] | None, dict[str, Any], dict[str, Any]]:
    """What is sent to a contract, the types of the result if they are known, whom it is for, how.

    The last two are what the node says of the contract and of its message, as far as it knows it.
    """
    signature, results = parted(name)
    contract = _contract(rpc, address, is_needed="(" not in name)
    entry = _entry(contract, signature)
    signature = entry.get("signature", signature)
    kinds = abi.parts(signature[signature.index("(") :])
    return abi.selector(signature) + encoded(kinds, args), results, contract, entry


def parted(name: str) -> tuple[str, list[str] | None]:
    """A name or signature, and the types of the result that stand behind it."""
    if ")(" not in name:
        return name, None
    signature, _, behind = name.partition(")(")
    return f"{signature})", abi.parts(f"({behind}")


def _contract(rpc: str, address: str, *, is_needed: bool) -> dict[str, Any]:
    """What the node knows of a contract; where it is not needed, perhaps nothing."""
    try:
        found = asking.ask(rpc, "numen_getContract", address)
    except asking.RefusedError:  # a chain for development
        found = None
        if is_needed:
            raise
    if found is None and is_needed:
        raise AskedError(f"no contract lives at {address}")
    return found or {"address": address, "entries": [], "charter": None}


def _entry(contract: dict[str, Any], name: str) -> dict[str, Any]:
    """What the node knows of a message or view; nothing of one that is named by its signature."""
    entries = [e for e in contract["entries"] if e["role"] in ("message", "view")]
    for entry in entries:
        if name in (entry["name"], entry["signature"]):
            found: dict[str, Any] = entry
            return found
    if "(" in name and contract["charter"] is None:
        return {}
    names = ", ".join(entry["name"] for entry in entries)
    hint = f"it has {names}" if names else "name it by its signature: 'transfer(address,uint256)'"
    raise AskedError(f"{contract['address']} has no {name}", hint=hint)


def encoded(kinds: Sequence[str], args: Sequence[str]) -> bytes:
    """Encode arguments as their types want them.

    Raises:
        AskedError: They are others.
    """
    if len(kinds) != len(args):
        raise AskedError(f"{len(args)} arguments where {len(kinds)} are taken: {', '.join(kinds)}")
    return abi.encode(kinds, [_value(kind, arg) for kind, arg in zip(kinds, args, strict=True)])


def _value(kind: str, text: str) -> Any:
    """Read an argument as its type wants it; lists and tuples are JSON."""
    try:
        if kind.endswith(("]", ")")):
            return json.loads(text)
        if kind.startswith(("uint", "int")):
            return int(text, 0)
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kind.startswith("bytes"):
            return bytes.fromhex(text.removeprefix("0x"))
    except (ValueError, KeyError, RecursionError):
        raise AskedError(f"{text[:60]!r} is no {kind}") from None
    return text


def plain(value: Any) -> Any:
    """A result as JSON has it."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return [plain(each) for each in value] if isinstance(value, tuple) else value
