"""`numen trust`: what a node's web of trust says, and why."""

from pathlib import Path
from typing import Any

import click
import msgspec

from numen.cli.output import print_json
from numen.cli.programs import as_json_option
from numen.cli.trust_live import attest, explain, peers, show_live
from numen.proof.files import read_file
from numen.trust.breaching import PATH_LENGTH_MAX, closure, paths
from numen.trust.execution import Policy, decide
from numen.trust.judgement import Rule, trusted
from numen.trust.kernel import Kernel
from numen.trust.snapshot import BYTES_MAX, read_snapshot
from numen.trust.web import web_of
from numen.trust.why import explain_decision, sentences, standing
from numen.trust.why import why as find_out

web_option = click.option(
    "--web", "path", type=click.Path(dir_okay=False, path_type=Path),
    help="What a node knows: a file of `numen sim trust --save`.",
)  # fmt: skip
node_option = click.option(
    "--node", "url", metavar="URL", help="A node that runs: where its JSON-RPC is."
)
observer_option = click.option(
    "--observer", metavar="NODE", default="0", show_default=True,
    help="Whose trust it is, of a file.",
)  # fmt: skip


@click.group()
def trust() -> None:
    """Ask a web of trust who is trusted, and why.

    NODE is a number, an address, or the beginning of one; of a node that runs, a name too.
    """


trust.add_command(attest)
trust.add_command(peers)


class _Why(msgspec.Struct):
    """What `numen trust why` was asked."""

    node: str
    path: Path | None
    url: str | None
    observer: str
    value: int | None
    accepted: int
    faults: int
    pledge: int
    as_json: bool


@trust.command("why")
@click.argument("node", metavar="NODE")
@web_option
@node_option
@observer_option
@click.option(
    "--value",
    type=click.IntRange(0, 2**63 - 1),
    help="Decide about a diff that moves so many coins.",
)
@click.option("--accepted", type=click.IntRange(0, 10**9), default=20, show_default=True,
              help="Answers of the node that were accepted.")  # fmt: skip
@click.option("--faults", type=click.IntRange(0, 10**9), default=0, show_default=True,
              help="Answers that were not.")  # fmt: skip
@click.option("--pledge", type=click.IntRange(0, 2**63 - 1), default=1000, show_default=True,
              help="Coins that it loses by a lie.")  # fmt: skip
@as_json_option
def why_(**given: Any) -> None:
    """Explain whether a node is trusted: votes, paths, bribes; and what is done with its diffs."""
    asked = _Why(**given)
    if asked.url is not None and asked.path is None:
        explain(asked.url, asked.node, asked.value or 0, as_json=asked.as_json)
        return
    kernel, value = _read(asked.path, asked.url), asked.value
    web = web_of(kernel)
    found = find_out(web, kernel.members.find(asked.observer), kernel.members.find(asked.node))
    said = list(sentences(found))
    report = msgspec.to_builtins(found)
    if found.breach is not None:
        others = {
            "closure": closure(web, found.node),
            "paths": paths(web, found.observer, found.node),
            "path_length": PATH_LENGTH_MAX,
        }
        report["other_readings"] = others
        said.append(
            f"other readings: {others['closure']} nodes endorse it directly or through others; "
            f"{others['paths']} walks of at most {PATH_LENGTH_MAX} steps lead there"
        )
    if value is not None:
        policy = Policy()
        # The draw of audits is secret on a node; here it only shows the rule.
        record = standing(found, asked.accepted, asked.faults, asked.pledge)
        decision = decide(record, value, policy, b"", found.node.to_bytes(32, "big"))
        report["decision"] = msgspec.to_builtins(decision)
        said += explain_decision(decision, policy, value)
    if asked.as_json:
        print_json({**report, "why": said})
        return
    for sentence in said:
        click.echo(sentence)


@trust.command()
@web_option
@node_option
@observer_option
@click.option("--rule", type=click.Choice([rule.value for rule in Rule]), default="majority",
              show_default=True, help="How verdicts become trust.")  # fmt: skip
@as_json_option
def show(path: Path | None, url: str | None, observer: str, rule: str, as_json: bool) -> None:
    """Show whom a node trusts; with --json, the whole graph of attestations."""
    if url is not None and path is None:
        show_live(url, as_json=as_json)
        return
    kernel = _read(path, url)
    web = web_of(kernel)
    index = kernel.members.find(observer)
    circle = trusted(web, index, Rule(rule))
    if as_json:
        edges = zip(web.source, web.target, web.weight, web.is_good, strict=True)
        print_json(
            {
                "step": kernel.now,
                "observer": index,
                "rule": rule,
                "nodes": [f"0x{address.hex()}" for address in kernel.members.roster.members],
                "trusted": [bool(at) for at in circle],
                "edges": [
                    [int(a), int(b), int(weight), bool(good)] for a, b, weight, good in edges
                ],
                "contradictions": sorted(kernel.contradictions),
            }
        )
        return
    count = int(circle.sum())
    click.echo(f"step {kernel.now}: {len(kernel)} of {web.count} nodes have attested others")
    click.echo(f"node {index} trusts {count} of {web.count} by the rule {rule!r}")
    distrusted = [str(at) for at in range(web.count) if not circle[at]]
    if distrusted:
        click.echo(f"and not: {', '.join(distrusted[:40])}{' …' if len(distrusted) > 40 else ''}")


def _read(path: Path | None, url: str | None) -> Kernel:
    if path is None or url is not None:
        raise click.UsageError("say --web FILE or --node URL, one of them")
    return read_snapshot(read_file(path, size_max=BYTES_MAX))
