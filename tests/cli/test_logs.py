"""Logs are lines that machines read, and no key gets into them."""

import json
import logging

import pytest

from numen.base.crypto import SigningKey
from numen.cli import logs
from numen.cli.watching import Watch
from numen.market import events
from numen.net.identity import NodeKey
from numen.net.keystore import Identity

SECRET = bytes(range(1, 33))


@pytest.fixture
def root():
    """Give the loggers back as they were."""
    found = logging.getLogger()
    before, level = found.handlers[:], found.level
    yield found
    found.handlers[:], found.level = before, level
    logging.getLogger("numen").setLevel(logging.NOTSET)


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_record_is_one_line_of_json(root, capsys):
    logs.configure("info", "json")

    logging.getLogger("numen.x").info("two\nlines %s", "\x1b[31m", extra={"task": "aa", "n": 3})
    logging.getLogger("numen.x").debug("not this")
    logging.getLogger("other").info("nor this")

    (found,) = lines(capsys)
    assert found["message"] == "two\nlines \x1b[31m"
    assert (found["level"], found["logger"], found["task"], found["n"]) == (
        "info",
        "numen.x",
        "aa",
        3,
    )
    assert found["time"].endswith("Z")


def test_a_process_that_has_a_name_says_it(root, capsys):
    logs.configure("info", "json", "node-1")
    logging.getLogger("numen.x").info("here")
    (found,) = lines(capsys)
    assert (found["process"], found["message"]) == ("node-1", "here")

    logs.configure("warning", "text", "100%s")
    logging.getLogger("numen.x").warning("here")
    assert capsys.readouterr().err == "100%s: here\n"


def test_errors_are_told_in_bounds(root, capsys):
    logs.configure("warning", "json")
    try:
        raise ValueError("x" * 100_000)
    except ValueError:
        logging.getLogger("numen.x").exception("y" * 100_000)

    (found,) = lines(capsys)
    assert len(found["message"]) == len(found["error"]) == logs.TEXT_MAX


@pytest.mark.parametrize("form", ["json", "text"])
def test_keys_do_not_get_into_logs(root, capsys, form):
    logs.configure("debug", form)
    account, node = SigningKey(SECRET), NodeKey(SECRET)
    who = Identity("ada", node, account)
    log = logging.getLogger("numen.x")

    log.info("%s %r %s %r %s", account, account, node, node, who, extra={"key": account})
    log.debug("it", extra={"secret": SECRET, "who": who, "inner": {"key": SECRET, "node": node}})

    said = capsys.readouterr().err
    assert account.address.hex() in said
    for spelled in (SECRET.hex(), repr(SECRET), str(int.from_bytes(SECRET, "big"))):
        assert spelled not in said
    assert form == "text" or "32 bytes" in said


def test_what_happens_is_logged_with_its_fields(root, capsys):
    logs.configure("info", "json")
    told = []
    heard = Watch("hall", None, None).heard(told.extend)
    slashed = events.Slashed(5, "aa", "bb", "wrong answer", 9, "cc", 4, 4, "ff" * 100)

    heard([slashed])

    assert told == [slashed]
    (found,) = lines(capsys)
    assert found["message"] == "slashed"
    assert found["fields"]["outcome"] == "wrong answer"
    assert "evidence" not in found["fields"]


def test_nothing_is_logged_that_nobody_asked_for(root, capsys):
    logs.configure("warning", "text")

    Watch("hall", None, None).heard(lambda _: None)([events.Called(5, "aa", "deposit", 9)])

    assert capsys.readouterr().err == ""
