"""The web of trust: gossip against its floor, cuts, votes against sleepers, survival.

*gossip* is of 1,000 nodes that each attest one of 24 others a round and talk to two. Bytes are
those that a node receives. The floor is every new verdict once, under one signature each; rivals
are the same rounds with whole kernels, of sheets and of entries that are signed one by one.
*rounds* are until 99 % of the nodes have a sheet.

*cut* is the least set of nodes to bribe, for 100 pairs by chance; networkx, where it is installed,
counts it too.

*false trust* and *false distrust* are of the vote, with a fifth of the nodes sleeping, a tenth
lying, means of 20 networks; beside them stands the bar, and what the plain rule does.

*survivors* are those of 1,000 nodes that are in one piece a round after nine in ten vanished.
"""

import time
from collections.abc import Iterator
from importlib.util import find_spec
from random import Random

import numpy as np

from harness import Row, main
from numen.sim.graphs import small_world
from numen.sim.healing import heal
from numen.sim.roles import Errors, Society, attested, errors, roles_of
from numen.sim.spreading import Mode, spread
from numen.trust.breaching import Cutter
from numen.trust.judgement import Rule
from numen.trust.web import Web

NODES, DEGREE, SEED = 1000, 24, 1
ROUNDS_BAR, FLOOR_BAR, CHEAPER_BAR, CUT_BAR_MS = 4.0, 1.3, 1 / 20, 5.0
FALSE_TRUST_BAR, FALSE_DISTRUST_BAR, SURVIVORS_BAR = 0.01, 0.02, 0.99


def rows(quick: bool) -> Iterator[Row]:
    """Everything that is compared."""
    yield from gossip()
    yield from cuts(20 if quick else 100)
    yield from votes(4 if quick else 20)
    found = heal(300 if quick else NODES, 0.9, 1, SEED)
    yield Row("parted survivors, bar", 1 - found.after[0], 1 - SURVIVORS_BAR, "share", 1.0)


def gossip() -> Iterator[Row]:
    """Compare the modes with the floor and with each other."""
    ends = small_world(NODES, DEGREE, np.random.default_rng(SEED))
    found = {mode: spread(ends, NODES, mode, 30, np.random.default_rng(SEED)) for mode in Mode}
    reduced, targeted = found[Mode.REDUCED], found[Mode.TARGETED]
    assert targeted.rounds is not None
    kib = {mode: one.bytes_a_round / 1024 for mode, one in found.items()}
    floor = targeted.floor / 1024
    yield Row("rounds, targeted; bar", targeted.rounds, ROUNDS_BAR, "rounds", 1.0)
    yield Row("targeted; floor", kib[Mode.TARGETED], floor, "KiB a round", FLOOR_BAR)
    yield Row("reduced; floor", kib[Mode.REDUCED], reduced.floor / 1024, "KiB a round")
    yield Row("reduced; whole kernels", kib[Mode.REDUCED], kib[Mode.FULL], "KiB a round")
    entries = kib[Mode.ENTRIES]
    yield Row("reduced; signed entries", kib[Mode.REDUCED], entries, "KiB a round", CHEAPER_BAR)


def cuts(pairs: int) -> Iterator[Row]:
    """Time the least cut between nodes of a small world."""
    source, target = small_world(NODES, DEGREE, np.random.default_rng(SEED))
    ones = np.ones(len(source), np.int64)
    web = Web(NODES, source, target, ones, ones.astype(bool))
    chance = Random(SEED)
    asked = [tuple(chance.sample(range(NODES), 2)) for _ in range(pairs)]
    cutter = Cutter(web)
    start = time.process_time()
    found = [cutter.breach(a, b) for a, b in asked]
    ours = (time.process_time() - start) * 1e3 / pairs
    yield Row("cut of a pair, bar", ours, CUT_BAR_MS, "ms", 1.0)
    if find_spec("networkx"):
        import networkx as nx  # noqa: PLC0415 - a rival that is not always here

        graph = nx.DiGraph(zip(source.tolist(), target.tolist(), strict=True))
        few = [at for at in range(pairs) if not found[at].is_direct][:5]
        start = time.process_time()
        sizes = [nx.node_connectivity(graph, *asked[at]) for at in few]
        rival = (time.process_time() - start) * 1e3 / len(few)
        assert sizes == [found[at].value for at in few]
        yield Row("cut of a pair, networkx", ours, rival, "ms")


def votes(networks: int) -> Iterator[Row]:
    """Count how often the vote is wrong, and how often the plain rule."""
    safe: list[Errors] = []
    plain: list[Errors] = []
    for seed in range(networks):
        chance = np.random.default_rng(seed)
        society = Society(NODES, DEGREE, 0.1, 0.2)
        roles = roles_of(society, chance)
        web = attested(society, roles, chance)
        safe.append(errors(web, roles, Rule.MAJORITY, 10, chance))
        plain.append(errors(web, roles, Rule.PLAIN, 10, chance))
    trust, fallen = (float(np.mean([one.false_trust for one in them])) for them in (safe, plain))
    distrust = float(np.mean([one.false_distrust for one in safe]))
    yield Row("false trust, bar", trust, FALSE_TRUST_BAR, "share", 1.0)
    yield Row("false trust, plain rule", trust, fallen, "share")
    yield Row("false distrust, bar", distrust, FALSE_DISTRUST_BAR, "share", 1.0)


if __name__ == "__main__":
    main(__doc__, rows)
