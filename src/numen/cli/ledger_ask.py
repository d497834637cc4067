"""`numen ledger pay` and `numen ledger create`: transactions, and what becomes of them."""

import asyncio
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from numen.api.services import from_file
from numen.base.crypto import SigningKey
from numen.cli.keys import with_password
from numen.cli.ledger_folder import in_folder, open_identity, read_folder, run_async
from numen.cli.output import EXIT_FALSE, print_json
from numen.lang.contracts.build import Contract
from numen.ledger.order.creation import Attestation, Roster, TooFewError, accept
from numen.net.channel import Transport
from numen.net.errors import ChannelError
from numen.net.identity import NodeKey
from numen.net.networks import Networks
from numen.node.process.client import (
    AskError,
    Client,
    News,
    connected,
    creation_of,
    founded_creation_of,
    payment,
)
from numen.node.process.dealing import deal_keys
from numen.node.process.roll import Roll
from numen.vm.codes import Code, write_code
from numen.vm.contract import write_contract
from numen.vm.host import VALUE_MAX

_ANSWER_S: Final = 5.0
"""How long a node may take to say what it attests."""

_AGAIN_S: Final = 0.3
"""After which nodes are asked again."""


class _Payment(msgspec.Struct):
    """What `numen ledger pay` was asked to do."""

    folder: Path
    payer: str
    payee: str
    coins: int
    name: str
    nonce: int | None
    wait_s: int
    password_file: Path | None
    as_json: bool


@click.command()
@in_folder
@click.argument("payer")
@click.argument("payee")
@click.argument("coins", type=click.IntRange(0, VALUE_MAX))
@click.option("--at", "name", metavar="NODE", default="node-0", show_default=True)
@click.option("--nonce", type=click.IntRange(0, 2**63 - 1), help="Of the payment; else the next.")
@click.option("--wait", "wait_s", metavar="SECONDS", type=click.IntRange(1, 86_400), default=30)
@with_password
def pay(**given: Any) -> int:
    """Let PAYER send COINS to PAYEE, and wait until it is final whether that holds.

    PAYEE is a name of the ledger's file, or an address. Exit code 1: it does not hold, or it is not
    decided yet.
    """
    asked = _Payment(**given)
    roll = read_folder(asked.folder)
    identity = open_identity(asked.folder, asked.payer, asked.password_file)
    to = address_of(roll, asked.payee)

    async def work() -> News | None:
        async with connected(roll, asked.name, Networks(NodeKey.generate())) as client:
            nonce = asked.nonce
            if nonce is None:
                nonce = (await client.holding(identity.account.address)).nonce
            raw = payment(roll, identity.account, nonce, to, asked.coins)
            return await follow(client, raw, asked.wait_s, as_json=asked.as_json)

    news = run_async(work())
    return 0 if news is not None and news.what == "held" else EXIT_FALSE


class _Creation(msgspec.Struct):
    """What `numen ledger create` was asked to do."""

    folder: Path
    owner: str
    file: Path
    name: str
    needed: int | None
    shares: int | None
    arguments: str
    work: int
    wait_s: int
    password_file: Path | None
    as_json: bool


