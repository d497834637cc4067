"""`numen ledger send` and `numen ledger view`: ask contracts of nodes that agree on one ledger."""

import asyncio
from pathlib import Path
from secrets import token_bytes
from typing import Any, Final

import click
import msgspec

from numen.cli.contracts import AskedError, encoded, parted, show_result
from numen.cli.keys import with_password
from numen.cli.ledger_ask import address_of, follow
from numen.cli.ledger_folder import in_folder, open_identity, read_folder, run_async
from numen.cli.output import EXIT_FALSE
from numen.cli.privately import LIFE_BLOCKS, result_of
from numen.evm import abi
from numen.lang.contracts.description import Description, Entry
from numen.ledger import looking
from numen.ledger.sealed.charter import Charter, read_charter
from numen.ledger.sealed.envelope import public_key
from numen.ledger.sealed.keyring import seal_request
from numen.net.identity import NodeKey
from numen.net.networks import Networks
from numen.node.process.client import Client, News, connected, request_of
from numen.node.process.roll import Roll
from numen.vm.codes import read_code
from numen.vm.contract import read_description

_WORK: Final = 10**8


class _Asked(msgspec.Struct):
    """What a contract is asked."""

    folder: Path
    who: str
    contract: str
    message: str
    args: tuple[str, ...]
    name: str
    wait_s: int
    password_file: Path | None
    as_json: bool
    work: int = _WORK


class _Known(msgspec.Struct, frozen=True):
    """A contract, as a node has shown it."""

    address: bytes
    description: Description
    charter: Charter | None

    def entry(self, name: str) -> Entry:
        """A message or view by its name or signature.

        Raises:
            AskedError: There is none.
        """
        asked = [e for e in self.description.entries if e.role in ("message", "view")]
        found = next((e for e in asked if name in (e.name, e.signature)), None)
        if found is None:
            hint = "it has " + ", ".join(e.name for e in asked)
            raise AskedError(f"0x{self.address.hex()} has no {name}", hint=hint)
        return found


def _asking(command: Any) -> Any:
    """Give a command what is asked of whom."""
    for add in (
        with_password,
        click.option(
            "--wait", "wait_s", metavar="SECONDS", type=click.IntRange(1, 86_400), default=30
        ),
        click.option("--at", "name", metavar="NODE", default="node-0", show_default=True),
        click.argument("args", nargs=-1, metavar="ARG..."),
        click.argument("message"),
        click.argument("contract"),
        click.argument("who"),
        in_folder,
    ):
        command = add(command)
    return command


@click.command()
@_asking
@click.option("--work", type=click.IntRange(1, 2**63 - 1), default=_WORK, show_default=True)
def send(**given: Any) -> int:
    """Let WHO ask CONTRACT for MESSAGE, and wait until that is final.

    MESSAGE is a name that the contract has. One that takes what is private is sealed here for the
    key that the state has for it. Exit code 1: it does not hold, or is not decided yet.
    """
    asked = _Asked(**given)
    roll = read_folder(asked.folder)
    key = open_identity(asked.folder, asked.who, asked.password_file).account

    async def work() -> News | None:
        async with connected(roll, asked.name, Networks(NodeKey.generate())) as client:
            contract = await _known(client, roll, asked.contract)
            entry = contract.entry(asked.message)
            payload = _payload(entry, asked.args)
            if entry.takes_private and contract.charter is not None:
                public = contract.charter.mail
                payload = seal_request(
                    payload, contract.address, key.address, public, token_bytes(32)
                )
            nonce = (await client.holding(key.address)).nonce
            raw = request_of(roll, key, nonce, contract.address, payload, asked.work)
            return await follow(client, raw, asked.wait_s, as_json=asked.as_json)

    news = run_async(work())
    return 0 if news is not None and news.what == "held" else EXIT_FALSE


@click.command()
@_asking
def view(**given: Any) -> None:
    """Let WHO look at CONTRACT through its view MESSAGE, so that nobody else sees the answer.

    MESSAGE is a name that the contract has, or a signature with the types of the result behind it:
    'mine()(uint128)'. The question is signed, and sealed for the contract.
    """
    asked = _Asked(**given)
    roll = read_folder(asked.folder)
    key = open_identity(asked.folder, asked.who, asked.password_file).account
    name, results = parted(asked.message)

    async def work() -> bytes:
        async with (
            asyncio.timeout(asked.wait_s),
            connected(roll, asked.name, Networks(NodeKey.generate())) as client,
        ):
            contract = await _known(client, roll, asked.contract)
            if contract.charter is None:
                raise AskedError(f"nothing of 0x{contract.address.hex()} is private")
            height = (await client.standing()).height
            reply_secret = token_bytes(32)
            question = looking.Look(
                contract.address, _payload(contract.entry(name), asked.args),
                height + LIFE_BLOCKS, public_key(reply_secret),
            )  # fmt: skip
            sealed = looking.ask(question, key, contract.charter.mail, token_bytes(32))
            envelope = await client.peek(contract.address, sealed)
            return result_of(looking.read(envelope, question, reply_secret))

    try:
        raw = run_async(work())
    except TimeoutError:
        raise AskedError(f"{asked.name} does not answer in {asked.wait_s} s") from None
    show_result(raw, results, as_json=asked.as_json)


async def _known(client: Client, roll: Roll, text: str) -> _Known:
    """A contract by its address, shown under the root of a final block."""
    address = address_of(roll, text)
    found = await client.description(address)
    code = read_code(found.code) if found.code else None
    if code is None or code.mode != "numen":
        raise AskedError(f"no contract of our language lives at 0x{address.hex()}")
    charter = read_charter(found.charter) if found.charter else None
    return _Known(address, read_description(code.body), charter)


def _payload(entry: Entry, args: tuple[str, ...]) -> bytes:
    kinds = abi.parts(entry.signature[entry.signature.index("(") :])
    return abi.selector(entry.signature) + encoded(kinds, args)
