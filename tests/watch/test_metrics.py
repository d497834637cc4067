"""Metrics say what the market and the ledger say, in a text that Prometheus' own parser reads."""

from prometheus_client.parser import text_string_to_metric_families

from numen.market.coins import Pocket
from numen.watch import metrics
from numen.watch.traffic import Traffic
from tests.watch.watched import happened, played, source_of


def read(raw: bytes) -> dict:
    """Samples by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(raw.decode())
        for sample in family.samples
    }


def of(found, name, **labels):
    return found[name, tuple(sorted(labels.items()))]


def test_the_numbers_are_the_market_s():
    town = played()
    source = source_of(happened(town))
    source.state = lambda: town.play.market
    source.queues = lambda: {"parcels": 7}

    found = read(source.metrics())

    story = source.story
    assert of(found, "numen_market_tasks_ended_total", how="settled") == story.ends["settled"] > 0
    assert of(found, "numen_market_fines_total", offence="wrong answer") > 0
    coins = town.play.market.coins
    for pocket in Pocket:
        said = of(found, "numen_market_coins", pocket=pocket.value)
        assert said == coins.in_pocket(pocket)
    stakes = of(found, "numen_market_worker_stake_coins")
    stakes += of(found, "numen_market_verifier_stake_coins")
    assert stakes == coins.in_pocket(Pocket.STAKE) + coins.in_pocket(Pocket.PLEDGE)
    assert of(found, "numen_queue_depth", queue="parcels") == 7


def test_the_histogram_adds_up():
    source = source_of(happened(played()))

    found = read(source.metrics())

    buckets = [
        value for (name, _), value in found.items() if name == "numen_market_task_seconds_bucket"
    ]
    assert buckets == sorted(buckets)
    settled = of(found, "numen_market_task_seconds_count")
    assert buckets[-1] == settled == source.story.ends["settled"]
    assert of(found, "numen_market_task_seconds_sum") == source.story.latency.sum_ms / 1000


def test_channels_are_counted_both_ways():
    raw = metrics.text(metrics.of_process(Traffic(2, 300, 1, 40, 1), {}, 3))

    found = read(raw)

    assert of(found, "numen_channel_bytes_total", direction="sent") == 300
    assert of(found, "numen_channel_bytes_total", direction="heard") == 40
    assert of(found, "numen_channel_frames_total", direction="sent") == 2
    assert of(found, "numen_channels") == 1
    assert of(found, "numen_watch_streams") == 3
