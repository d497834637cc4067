"""`numen trust` of a node that runs, which is asked by JSON-RPC."""

from typing import Any

import click

from numen.base.words import counted
from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.node.asking import ask

_node = click.option(
    "--node", "url", metavar="URL", required=True, help="A node that runs: where its JSON-RPC is."
)


def explain(url: str, node: str, value: int, *, as_json: bool) -> None:
    """Print why a node trusts another or not."""
    found = ask(url, "numen_explainTrust", node, hex(value))
    if as_json:
        print_json(found)
        return
    for sentence in found["why"]:
        click.echo(sentence)


def show_live(url: str, *, as_json: bool) -> None:
    """Print whom a node trusts, and what their blocks have earned them there."""
    found = ask(url, "numen_getTrust")
    if as_json:
        print_json(found)
        return
    others = [each for each in found["nodes"] if each["number"] != found["observer"]]
    count = sum(each["isTrusted"] for each in others)
    click.echo(
        f"step {found['step']}: {found['name']} ({found['mode']}) trusts {count} of "
        f"{len(others)} others"
    )
    for each in others:
        click.echo(_line(each))


def _line(each: dict[str, Any]) -> str:
    verdict = "trusted" if each["isTrusted"] else "not trusted"
    lie = f"; it was shown to lie: {each['lie']}" if each["lie"] else ""
    return (
        f"  {each['name']}: {verdict}; "
        f"{counted(each['accepted'], 'block')} carried out here, {each['applied']} applied, "
        f"{counted(each['faults'], 'fault')}{lie}"
    )


@click.command()
@click.argument("node", metavar="NODE")
@_node
@as_json_option
def attest(node: str, url: str, as_json: bool) -> None:
    """Let a node that runs look at NODE in its next step, whoever's turn it is."""
    name = ask(url, "numen_attest", node)
    if as_json:
        print_json({"attests": name})
    else:
        click.echo(f"it looks at {name} in its next step")


@click.command()
@_node
@as_json_option
def peers(url: str, as_json: bool) -> None:
    """Show whom a node that runs looks at, and what it found last."""
    found = ask(url, "numen_trustPeers")
    if as_json:
        print_json(found)
        return
    for each in found["active"]:
        click.echo(f"{each['name']}: {_found(each)}{_silence(each)}")
    if found["passive"]:
        click.echo(f"heard of besides: {', '.join(found['passive'])}")


def _found(each: dict[str, Any]) -> str:
    if each["isGood"] is None:
        return "no verdict lately"
    return f"found {'good' if each['isGood'] else 'bad'} {counted(each['age'], 'step')} ago"


def _silence(each: dict[str, Any]) -> str:
    return ", and does not answer" if each["isSilent"] else ""