@click.command()
@in_folder
@click.argument("owner")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--at", "name", metavar="NODE", default="node-0", show_default=True)
@click.option("--needed", type=click.IntRange(1, 256), help="Nodes that must attest it; else most.")
@click.option(
    "--shares", type=click.IntRange(1, 255),
    help="Of what is private: nodes that have its keys together; else most.",
)  # fmt: skip
@click.option("--arguments", metavar="HEX", default="", help="Of the constructor, ABI-encoded.")
@click.option("--work", type=click.IntRange(1, 2**63 - 1), default=10**8, show_default=True)
@click.option("--wait", "wait_s", metavar="SECONDS", type=click.IntRange(1, 86_400), default=30)
@with_password
def create(**given: Any) -> int:
    """Let OWNER create the contract of FILE, and accept it when enough nodes attest it.

    Each node that carried the block out signs the contract's address, its code and the root of the
    state, and shows the contract under that root. Exit code 1: it is not created; 2: too few do.

    Where the contract has private state, its keys are made here and dealt to the nodes first, in
    shares that each gets sealed for itself.
    """
    asked = _Creation(**given)
    roll = read_folder(asked.folder)
    identity = open_identity(asked.folder, asked.owner, asked.password_file)
    contract = from_file(asked.file)

    async def work() -> dict[str, Any] | None:
        async with connected(roll, asked.name, Networks(NodeKey.generate())) as client:
            nonce = (await client.holding(identity.account.address)).nonce
            raw, address = await _signed(asked, roll, identity.account, nonce, contract)
            news = await follow(client, raw, asked.wait_s, as_json=asked.as_json)
        if news is None or news.what != "held":
            return None
        return await _accepted(roll, address, news.height, asked.needed, asked.wait_s)

    report = run_async(work())
    if report is None:
        return EXIT_FALSE
    if asked.as_json:
        print_json(report)
    else:
        click.echo("{contract}: attested by {attested} nodes, root {root}".format(**report))
    return 0


async def _signed(
    asked: _Creation, roll: Roll, key: SigningKey, nonce: int, contract: Contract
) -> tuple[bytes, bytes]:
    """The transaction that creates a contract, and its address; what is private is dealt first."""
    code = write_code(Code("numen", write_contract(contract)))
    arguments, work = _bytes(asked.arguments), asked.work
    if not contract.description.is_private:
        return creation_of(roll, key, nonce, code, arguments, work)

    def transport() -> Transport:
        return Networks(NodeKey.generate())

    founding = await deal_keys(roll, key, nonce, asked.shares, asked.wait_s, transport)
    return founded_creation_of(roll, key, nonce, founding, code, arguments, work)


async def _accepted(
    roll: Roll, contract: bytes, height: int, needed: int | None, wait_s: int
) -> dict[str, Any]:
    """Ask all nodes whether they created a contract, until enough of them say so."""
    nodes = tuple(site.address for site in roll.nodes)
    roster = Roster(nodes, needed or len(nodes) // 2 + 1)
    clock = asyncio.get_running_loop().time
    until = clock() + wait_s
    while True:
        said = [await _attested(roll, site.name, contract, height) for site in roll.nodes]
        found = [each for each in said if each is not None]
        try:
            creation = accept(found, roster)
        except TooFewError:
            if clock() > until:
                raise
            await asyncio.sleep(_AGAIN_S)  # some may not have the block yet
            continue
        return {
            "contract": "0x" + creation.contract.hex(),
            "code": "0x" + creation.code.hex(),
            "height": creation.height,
            "root": "0x" + creation.root.hex(),
            "attested": len(found),
        }


async def _attested(roll: Roll, name: str, contract: bytes, height: int) -> Attestation | None:
    try:
        async with (
            asyncio.timeout(_ANSWER_S),
            connected(roll, name, Networks(NodeKey.generate())) as client,
        ):
            return await client.attestation(contract, height)
    except (ChannelError, TimeoutError):
        return None


async def follow(client: Client, raw: bytes, wait_s: int, *, as_json: bool) -> News | None:
    """Say what becomes of a payment; the end, or None when it does not come in time."""
    last = None
    try:
        async with asyncio.timeout(wait_s):
            async for news in client.submit(raw):
                last = news
                if as_json:
                    print_json({"is": news.what, "why": news.why})
                else:
                    click.echo(f"{news.what}: {news.why}")
    except TimeoutError:
        click.echo(f"not decided after {wait_s} s", err=True)
    return last


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise click.UsageError(f"{text[:80]!r} is not hexadecimal") from None


def address_of(roll: Roll, text: str) -> bytes:
    """An account by a name of the ledger's file, or an address.

    Raises:
        AskError: It is neither.
    """
    for holder in roll.holders:
        if holder.name == text:
            return holder.address
    digits = text.removeprefix("0x")
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if len(found) != 20:
        raise AskError(f"{text!r} is neither a name of the ledger's file nor an address")
    return found
