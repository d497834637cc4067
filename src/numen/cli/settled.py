"""`numen market show` and `audit`: markets that are settled on a ledger."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import click

from numen.base.words import counted
from numen.cli.bazaar import as_somebody
from numen.cli.contracts import rpc_option
from numen.cli.keys import known, own_store
from numen.cli.onledger import OfMarket, address_of
from numen.cli.orders import market
from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.net.keystore import Identity
from numen.net.networks import Networks
from numen.node.market.audit import audit
from numen.node.market.member import Member
from numen.node.market.notary import Notary
from numen.node.market.onledger import OnLedger, asker
from numen.node.market.place import read_place

ID_DIGITS: Final = 66
"""Of the id of a task, as programs write it."""


@market.command()
@click.argument("contract", metavar="CONTRACT")
@click.argument("identity", metavar="[ID]", required=False)
@rpc_option
@as_json_option
def show(contract: str, identity: str | None, rpc: str, as_json: bool) -> None:
    """Show what a market on a ledger has: bids, stakes and fines; or a task, or a reputation.

    CONTRACT is the market's, as `numen market open --ledger` prints it. ID is the id of a task, of
    which is told why it came to what it came to; or an account, whose history is shown with the
    receipt behind each change. The beginning of either is enough, and the name of one's own key.
    """
    shown = OfMarket(asker(rpc), address_of(contract), known(own_store()))
    if identity is None:
        _show_market(shown, as_json=as_json)
        return
    name = shown.find(identity)
    if len(name) == ID_DIGITS:
        lines = shown.ask("numen_whyTask", name)
        _print(map(shown.named, lines), {"task": name, "why": lines}, as_json=as_json)
    else:
        found = shown.ask("numen_getReputation", name)
        _print(_history(found, shown), found, as_json=as_json)


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
    on_ledger = OnLedger(asker(rpc), bytes.fromhex(address_of(contract)[2:]))
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


def _show_market(shown: OfMarket, *, as_json: bool) -> None:
    found = shown.ask("numen_getMarket")
    bids, people = list(shown.bids("open")), list(shown.people())
    totals = found["totals"]
    lines = [
        f"{counted(found['tasks'], 'task')}: {totals['settled']} settled, {len(bids)} open",
        (
            f"{_coins(totals['paid'])} coins paid for {counted(totals['answers'], 'answer')}, "
            f"{_coins(totals['fees'])} in fees"
        ),
        (
            f"{_coins(totals['fined'])} coins of {counted(totals['slashed'], 'fine')}: "
            f"{_coins(totals['rewarded'])} to who showed the fault, {_coins(totals['burnt'])} burnt"
        ),
    ]
    lines += [
        f"bid {bid['task'][:10]} is {bid['state']}: {_coins(bid['bid'])} coins for each of up to "
        f"{bid['replicas']} answers, {bid['openSeats']} at work"
        for bid in bids
    ]
    lines += [
        f"{person['role'] or 'somebody':8} {shown.called(person['address'])}: stake "
        f"{_coins(person['stake'])}, score {person['score']}, {person['accepted']} accepted, "
        f"{counted(person['faults'], 'fault')}"
        + (f", node {person['node'][:10]}" if person["node"] else "")
        for person in people
    ]
    _print(lines, {**found, "bids": bids, "people": people}, as_json=as_json)


def _history(found: dict[str, Any], shown: OfMarket) -> list[str]:
    lines = [
        (
            f"{shown.named(found['address'])}: score {found['score']}, {found['accepted']} "
            f"accepted, {counted(found['faults'], 'fault')}"
        )
    ]
    for number, entry in enumerate(found["entries"], found["start"]):
        how = "accepted" if entry["isAccepted"] else "a fault"
        also = ", as others answered" if entry["isReplicated"] else ""
        lines.append(f"{number:4}  {how}{also}  receipt {entry['receipt']}")
    return lines


def _coins(amount: str) -> str:
    return f"{int(amount, 16):,}"


def _print(lines: Iterable[str], report: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    for line in lines:
        click.echo(line)
