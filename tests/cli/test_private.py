"""`numen node --contract-keys`, and commands about what is private, against nodes that run."""

import pytest

from numen.cli.main import run_command
from numen.net.keystore import COST_MIN, KeyStore
from tests.node.ledger_served import running
from tests.node.test_private_node import PURSE, SECRET

pytest.importorskip("uvicorn", reason="the extra `node` is not installed")

PASSWORD = "a password of tests"


@pytest.fixture
def numen(capsys, monkeypatch):
    def run(url, *words, code=0):
        monkeypatch.setenv("NUMEN_RPC", url)
        assert run_command([str(word) for word in words]) == code
        written = capsys.readouterr()
        return (written.out if code == 0 else written.err).strip()

    return run


@pytest.mark.slow
def test_what_is_private_is_sent_and_asked_and_the_keys_outlive_the_node(tmp_path, numen):
    (tmp_path / "password.txt").write_text(PASSWORD + "\n")
    (tmp_path / "purse.py").write_text(PURSE)
    store = KeyStore(tmp_path / "keys", COST_MIN)
    for name in ("node", "reader"):
        store.create(name, PASSWORD)
    own = ("--keys", tmp_path / "keys", "--password-file", tmp_path / "password.txt")
    data = ("--data", str(tmp_path / "data"), "--price", "0")
    keys = ("--contract-keys", "node", *map(str, own))
    with running(*data, *keys) as (served, _):
        url = served["http"]
        purse = numen(url, "deploy", tmp_path / "purse.py")
        assert "(sealed): done" in numen(url, "send", purse, "put", SECRET)
        assert "(sealed): done" in numen(url, "send", purse, "put", 7, "--as", "reader", *own)
    with running(*data, *keys) as (served, _):
        url = served["http"]
        assert numen(url, "call", purse, "mine()(uint128)", "--as", "reader", *own) == "7"
        assert numen(url, "call", purse, "rich()(bool)") == "true"
        assert "renew(): done" in numen(url, "send", purse, "renew")
        assert numen(url, "call", purse, "mine()(uint128)", "--as", "reader", *own) == "7"
        assert "is private" in numen(url, "call", purse, "mine", code=2)
    with running(*data) as (served, _):
        url = served["http"]
        said = numen(url, "send", purse, "put", 1, code=2)
        assert "keys are not here" in said
        assert "--contract-keys" in said
        said = numen(url, "deploy", tmp_path / "purse.py", code=2)
        assert "--contract-keys" in said
    raw = b"".join(p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())
    assert str(SECRET).encode() not in raw
    assert SECRET.to_bytes(14, "big") not in raw
