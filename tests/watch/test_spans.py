"""Spans of a task's life: nested, in order, joined by the task's id alone, and sent by OTLP."""

import sys

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from numen.watch import otlp, spans
from numen.watch.otlp import Telemetry, TelemetryError
from numen.watch.spans import Took
from numen.watch.story import Story
from tests.watch.collector import collecting
from tests.watch.watched import happened, played

BORN_MS = 1_700_000_000_000


def lives(seed=1):
    """The spans of each task of a market."""
    story = Story()
    ended = story.hear(happened(played(seed)))
    return {task.id: list(spans.of_task(task, BORN_MS)) for task in ended}


@pytest.mark.parametrize("seed", range(3))
def test_a_life_is_one_tree_of_spans_within_each_other(seed):
    for task, found in lives(seed).items():
        by_id = {span.id: span for span in found}
        assert len(by_id) == len(found), "ids differ"
        assert {span.trace.hex() for span in found} == {task[:32]}
        (root,) = [span for span in found if not span.parent]
        assert root.name == "task"
        for span in found:
            assert span.start_ns <= span.end_ns
            if span.parent:
                above = by_id[span.parent]
                assert above.start_ns <= span.start_ns
                assert span.end_ns <= above.end_ns


def test_a_settled_life_has_every_stage():
    found = next(life for life in lives().values() if not life[0].fault)

    names = {span.name for span in found}

    assert {"task", "bid", "seat", "offer", "run", "commit", "reveal", "settle", "paid"} <= names


def test_a_lie_is_a_fault():
    faults = {
        span.fault
        for life in lives().values()
        for span in life
        if span.name == "seat" and span.fault
    }

    assert "wrong answer" in faults


def test_what_a_worker_measured_is_a_part_of_what_the_hall_saw():
    task, found = next(iter(lives().items()))
    run = next(span for span in found if span.name == "run")
    worker = next(span.attributes["numen.worker"] for span in found if span.id == run.parent)

    mine = spans.computed(bytes.fromhex(task), worker, Took(run.start_ns, run.end_ns, 9))
    checked = spans.checked(bytes.fromhex(task), "cc" * 20, Took(1, 2, 9))

    assert (mine.trace, mine.parent) == (run.trace, run.id)
    assert mine.id not in {span.id for span in found}
    settle = next((span for span in found if span.name == "settle"), None)
    assert settle is None or checked.parent == settle.id


def test_the_sdk_is_given_what_there_is():
    memory = InMemorySpanExporter()
    telemetry = Telemetry(SimpleSpanProcessor(memory), "numen.hall")
    task, found = next(iter(lives().items()))

    telemetry.send(found)

    got = memory.get_finished_spans()
    assert [span.name for span in got] == [span.name for span in found]
    assert {span.context.trace_id for span in got} == {int(task[:32], 16)}
    assert got[0].parent is None
    assert got[0].resource.attributes["service.name"] == "numen.hall"
    for ours, theirs in zip(found, got, strict=True):
        assert (theirs.start_time, theirs.end_time) == (ours.start_ns, ours.end_ns)
        assert dict(theirs.attributes) == ours.attributes
        assert (theirs.status.status_code is StatusCode.ERROR) == bool(ours.fault)


def test_spans_reach_a_collector():
    with collecting() as (url, heard):
        telemetry = Telemetry.to(url, "numen.hall")
        found = [span for life in lives().values() for span in life]

        telemetry.send(found)
        telemetry.close()

        got = list(heard())

    assert {(span.trace_id, span.span_id) for _, span in got} == {(s.trace, s.id) for s in found}
    assert {service for service, _ in got} == {"numen.hall"}


@pytest.mark.parametrize("url", ["", "127.0.0.1:4318", "file:///etc", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(TelemetryError, match="no address of http"):
        Telemetry.to(url, "numen.hall")


def test_an_extra_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(TelemetryError) as refused:
        otlp.Telemetry.to("http://127.0.0.1:4318", "numen.hall")

    assert "numen[telemetry]" in refused.value.hint
