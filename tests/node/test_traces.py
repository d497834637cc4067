"""Blocks that are traced, and their transactions."""

import pytest

from numen.evm import transition
from tests.node.served import ADDRESSES, Asked
from tests.node.test_chain import COUNTER

TRACERS = [{}, {"tracer": "callTracer"}, {"tracer": "prestateTracer"}]
TRACERS += [{"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}]


@pytest.mark.parametrize("options", TRACERS, ids=str)
def test_a_block_is_traced_as_its_transactions_are_and_each_is_run_once(options, monkeypatch):
    node, count = Asked(), 12
    address = node.deploy(COUNTER)
    node("evm_setAutomine", False)
    for number in range(count):
        to = address if number % 3 else ADDRESSES[number]
        node("eth_sendTransaction", {"from": ADDRESSES[number % 2], "to": to, "gas": "0x186a0"})
    node("evm_mine")
    block = node("eth_getBlockByNumber", "latest", False)
    single = [node("debug_traceTransaction", each, options) for each in block["transactions"]]
    runs, apply = [], transition.apply

    def counted(*args, **named):
        runs.append(args)
        return apply(*args, **named)

    monkeypatch.setattr(transition, "apply", counted)
    traces = node("debug_traceBlockByNumber", "latest", options)

    assert [each["result"] for each in traces] == single
    assert len(single) == len(runs) == count


def test_a_transaction_is_traced_behind_those_before_it_in_its_block():
    node = Asked()
    address = node.deploy(COUNTER)
    node("evm_setAutomine", False)
    form = {"from": ADDRESSES[0], "to": address, "gas": "0x186a0"}
    for _ in range(3):
        node("eth_sendTransaction", form)
    node("evm_mine")

    traces = node("debug_traceBlockByNumber", "latest", {})
    block = node("eth_getBlockByNumber", "latest", False)

    assert [int(each["result"]["returnValue"], 16) for each in traces] == [1, 2, 3]
    assert [each["txHash"] for each in traces] == block["transactions"]
    assert node("debug_traceBlockByHash", block["hash"], {}) == traces
    assert node.fault("debug_traceTransaction", "0x" + "12" * 32) == (
        -32000, "transaction not found",
    )  # fmt: skip
