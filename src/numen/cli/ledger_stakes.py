"""`numen ledger stakes`: who has how much at stake, as a final block shows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from numen.cli.ledger_folder import in_folder, read_folder, run_async
from numen.cli.output import print_json
from numen.ledger.stakes import Stakes, Standing
from numen.net.identity import NodeKey
from numen.net.networks import Networks
from numen.node.process.client import connected
from numen.node.process.roll import Roll


@click.command()
@in_folder
@click.option("--at", "name", metavar="NODE", default="node-0", show_default=True)
def stakes(folder: Path, name: str, as_json: bool) -> None:
    """Show the bond of each node that votes, what was taken, and why.

    NODE shows it by final blocks; it is believed when those signed them who voted then.
    """
    roll = read_folder(folder)

    async def work() -> tuple[Stakes, int]:
        async with connected(roll, name, Networks(NodeKey.generate())) as client:
            return await client.stakes()

    found, height = run_async(work())
    report = _report(roll, found, height)
    if as_json:
        print_json(report)
        return
    click.echo(f"after block {height}: {found.left} coins at stake, {found.burnt} burnt")
    for each in report["bonds"]:
        click.echo(_line(each))


def _report(roll: Roll, found: Stakes, height: int) -> dict[str, Any]:
    names = {site.address: site.name for site in roll.nodes}
    bonds = [_bond(names, each) for each in found.standings(height)]
    bonds.sort(key=lambda bond: str(bond["name"]))
    return {"height": height, "left": found.left, "burnt": found.burnt, "bonds": bonds}


def _bond(names: Mapping[bytes, str], found: Standing) -> dict[str, Any]:
    bond, loss = found.bond, found.loss
    return {
        "name": names[bond.node],
        "pledged": bond.member.stake,
        "left": found.left,
        "votes": found.votes,
        "loss": None
        if loss is None
        else {
            "height": loss.height,
            "offence": loss.offence.value,
            "lie": "0x" + loss.lie.hex(),
            "reporter": names[loss.reporter],
            "rewarded": loss.rewarded,
            "burnt": loss.burnt,
        },
    }


def _line(bond: dict[str, Any]) -> str:
    loss = bond["loss"]
    if loss is None:
        return f"{bond['name']}: {bond['left']} coins"
    votes = "votes no more" if not bond["votes"] else "votes for some more blocks"
    return (
        f"{bond['name']}: {bond['pledged']} coins taken in block {loss['height']} for "
        f"{loss['offence']}, {loss['rewarded']} of them to {loss['reporter']}; it {votes}"
    )
