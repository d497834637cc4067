"""`numen market`: shows the order book, and changes one's own orders, coins and node in it."""

import asyncio

import click
import msgspec

from numen.cli.bazaar import as_somebody, market
from numen.cli.output import print_json
from numen.net.keystore import Identity

__all__ = ["market"]

_place = click.argument("place", metavar="MARKET")
_task = click.argument("task", metavar="TASK")


@market.command()
@as_somebody
@_place
def book(identity: Identity, place: str, *, as_json: bool) -> None:
    """List the orders of MARKET: what each bids now, what workers ask, how long it waits."""
    from numen.api import orders  # noqa: PLC0415 - a hall does not load the compiler

    rows = asyncio.run(orders.book(place, identity))
    if as_json:
        plain = [
            msgspec.to_builtins(row)
            | {"task": row.task.hex(), "provider": f"0x{row.provider.hex()}"}
            for row in rows
        ]
        print_json({"orders": plain})
        return
    if not rows:
        click.echo("no orders")
    for row in rows:
        rises = f" rising to {row.ceiling:,}" if row.ceiling > row.bid else ""
        asks = ", ".join(f"{ask:,}" for ask in row.asks) or "none"
        click.echo(
            f"{row.place:3}  {row.task.hex()[:16]}  {row.phase:8}  bid {row.bid:,}{rises}  "
            f"asks {asks}  seats {row.seats}  {row.left_ms / 1000:.0f} s left"
        )


@market.command("raise")
@as_somebody
@_place
@_task
@click.option("--bid", type=click.IntRange(1), required=True, help="Coins for each answer.")
@click.option("--price-max", "ceiling", type=click.IntRange(1), help="Where it rises to by itself.")
@click.option(
    "--ramp", "ramp_s", type=click.FloatRange(0.001, 900), default=30.0, show_default=True,
    help="Seconds in which it does.",
)  # fmt: skip
def raise_(
    identity: Identity,
    place: str,
    task: str,
    bid: int,
    ceiling: int | None,
    ramp_s: float,
    *,
    as_json: bool,
) -> None:
    """Raise the bid of TASK at MARKET, which is one's own and seeks workers.

    It keeps its place in time only while its price stays, and never bids less than before.
    """
    from numen.api import orders  # noqa: PLC0415 - a hall does not load the compiler

    job = asyncio.run(orders.raise_bid(place, identity, task, bid, ceiling, int(ramp_s * 1000)))
    if as_json:
        print_json({"task": job.identity.hex(), "before": job.request.bid, "bid": bid})
    else:
        click.echo(f"task {job.identity.hex()[:16]} bids {bid:,}")


@market.command()
@as_somebody
@_place
@_task
def cancel(identity: Identity, place: str, task: str, *, as_json: bool) -> None:
    """Take TASK, which is one's own, back from MARKET.

    Without seats all of the escrow returns at once. Else nobody gets one any more, and what those
    who have one do not earn returns when they are through.
    """
    from numen.api import orders  # noqa: PLC0415 - a hall does not load the compiler

    job = asyncio.run(orders.cancel(place, identity, task))
    if as_json:
        print_json({"task": job.identity.hex(), "seats": len(job.open_seats())})
    else:
        click.echo(f"task {job.identity.hex()[:16]} is taken back")


@market.command()
@as_somebody
@_place
@click.argument("coins", type=click.IntRange(1))
def withdraw(identity: Identity, place: str, coins: int, *, as_json: bool) -> None:
    """Take COINS, which are free, out of MARKET to one's account on its ledger.

    What is staked is free when it was unbonded, and what backs tickets when it was unlocked.
    """
    from numen.api import holdings  # noqa: PLC0415 - a hall does not load the compiler

    left = asyncio.run(holdings.take_out(place, identity, coins))
    who = f"0x{identity.account.address.hex()}"
    if as_json:
        print_json({"account": who, "coins": coins, "left": left})
    else:
        click.echo(f"{coins:,} coins leave for {who}; {left:,} are left")


@market.command()
@as_somebody
@_place
@click.option("--none", "is_gone", is_flag=True, help="The account has no node any more.")
def register(identity: Identity, place: str, *, is_gone: bool, as_json: bool) -> None:
    """Register one's node at MARKET, where one has a stake, for one's account.

    From then on no other node speaks there for the account, and this one for no other.
    """
    from numen.api import holdings  # noqa: PLC0415 - a hall does not load the compiler

    node = asyncio.run(holdings.register(place, identity, is_there=not is_gone)).hex()
    who = f"0x{identity.account.address.hex()}"
    if as_json:
        print_json({"account": who, "node": None if is_gone else node})
    else:
        click.echo(f"{who} has no node any more" if is_gone else f"node {node} is {who}'s")
