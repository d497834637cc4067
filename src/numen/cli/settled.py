"""`numen market show` and `audit`: markets that are settled on a ledger."""

import asyncio
from typing import Any

import click

from numen.base.errors import NumenError
from numen.base.words import counted
from numen.cli.bazaar import as_somebody
from numen.cli.contracts import rpc_option
from numen.cli.orders import market
from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.net.keystore import Identity
from numen.net.networks import Networks
from numen.node import asking
from numen.node.market.audit import audit
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.onledger import OnLedger, asker
from numen.node.market.place import read_place


class NamedError(NumenError):
    """An address or id is none."""


@market.command()
@click.argument("contract", metavar="CONTRACT")
@click.argument("identity", metavar="[ID]", required=False)
@rpc_option
@as_json_option
def show(contract: str, identity: str | None, rpc: str, as_json: bool) -> None:
    """Show what a market on a ledger has: bids, stakes and fines; or a task, or a reputation.

    CONTRACT is the market's, as `numen market open --ledger` prints it. ID is the id of a task, of
    which is told why it came to what it came to; or an account, whose history is shown with the
    receipt behind each change.
    """
    if identity is None:
        _show_market(contract, rpc, as_json=as_json)
    elif len(identity.removeprefix("0x")) == 64:
        lines = asking.ask(rpc, "numen_whyTask", contract, _hex(identity))
        _print(lines, {"task": identity, "why": lines}, as_json=as_json)
    else:
        found = asking.ask(rpc, "numen_getReputation", contract, _hex(identity))
        _print(_history(found), found, as_json=as_json)


@market.command("audit")
@as_somebody
@click.argument("place", metavar="MARKET")
@click.argument("contract", metavar="CONTRACT")
@rpc_option
def audit_(identity: Identity, place: str, contract: str, rpc: str, *, as_json: bool) -> None:
    """Compare a market's record with its contract: coins, stakes, pledges, bids, reputations.

    MARKET and CONTRACT are as `numen market open --ledger` prints them. Every entry of the record
    is applied here; the contract is read through the node at --rpc.
    """
    transport, account = Networks(identity.node), identity.account
    member = Member(transport, read_place(place), account, Notary(), lambda _: None)
    on_ledger = OnLedger(asker(rpc), bytes.fromhex(_hex(contract)[2:]))
    found = asyncio.run(audit(member, account.address, on_ledger))
    books = found.books
    report = {
        "entries": found.height,
        "people": len(books.people),
        "bids": len(books.bids),
        "burnt": books.burnt,
        "books": books.identity.hex(),
        "against": [task.hex() for task in found.against],
    }
    size = f"{len(books.people)} people, {len(books.bids)} open bids, {books.burnt:,} coins burnt"
    lines = [
        f"{found.height} entries of the record and the ledger have the same books:",
        f"{size}; digest {books.identity.hex()}",
        *(f"of task {task.hex()} the verifiers found what is not so" for task in found.against),
    ]
    _print(lines, report, as_json=as_json)


def _show_market(contract: str, rpc: str, *, as_json: bool) -> None:
    found = asking.ask(rpc, "numen_getMarket", contract)
    bids = asking.ask(rpc, "numen_getBids", contract)["bids"]
    people = asking.ask(rpc, "numen_getPeople", contract)["people"]
    totals = found["totals"]
    lines = [
        f"{found['tasks']} tasks: {totals['settled']} settled, {len(bids)} open",
        (
            f"{_coins(totals['paid'])} coins paid for {totals['answers']} answers, "
            f"{_coins(totals['fees'])} in fees"
        ),
        (
            f"{_coins(totals['fined'])} coins of {totals['slashed']} fines: "
            f"{_coins(totals['rewarded'])} to who showed the fault, {_coins(totals['burnt'])} burnt"
        ),
    ]
    lines += [
        f"bid {bid['task'][:10]} is {bid['state']}: {_coins(bid['bid'])} coins for each of up to "
        f"{bid['replicas']} answers, {bid['openSeats']} at work"
        for bid in bids
    ]
    lines += [
        f"{person['role'] or 'somebody':8} {person['address'][:10]}: stake "
        f"{_coins(person['stake'])}, score {person['score']}, {person['accepted']} accepted, "
        f"{counted(person['faults'], 'fault')}"
        + (f", node {person['node'][:10]}" if person["node"] else "")
        for person in people
    ]
    _print(lines, {**found, "bids": bids, "people": people}, as_json=as_json)


def _history(found: dict[str, Any]) -> list[str]:
    lines = [
        (
            f"{found['address']}: score {found['score']}, {found['accepted']} accepted, "
            f"{counted(found['faults'], 'fault')}"
        )
    ]
    for number, entry in enumerate(found["entries"], found["start"]):
        how = "accepted" if entry["isAccepted"] else "a fault"
        also = ", as others answered" if entry["isReplicated"] else ""
        lines.append(f"{number:4}  {how}{also}  receipt {entry['receipt']}")
    return lines


def _coins(amount: str) -> str:
    return f"{int(amount, 16):,}"


def _hex(text: str) -> str:
    digits = text.removeprefix("0x").lower()
    if len(digits) not in (40, 64) or set(digits) - set("0123456789abcdef"):
        raise NamedError(f"{text[:80]!r} is neither an account nor the id of a task")
    return f"0x{digits}"


def _print(lines: list[str], report: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for line in lines:
        click.echo(line)
