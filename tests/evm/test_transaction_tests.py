"""The public transaction tests: who may sign what, in which fork, and what it costs."""

from collections.abc import Iterator

from numen.evm.forks import fork as fork_called
from numen.evm.invalid import InvalidTransactionError, Reason
from numen.evm.transaction import Transaction, decode
from numen.evm.validity import check_alone
from tests.evm import vectors

OTHER_WORDS = {
    # The suite names what it changed; a reader finds what became of the bytes.
    "RLP_LEADING_ZEROS_NONCE_SIZE": {Reason.RLP_ERROR_SIZE},
    "RLP_ERROR_SIZE_LEADING_ZEROS": {Reason.RLP_ERROR_SIZE},
    "RLP_LEADING_ZEROS_DATA_SIZE": {Reason.RLP_ERROR_SIZE},
    "RLP_INVALID_GASLIMIT": {Reason.RLP_ERROR_SIZE},
    "RLP_INVALID_SIGNATURE_R": {Reason.RLP_ERROR_SIZE},
    "RLP_INVALID_SIGNATURE_S": {Reason.RLP_ERROR_SIZE},
    "RLP_INVALID_TO": {Reason.RLP_ERROR_SIZE},
    "GASLIMIT_OVERFLOW": {Reason.RLP_LEADING_ZEROS_GASLIMIT},
    "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2": {Reason.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS},
    # One word there for a kind nobody knows, one the fork does not know, and no list at all.
    "TYPE_NOT_SUPPORTED": {
        Reason.TYPE_1_TX_PRE_FORK,
        Reason.TYPE_2_TX_PRE_FORK,
        Reason.RLP_INVALID_HEADER,
        Reason.RLP_TOO_FEW_ELEMENTS,
        Reason.RLP_ERROR_SIZE,
    },
}
"""Words of the suite for which there are other ones here as well."""


Verdict = tuple[Transaction, bytes, int] | Reason


def verdict(raw: bytes, fork_name: str) -> Verdict:
    """Give transaction, sender and intrinsic gas, or why it is refused."""
    fork = fork_called(fork_name)
    try:
        tx = decode(raw, fork)
        sender = tx.sender(fork, chain_id=1)
        gas, _ = check_alone(tx, fork)
    except InvalidTransactionError as error:
        return error.reason
    return tx, sender, gas


def verdicts() -> Iterator[tuple[str, bytes, dict[str, str], Verdict]]:
    """Give every case of the suite with what we make of it."""
    for path in vectors.files(vectors.TRANSACTION_TESTS):
        for name, case in vectors.load(path).items():
            raw = vectors.unhex(case["txbytes"])
            for fork_name, expected in case["result"].items():
                yield f"{name} {fork_name}", raw, expected, verdict(raw, fork_name)


@vectors.needs_transaction_tests
def test_every_transaction_of_the_suite_is_accepted_or_refused_as_it_says(record_property):
    count, wrong = 0, []
    for name, raw, expected, found in verdicts():
        count += 1
        if not agrees(found, expected, raw):
            wrong.append((name, found, expected))

    assert not wrong
    assert count >= len(vectors.files(vectors.TRANSACTION_TESTS)) > 0
    record_property("cases", count)


def agrees(found: Verdict, expected: dict[str, str], raw: bytes) -> bool:
    if isinstance(found, Reason) or "exception" in expected:
        return isinstance(found, Reason) and "exception" in expected
    tx, sender, gas = found
    return (
        "0x" + tx.hash().hex() == expected["hash"]
        and "0x" + sender.hex() == expected["sender"]
        and gas == int(expected["intrinsicGas"], 16)
        and tx.encode() == raw
    )


@vectors.needs_transaction_tests
def test_nearly_every_refusal_has_the_word_of_the_suite():
    same, count = 0, 0
    for _, _, expected, found in verdicts():
        if isinstance(found, Reason):
            word = expected["exception"].partition(".")[2]
            same += found == word or found in OTHER_WORDS.get(word, ())
            count += 1

    assert same >= count * 9 // 10 > 0
