"""The public transaction tests: who may sign what, in which fork, and what it costs."""

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


def verdict(raw: bytes, fork_name: str) -> tuple[Transaction, bytes, int] | Reason:
    """Give transaction, sender and intrinsic gas, or why it is refused."""
    fork = fork_called(fork_name)
    try:
        tx = decode(raw, fork)
        sender = tx.sender(fork, chain_id=1)
        gas, _ = check_alone(tx, fork)
    except InvalidTransactionError as error:
        return error.reason
    return tx, sender, gas


@vectors.needs_transaction_tests
def test_every_transaction_of_the_suite_is_accepted_or_refused_as_it_says():
    count, wrong = 0, []
    for path in vectors.files(vectors.TRANSACTION_TESTS):
        for name, case in vectors.load(path).items():
            raw = vectors.unhex(case["txbytes"])
            for fork_name, expected in case["result"].items():
                count += 1
                found = verdict(raw, fork_name)
                if not agrees(found, expected, raw):
                    wrong.append((name, fork_name, found, expected))

    assert not wrong
    assert count >= len(vectors.files(vectors.TRANSACTION_TESTS))


def agrees(
    found: tuple[Transaction, bytes, int] | Reason, expected: dict[str, str], raw: bytes
) -> bool:
    if isinstance(found, Reason) or "exception" in expected:
        word = expected.get("exception", "").partition(".")[2]
        return found == word or found in OTHER_WORDS.get(word, ())
    tx, sender, gas = found
    return (
        "0x" + tx.hash().hex() == expected["hash"]
        and "0x" + sender.hex() == expected["sender"]
        and gas == int(expected["intrinsicGas"], 16)
        and tx.encode() == raw
    )
