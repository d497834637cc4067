"""The table of methods describes itself, and the description is OpenRPC's."""

import json
import re

import pytest

from numen.ledger.ledger import ATTEMPT_DELIVERIES_MAX
from numen.node import asgi, filters, pool, shell, simulate, steps, subscriptions
from numen.node.ledger.chain import WORK_MAX
from numen.node.rpc import controls, dispatch, listening, messages, prices, trees, values
from numen.node.rpc.methods import METHODS
from numen.node.rpc.openrpc import describe
from numen.node.rpc.table import Method, rows, table
from tests.markdown import ROOT
from tests.node.served import Asked

PROMISED_TEXT = """
eth_accounts eth_blobBaseFee eth_blockNumber eth_call eth_chainId eth_coinbase
eth_createAccessList eth_estimateGas eth_feeHistory eth_gasPrice eth_getBalance eth_getBlockByHash
eth_getBlockByNumber eth_getBlockReceipts eth_getBlockTransactionCountByHash
eth_getBlockTransactionCountByNumber eth_getCode eth_getFilterChanges eth_getFilterLogs
eth_getLogs eth_getProof eth_getStorageAt eth_getTransactionByBlockHashAndIndex
eth_getTransactionByBlockNumberAndIndex eth_getTransactionByHash eth_getTransactionCount
eth_getTransactionReceipt eth_maxPriorityFeePerGas eth_newBlockFilter eth_newFilter
eth_newPendingTransactionFilter eth_sendRawTransaction eth_sendTransaction eth_sign
eth_signTransaction eth_signTypedData_v4 eth_subscribe eth_syncing eth_uninstallFilter
eth_unsubscribe net_version net_listening net_peerCount web3_clientVersion web3_sha3 rpc.discover
rpc_modules debug_traceTransaction debug_traceCall debug_traceBlockByNumber debug_traceBlockByHash
evm_snapshot evm_revert evm_mine evm_increaseTime evm_setNextBlockTimestamp evm_setAutomine
evm_setIntervalMining txpool_content txpool_inspect txpool_status
"""

PROMISED = PROMISED_TEXT.split() + [
    f"{space}_{name}"
    for space in ("anvil", "hardhat")
    for name in (
        "impersonateAccount", "stopImpersonatingAccount", "setBalance", "setCode", "setNonce",
        "setStorageAt", "mine", "reset", "dropTransaction", "setCoinbase", "getAutomine",
        "setNextBlockBaseFeePerGas", "setPrevRandao",
    )
]  # fmt: skip
"""What the node is for."""


def test_every_method_that_is_promised_is_there():
    assert set(PROMISED) <= set(METHODS)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_is_described_by_a_sentence(name):
    assert is_described(METHODS[name])


def is_described(method: Method) -> bool:
    """Whether a method says in a sentence what it does."""
    return len(method.summary.split()) > 2 and method.summary[-1] in ".`"


def test_a_method_without_a_sentence_is_seen():
    def silent(session):
        return session

    assert not is_described(Method("eth_silent", silent))


LIMITS = {
    "5 MiB, behind a head of 64 KiB": (dispatch.BODY_BYTES_MAX, shell.HEAD_BYTES_MAX)
    == (5 << 20, 1 << 16),
    "1,000 requests, 25 MiB": (dispatch.BATCH_MAX, dispatch.ANSWERS_BYTES_MAX) == (1000, 25 << 20),
    "20,000": listening.LOGS_MAX == 20_000,
    "1,000; 300": (filters.FILTERS_MAX, filters.IDLE_S_MAX) == (1000, 300),
    "256; 128": (asgi.SOCKETS_MAX, subscriptions.SUBSCRIPTIONS_MAX) == (256, 128),
    "16,384; 32 MiB": (asgi.QUEUE_MAX, asgi.QUEUE_BYTES_MAX) == (16_384, 32 << 20),
    "closed, with 1013 | 256 MiB": (asgi.WAITING_BYTES_MAX, asgi.TOO_MUCH.code)
    == (256 << 20, 1013),
    "has to read a message | 60": asgi.SEND_S_MAX == 60,
    "| connections | 1,024": shell.CONNECTIONS_MAX == 1024,
    "be read | 10": shell.REQUEST_S_MAX == shell.STUCK_S_MAX == 10,
    "16,384": pool.POOL_MAX == 16_384,
    "100,000": controls.MINE_MAX == 100_000,
    "50,000,000": simulate.GAS_MAX == 50_000_000,
    "1,000,000 instructions, 3,000,000": (steps.STEPS_MAX, steps.WORDS_MAX) == (10**6, 3 * 10**6),
    "1,024 blocks": prices.HISTORY_MAX == 1024,
    "of a ledger | 100,000,000": WORK_MAX == 10**8,
    "messages of an answer | 10,000, 8 MiB": (trees.BRANCHES_MAX, trees.TREE_BYTES_MAX)
    == (10_000, 8 << 20),
    "that wait of an answer | 100": messages.QUEUED_MAX == 100,
    "tried | 4,096": ATTEMPT_DELIVERIES_MAX == 4096,
    "makes at one request | 10,000": messages.MINE_MAX == 10_000,
    "a query | 1,000": values.SEVERAL_MAX == 1000,
}
"""What the reference says of each limit, and whether it is so."""


@pytest.mark.parametrize("words", LIMITS)
def test_the_reference_gives_the_limits_that_hold(words):
    assert LIMITS[words]
    assert words in (ROOT / "docs/reference/rpc.md").read_text()


def test_no_name_is_there_twice():
    with pytest.raises(AssertionError, match="twice"):
        table(rows({"eth_x": is_described}), rows({"eth_x": is_described}))


def test_every_namespace_is_named():
    assert {re.split(r"[_.]", name)[0] for name in METHODS} == set(Asked()("rpc_modules"))


def test_the_description_is_whole():
    document = Asked()("rpc.discover")
    schemas = document["components"]["schemas"]

    assert document == json.loads(json.dumps(describe(METHODS)))
    assert document["openrpc"].startswith("1.")
    assert [each["name"] for each in document["methods"]] == sorted(METHODS)
    text = json.dumps(document)
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)
    for each in document["methods"]:
        assert each["result"]["schema"] is not None
        required = [param["required"] for param in each["params"]]
        assert required == sorted(required, reverse=True)
        assert all(param["schema"] is not None for param in each["params"])


def test_the_description_says_what_a_method_takes():
    methods = {each["name"]: each for each in Asked()("rpc.discover")["methods"]}

    first, second = methods["eth_getBalance"]["params"]
    assert (first["name"], first["required"]) == ("address", True)
    assert first["schema"]["pattern"] == "^0x[0-9a-fA-F]{40}$"
    assert (second["name"], second["schema"]["default"]) == ("block", "latest")
