"""pyrevm 0.3.7, which is revm 8 of April 2024: fast, but Cancun only, and it shows only parts.

It runs the rules of Cancun whatever fork it is asked for. It names no changed slots and keeps a
destroyed account to the end of a block, so of its state only what another engine saw is compared.
"""

from typing import Any

import msgspec
import pyrevm
import sha3

from numen.evm import forks
from numen.evm.fuzz.case import Case, Outcome, RefusedCaseError, Status, Trial, World
from numen.evm.message import Log, Message
from numen.evm.state import Account


class RevmJudge:
    """Runs cases on pyrevm."""

    name = "pyrevm"
    forks = frozenset({"cancun"})

    def adapted(self, case: Case) -> Case:
        """Without a base fee, which it takes to be zero."""
        block = msgspec.structs.replace(case.block, base_fee=0)
        return msgspec.structs.replace(case, block=block)

    def prepare(self, case: Case) -> Trial:
        return _Trial(case)


class _Trial:
    """A case in a fresh pyrevm, whose journal would otherwise keep everything warm."""

    def __init__(self, case: Case) -> None:
        message, block = case.message, case.block
        self._case = case
        self._intrinsic = intrinsic_gas(case)
        self._evm = evm = pyrevm.EVM(gas_limit=block.gas_limit, spec_id="CANCUN")
        for address, account in case.pre.items():
            self._put(address, account)
        evm.set_block_env(
            pyrevm.BlockEnv(
                number=block.number,
                coinbase=_hex(block.coinbase),
                timestamp=block.timestamp,
                difficulty=block.prev_randao,
                prevrandao=block.prev_randao.to_bytes(32, "big"),
                basefee=block.base_fee,
                gas_limit=block.gas_limit,
                excess_blob_gas=0,
            )
        )
        if case.context.blob_hashes:
            hashes = list(case.context.blob_hashes)
            evm.set_tx_env(pyrevm.TxEnv(blob_hashes=hashes, max_fee_per_blob_gas=1))
        self._arguments: dict[str, Any] = {
            "value": message.value,
            "gas": message.gas + self._intrinsic,
        }
        self._output, self._failure = b"", ""

    def _put(self, address: bytes, account: Account) -> None:
        text = _hex(address)
        # Its setters of one part load the account, which would make it warm; and its stubs do not
        # know that the balance can be given at once.
        parts: dict[str, Any] = {"balance": account.balance, "code": account.code or None}
        info = pyrevm.AccountInfo(nonce=account.nonce, **parts)
        self._evm.insert_account_info(text, info)
        # A slot goes into its journal, as changed, if the account is there; reverting takes both
        # out of the journal and leaves the slot in the database, where it belongs.
        for key, word in account.storage.items():
            moment = self._evm.snapshot()
            self._evm.insert_account_storage(text, key, word)
            self._evm.revert(moment)

    def run(self) -> None:
        self._send(self._case.message)

    def warm_up(self) -> None:
        """Call an account without code, so that the machine has run, and undo it."""
        moment = self._evm.snapshot()
        self._send(msgspec.structs.replace(self._case.message, to=b"\xe0" * 20, data=b"", value=0))
        self._evm.revert(moment)

    def _send(self, message: Message) -> None:
        caller = _hex(message.caller)
        try:
            if message.to is None:
                self._evm.deploy(caller, message.data, **self._arguments)
            else:
                self._output = self._evm.message_call(
                    caller,
                    _hex(message.to),
                    calldata=message.data,
                    gas_price=self._case.context.gas_price or None,
                    **self._arguments,
                )
        except RuntimeError as error:  # its way to say that a message did not succeed
            self._failure = str(error)

    def rerun(self) -> tuple[bool, int, bytes]:
        """Run it from the same cold state again; give success, gas used and output."""
        moment = self._evm.snapshot()
        self.run()
        result = self._evm.result
        assert result is not None
        used = int(result.gas_used) + int(result.gas_refunded) - self._intrinsic
        output = bytes(self._output) if result.is_success else _revert_output(self._failure)
        self._evm.revert(moment)
        return bool(result.is_success), used, output

    def outcome(self, seen: World) -> Outcome:
        result = self._evm.result
        if result is None:
            raise RefusedCaseError(f"pyrevm refused to run it: {self._failure}")
        status: Status = "success"
        if not result.is_success:
            status = "failure" if result.is_halt else "revert"
        used = int(result.gas_used) + int(result.gas_refunded) - self._intrinsic
        return Outcome(
            status=status,
            gas_left=self._case.message.gas - used,
            output=bytes(self._output) if status == "success" else _revert_output(self._failure),
            logs=tuple(map(_log, result.logs)) if status == "success" else (),
            post={address: self._account(address, account) for address, account in seen.items()},
            is_whole=False,
        )

    def _account(self, address: bytes, seen: Account) -> Account:
        text = _hex(address)
        info = self._evm.basic(text)
        storage = {key: self._evm.storage(text, key) for key in seen.storage}
        code = bytes(self._evm.get_code(text) or b"")
        # It pads code that it has looked through; the hash is of what was there.
        if code != seen.code and info.code_hash == sha3.keccak_256(seen.code).digest():
            code = seen.code
        return Account(
            nonce=info.nonce,
            balance=self._evm.get_balance(text),
            code=code,
            storage={key: word for key, word in storage.items() if word},
        )


def intrinsic_gas(case: Case) -> int:
    """Gas that a transaction with this message pays before it runs."""
    fork, message = forks.fork(case.fork), case.message
    zeros = message.data.count(0)
    gas = fork.gas.tx_base + zeros * fork.gas.tx_data_zero
    gas += (len(message.data) - zeros) * fork.gas.tx_data_nonzero
    if message.to is None:
        gas += fork.gas.tx_create + (len(message.data) + 31) // 32 * fork.gas.create_word
    return gas


def _revert_output(failure: str) -> bytes:
    """Pick the output out of the text of an exception."""
    _, found, rest = failure.partition("output: 0x")
    digits = rest.partition(" ")[0].rstrip(",}")
    return bytes.fromhex(digits) if found else b""


def _log(log: Any) -> Log:
    _, data = log.data
    topics = tuple(bytes.fromhex(topic.removeprefix("0x")) for topic in log.topics)
    return Log(bytes.fromhex(log.address.removeprefix("0x")), topics, bytes(data))


def _hex(address: bytes) -> str:
    return "0x" + address.hex()
