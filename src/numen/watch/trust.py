"""The graph of who vouches for whom: from verdicts that verifiers signed, or from a web of trust.

A node of it has an id and a role; an edge leads from who judges to who is judged, with how often
that was well and how often badly.
"""

from collections.abc import Iterable
from typing import Any, Final

from numen.trust.judgement import Rule, trusted
from numen.trust.kernel import Kernel
from numen.trust.web import web_of
from numen.watch.story import Story

NODES_SHOWN: Final = 80
"""Most nodes of a view."""

EDGES_SHOWN: Final = 600
"""Most edges of a view."""


def of_verdicts(story: Story) -> dict[str, Any]:
    """The graph of a market: a verifier's verdicts about workers, which it signed."""
    weighed = sorted(story.verdicts.items(), key=lambda item: -sum(item[1]))
    return _graph(
        "verdicts",
        ((a, b, good, bad) for (a, b), (good, bad) in weighed),
        {address: person.role for address, person in story.people.items()},
        set(),
    )


def of_kernel(kernel: Kernel, observer: int) -> dict[str, Any]:
    """The graph of what a node of the web of trust knows, and whom it trusts by the majority."""
    web = web_of(kernel)
    names = [address.hex() for address in kernel.members.roster.members]
    circle = trusted(web, observer, Rule.MAJORITY)
    return _graph(
        "attestations",
        (
            (names[source], names[target], int(is_good), int(not is_good))
            for source, target, is_good in zip(web.source, web.target, web.is_good, strict=True)
        ),
        {
            name: "observer" if index == observer else "trusted" if circle[index] else "distrusted"
            for index, name in enumerate(names)
        },
        {names[observer]},
    )


def _graph(
    basis: str,
    edges: Iterable[tuple[str, str, int, int]],
    roles: dict[str, str],
    first: set[str],
) -> dict[str, Any]:
    nodes = dict.fromkeys(first)
    kept: list[dict[str, Any]] = []
    count = 0
    for source, target, good, bad in edges:
        count += 1
        fresh = {source, target} - nodes.keys()
        if len(kept) >= EDGES_SHOWN or len(nodes) + len(fresh) > NODES_SHOWN:
            continue
        nodes.update(dict.fromkeys((source, target)))
        kept.append({"from": source, "to": target, "good": good, "bad": bad})
    return {
        "basis": basis,
        "nodes": [{"id": node, "role": roles.get(node, "")} for node in nodes],
        "edges": kept,
        "count": count,
    }
