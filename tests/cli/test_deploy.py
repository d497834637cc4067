"""Commands about contracts on a ledger, against a node that runs."""

import json
import shutil

import pytest

from numen.cli.main import run_command
from tests.markdown import ROOT
from tests.node.ledger_served import SHOP, running
from tests.node.served import ADDRESSES

pytest.importorskip("uvicorn", reason="the extra `node` is not installed")

ANN, BOB = ADDRESSES[:2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ledger")


@pytest.fixture(scope="module")
def url(folder):
    with running("--data", str(folder / "data")) as (served, _):
        yield served["http"]


@pytest.fixture
def numen(url, capsys, monkeypatch):
    monkeypatch.setenv("NUMEN_RPC", url)

    def run(*words, code=0):
        assert run_command([str(word) for word in words]) == code
        written = capsys.readouterr()
        return (written.out if code == 0 else written.err).strip()

    return run


@pytest.fixture(scope="module")
def sources(folder):
    shutil.copy(ROOT / "examples/contracts/erc20.py", folder)
    (folder / "shop.py").write_text(SHOP)
    (folder / "raw.hex").write_text("0x5f5ffd")
    (folder / "stop.hex").write_text("0x60015ff3")
    return folder


def test_a_token_is_created_asked_and_explained(numen, sources, folder, url):
    token = numen("deploy", sources / "erc20.py", 1000)
    assert len(token) == 42
    said = numen("send", token, "transfer", BOB, 5)
    assert said.endswith("units of work")
    assert f"-> Erc20 {token[:10]} transfer({BOB[:10]}, 5): done" in said
    assert numen("call", token, "balanceOf(address)(uint128)", BOB) == "5"
    assert numen("call", token, "balanceOf", BOB) == f"0x{5:064x}"
    assert json.loads(numen("call", token, "name()(string)", "--json")) == {
        "result": "Coin of the examples"
    }

    shop = json.loads(numen("deploy", sources / "shop.py", token, 3, "--json"))
    numen("send", token, "approve", shop["address"], 100)
    tree = json.loads(numen("send", shop["address"], "buy", 2, "--json"))
    assert [branch["depth"] for branch in tree["branches"]] == [0, 1, 2]
    drawn = numen("explain", tree["id"]).splitlines()
    assert drawn[1].startswith("└── 0x")
    assert drawn[2].startswith("    └── 0x")
    last = tree["branches"][2]["message"]["id"]
    assert json.loads(numen("explain", last[:16], "--json"))["branches"] == [
        {**tree["branches"][2], "depth": 0}
    ]
    told = numen("why", last, "--rpc", url).splitlines()
    assert [line.split()[1] for line in told[:3]] == ["request", "request", "reply"]

    assert json.loads(numen("explain", tree["id"], "--data", folder / "data", "--json")) == tree
    assert numen("why", last, "--data", folder / "data").splitlines() == told


def test_bytecode_is_created_as_it_is(numen, sources):
    made = json.loads(numen("deploy", sources / "stop.hex", "--json"))

    assert made["abi"] == []
    assert numen("call", made["address"], "anything()") == "0x"


ERRORS = {
    "a message that it does not have": (("send", "TOKEN", "nope"), "has no nope"),
    "too few arguments": (("send", "TOKEN", "transfer", BOB), "1 arguments where 2 are taken"),
    "what is no number": (("send", "TOKEN", "transfer", BOB, "many"), "'many' is no uint128"),
    "what is no address": (("send", "TOKEN", "transfer", "0x12", 1), "20 bytes"),
    "an account without a contract": (("send", BOB, "transfer"), "no contract lives at"),
    "more than there is": (("send", "TOKEN", "transfer", BOB, 10**6), "execution reverted"),
    "code that refuses": (("deploy", "raw.hex"), "execution reverted"),
    "arguments of bytecode": (("deploy", "raw.hex", 5), "stand behind it"),
    "an id that nothing has": (("explain", "00000000"), "begins with"),
    "a node that is not there": (("explain", "0000", "--rpc", "http://127.0.0.1:9"), "no answer"),
    "what is no address of a node": (("explain", "0000", "--rpc", "ftp://x"), "no address of http"),
    "a folder without a ledger": (("explain", "0000", "--data", "nowhere"), "no ledger in it"),
    "a message of a folder": (("why", "0000", "--data", "nowhere"), "no ledger in it"),
}


@pytest.fixture(scope="module")
def token_address():
    return []


@pytest.mark.parametrize("what", ERRORS)
def test_what_cannot_be_done_is_said(what, numen, sources, token_address, monkeypatch):
    monkeypatch.chdir(sources)
    if not token_address:
        token_address.append(numen("deploy", "erc20.py", 10))
    words, message = ERRORS[what]
    given = [token_address[0] if word == "TOKEN" else word for word in words]

    assert message in numen(*given, code=2)
