"""Key files: what opens them, what does not, and what nobody sees."""

import copy
import json
import pickle
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numen.base.crypto import BadKeyError, BadSignatureError, SigningKey
from numen.net import keystore
from numen.net.errors import (
    KeyExistsError,
    KeyFileError,
    KeyNameError,
    NoKeyError,
    WrongPasswordError,
)
from numen.net.identity import NodeKey, verify_node
from numen.net.keystore import COST_MIN, KeyStore

PASSWORD = "correct horse battery"


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys", COST_MIN)


def test_what_was_made_opens_with_its_password(store):
    public = store.create("alice", PASSWORD)
    identity = store.open("alice", PASSWORD)

    assert identity.node.id == public.node
    assert identity.account.address == public.account
    assert store.public("alice") == public
    assert store.names() == ["alice"]
    digest = b"\1" * 32
    verify_node(public.node, digest, identity.node.sign(digest))


def test_every_identity_is_another(store):
    first, second = store.create("a", PASSWORD), store.create("b", PASSWORD)

    assert first.node != second.node
    assert first.account != second.account
    assert store.names() == ["a", "b"]


@pytest.mark.parametrize("password", ["", "correct horse batter", PASSWORD + " ", PASSWORD.upper()])
def test_another_password_does_not_open_it(store, password):
    store.create("alice", PASSWORD)
    with pytest.raises(WrongPasswordError):
        store.open("alice", password)


def test_a_password_is_the_same_however_it_was_typed(store):
    store.create("alice", "pa\u0308ssword")

    assert store.open("alice", "p\u00e4ssword").name == "alice"


def test_files_are_their_owners_alone(store):
    path = store.create("alice", PASSWORD).path

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["alice.json"]


def test_a_file_that_others_may_read_is_not_used(store):
    path = store.create("alice", PASSWORD).path
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        store.open("alice", PASSWORD)


def test_nothing_is_overwritten(store):
    path = store.create("alice", PASSWORD).path
    before = path.read_bytes()
    with pytest.raises(KeyExistsError):
        store.create("alice", "another password")

    assert path.read_bytes() == before


def test_not_even_by_who_is_faster(store, monkeypatch):
    """Another process makes the file between the look and the writing."""
    store.create("alice", PASSWORD)
    monkeypatch.setattr("pathlib.Path.exists", lambda _: False)
    with pytest.raises(KeyExistsError):
        store.create("alice", "another password")

    assert store.open("alice", PASSWORD).name == "alice"


def test_a_writing_that_fails_leaves_nothing(store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    store.create("first", PASSWORD)
    monkeypatch.setattr(keystore.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.create("alice", PASSWORD)

    assert store.names() == ["first"]
    assert len(list(store.public("first").path.parent.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "A", "../a", "a/b", ".a", "a b", "a" * 65, "1a", "a\n", "ä"])
def test_names_that_no_key_can_have(store, name):
    for call in (store.create, store.open):
        with pytest.raises(KeyNameError):
            call(name, PASSWORD)


def test_a_key_that_is_not_there(store):
    assert store.names() == []
    with pytest.raises(NoKeyError):
        store.open("alice", PASSWORD)


def rewrite(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


ALTERED = {
    "node": "00" * 32,
    "account": "0x" + "00" * 20,
    "salt": "00" * 16,
    "nonce": "00" * 12,
    "sealed": "00" * 80,
    "cost": 2 * COST_MIN,
}


@pytest.mark.parametrize("field", ALTERED)
def test_an_altered_field_does_not_open(store, field):
    path = store.create("alice", PASSWORD).path
    rewrite(path, **{field: ALTERED[field]})
    with pytest.raises(WrongPasswordError):
        store.open("alice", PASSWORD)


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "numen/keys/2"},
        {"kdf": "pbkdf2"},
        {"cipher": "none"},
        {"cost": 1 << 30},
        {"cost": 1},
        {"cost": COST_MIN + 1},
        {"cost": "many"},
        {"salt": ""},
        {"sealed": "zz" * 80},
        {"node": "00" * 31},
        {"more": 1},
    ],
    ids=str,
)
def test_a_file_of_another_form_is_no_key_file(store, fields):
    path = store.create("alice", PASSWORD).path
    rewrite(path, **fields)
    with pytest.raises(KeyFileError):
        store.open("alice", PASSWORD)


@settings(max_examples=30)
@given(data=st.binary(max_size=200) | st.just(b"[" * 4000) | st.just(b"x" * 5000))
def test_any_bytes_are_no_key_file(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("keys")
    path = folder / "alice.json"
    path.touch(0o600)
    path.write_bytes(data)
    with pytest.raises(KeyFileError):
        KeyStore(folder).public("alice")


def test_secrets_show_themselves_nowhere(store):
    path = store.create("alice", PASSWORD).path
    seen = []

    def spy(secret):
        seen.append(bytes(secret))
        return NodeKey(secret)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore, "NodeKey", spy)
        identity = store.open("alice", PASSWORD)
    (secret,) = seen
    assert NodeKey(secret).id == identity.node.id
    for text in (repr(identity), str(identity), f"{identity.node}", path.read_text()):
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
        assert PASSWORD not in text
    for way in (pickle.dumps, copy.deepcopy, msgspec.json.encode):
        with pytest.raises(TypeError):
            way(identity)


def test_errors_do_not_say_the_password(store):
    store.create("alice", PASSWORD)
    with pytest.raises(WrongPasswordError) as caught:
        store.open("alice", "a secret guess")

    assert "secret guess" not in str(caught.value)


def test_a_node_key_is_32_bytes_and_signs_for_itself_alone():
    key, digest = NodeKey.from_seed(b"a"), b"\1" * 32
    with pytest.raises(BadKeyError):
        NodeKey(bytes(31))
    with pytest.raises(BadSignatureError):
        verify_node(NodeKey.from_seed(b"b").id, digest, key.sign(digest))
    with pytest.raises(BadSignatureError):
        verify_node(key.id, b"\2" * 32, key.sign(digest))
    with pytest.raises(BadSignatureError):
        verify_node(b"", digest, key.sign(digest))


def test_the_folder_is_where_the_system_has_such_things(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMEN_KEYS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(keystore.sys, "platform", "linux")
    assert keystore.default_folder() == tmp_path / "numen/keys"
    monkeypatch.setattr(keystore.sys, "platform", "darwin")
    assert re.search(r"Library/Application Support/numen/keys$", str(keystore.default_folder()))
    monkeypatch.setenv("NUMEN_KEYS", str(tmp_path / "mine"))
    assert keystore.default_folder() == tmp_path / "mine"


def test_an_account_may_be_any_scalar(monkeypatch, store):
    """The first draw is no scalar of secp256k1."""
    draws = [b"\7" * 32, b"\xff" * 32, b"\1" * 32]
    monkeypatch.setattr(
        keystore.secrets, "token_bytes", lambda size: draws.pop(0) if draws else bytes(size)
    )

    assert store.create("alice", PASSWORD).account == SigningKey(b"\1" * 32).address
