"""The simulation of large networks agrees with real kernels of small ones, and the vote is safe."""

import numpy as np

from numen.base.codec import encode
from numen.sim import spreading
from numen.sim.graphs import small_world
from numen.sim.pictures import draw
from numen.sim.roles import Society, attested, errors, roles_of
from numen.sim.spreading import Mode, sizes, spread
from numen.sim.trust import kernel_of, simulate
from numen.trust.attestation import sign_sheet
from numen.trust.gossip import answer, offer
from numen.trust.judgement import Rule
from numen.trust.snapshot import read_snapshot, write_snapshot
from numen.trust.web import web_of
from numen.trust.why import sentences, why
from tests.trust.town import attest, kernel_at, ring, town


def test_a_small_world_has_the_links_that_are_asked_for():
    source, target = small_world(2000, 12, np.random.default_rng(1))

    assert (source != target).all()
    assert 11.5 < len(source) / 2000 <= 12
    assert {*zip(source.tolist(), target.tolist(), strict=True)} == {
        *zip(target.tolist(), source.tolist(), strict=True)
    }


def test_spreading_is_what_real_kernels_do():
    """The same partners, step by step: the same knowledge in both."""
    count = 24
    members, keys = town(count)
    attesters = ring(count, 4)
    ends = (
        np.repeat(np.arange(count), 4),
        np.concatenate([[(at + gap) % count for gap in (1, 2, 3, 4)] for at in range(count)]),
    )
    network = spreading._Network(ends, count, Mode.REDUCED, np.random.default_rng(2))
    kernels = [kernel_at(members, 0) for _ in range(count)]
    received = 0
    for step in range(4):
        network.now = step
        network.known[network.followed, np.arange(count)] = step
        for index in range(count):
            attest(attesters[index], index, step)
            kernels[index].advance(step)

            kernels[index].put(sign_sheet(attesters[index].sheet(), members, keys[index]))
        partners = np.roll(np.arange(count), -(2**step) % count)
        network.exchange(partners)
        before = [list(kernel) for kernel in kernels]
        for index in range(count):
            received += _talk(members, before[index], before[partners[index]], step)
            kernels[index].merge(before[partners[index]])
            kernels[partners[index]].merge(before[index])
        for index, kernel in enumerate(kernels):
            found = [
                -1 if (s := kernel.get(int(at))) is None else s.sheet.step
                for at in network.followed
            ]
            assert found == network.known[index].tolist()
    assert 0.7 < network.received / received < 1.4


def _talk(members, mine, theirs, step):
    """Bytes of a real exchange between two kernels."""
    one, other = kernel_at(members, step), kernel_at(members, step)
    one.merge(mine)
    other.merge(theirs)
    size, message, turn = 0, offer(one), other
    while message is not None:
        size += len(encode(message))
        message, turn = answer(turn, message), one if turn is other else other
    return size


def test_reduced_gossip_is_near_its_floor_and_targeted_is_faster():
    ends = small_world(400, 12, np.random.default_rng(3))
    found = {mode: spread(ends, 400, mode, 24, np.random.default_rng(3)) for mode in Mode}

    assert found[Mode.ENTRIES].bytes_a_round > 20 * found[Mode.REDUCED].bytes_a_round
    assert found[Mode.REDUCED].bytes_a_round < 1.3 * found[Mode.REDUCED].floor
    assert found[Mode.TARGETED].rounds < found[Mode.REDUCED].rounds <= 5
    assert found[Mode.ONLY_TARGETED].rounds is None
    assert sizes(12, 400).sheet < 12 * sizes(12, 400).entry / 4


def test_an_exchange_gives_everybody_what_its_partners_knew():
    ends = small_world(300, 8, np.random.default_rng(5))
    network = spreading._Network(ends, 300, Mode.REDUCED, np.random.default_rng(5))
    for _ in range(4):
        network.step()
        before, partners = network.known.copy(), network.chance.integers(0, 300, 300)
        network.exchange(partners)
        expected = np.maximum(before, before[partners])
        np.maximum.at(expected, partners, before)
        assert (network.known == expected).all()
        place = 300 - (300 - int((1 - spreading.KNOWN_SHARE) * 300))
        newest = np.partition(network.known, place, axis=0)[place]
        ages = sorted(network.now - int(step) + 1 for step in newest if step >= 0)
        assert sorted(network.arrived()) == ages


def test_the_vote_holds_where_the_plain_rule_falls():
    wrong_trust, wrong_distrust, plain = [], [], []
    for seed in range(10):
        chance = np.random.default_rng(seed)
        society = Society(400, 24, 0.1, 0.2)
        roles = roles_of(society, chance)
        web = attested(society, roles, chance)
        safe = errors(web, roles, Rule.MAJORITY, 5, chance)
        wrong_trust.append(safe.false_trust)
        wrong_distrust.append(safe.false_distrust)
        plain.append(errors(web, roles, Rule.PLAIN, 5, chance).false_trust)

    assert np.mean(wrong_trust) <= 0.01
    assert np.mean(wrong_distrust) <= 0.02
    assert np.mean(plain) > 0.9


def test_a_snapshot_is_read_with_every_signature_checked():
    kernel = kernel_of(Society(60, 8), 1)
    raw = write_snapshot(kernel)
    again = read_snapshot(raw)

    assert again == kernel
    assert again.now == kernel.now
    said = list(sentences(why(web_of(again), 0, 7)))
    assert said[0].startswith("node 0 ")
    assert any("bribe" in sentence or "no path" in sentence for sentence in said)


def test_a_report_is_drawn():
    report = simulate(Society(60, 8), 1)
    picture = draw(report)

    assert report == simulate(Society(60, 8), 1)
    assert picture.startswith("<svg")
    assert all(mode.value in picture for mode in Mode)
    assert "<script" not in picture
