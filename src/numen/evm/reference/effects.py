"""Opcodes that read and change storage, leave logs, or end the frame."""

from numen.evm.errors import HaltError
from numen.evm.halt import Halt
from numen.evm.message import Log
from numen.evm.opcodes import BY_NAME
from numen.evm.reference.frame import Frame, Handler


def sload(frame: Frame) -> None:
    """SLOAD."""
    key = frame.pop()
    journal, address = frame.world.journal, frame.scope.address
    if journal.warm_slot(address, key):
        frame.charge(frame.world.gas.sload_cold)
    frame.push(journal.storage(address, key))


def sstore(frame: Frame) -> None:
    """SSTORE."""
    frame.require_writes()
    gas = frame.world.gas
    if frame.gas <= gas.sstore_sentry and gas.sstore_sentry:
        raise HaltError(Halt.OUT_OF_GAS)
    key, value = frame.pop(), frame.pop()
    journal, address = frame.world.journal, frame.scope.address
    if journal.warm_slot(address, key):
        frame.charge(gas.sstore_cold)
    before = journal.storage(address, key)
    if frame.world.fork.is_sstore_net_metered:
        _price_net(frame, journal.original_storage(address, key), before, value)
    else:
        _price_gross(frame, before, value)
    journal.set_storage(address, key, value)


def _price_gross(frame: Frame, before: int, value: int) -> None:
    """SSTORE's price by what is there now (yellow paper, appendix H)."""
    gas = frame.world.gas
    frame.charge(gas.sstore_set if value and not before else gas.sstore_reset)
    if before and not value:
        frame.world.journal.add_refund(gas.sstore_clear_refund)


def _price_net(frame: Frame, original: int, before: int, value: int) -> None:
    """SSTORE's price by what was there when the transaction began (EIP-1283, EIP-2200)."""
    gas, journal = frame.world.gas, frame.world.journal
    if value == before:
        frame.charge(gas.sstore_noop)
        return
    first_price = gas.sstore_reset if original else gas.sstore_set
    frame.charge(first_price if before == original else gas.sstore_noop)
    if original and not value:
        journal.add_refund(gas.sstore_clear_refund)
    if original and not before:
        journal.add_refund(-gas.sstore_clear_refund)
    if value == original:
        # The slot is as it was, so only looking at it is paid for.
        journal.add_refund(first_price - gas.sstore_noop)


def tload(frame: Frame) -> None:
    """TLOAD (EIP-1153)."""
    frame.push(frame.world.journal.transient(frame.scope.address, frame.pop()))


def tstore(frame: Frame) -> None:
    """TSTORE (EIP-1153)."""
    frame.require_writes()
    key, value = frame.pop(), frame.pop()
    frame.world.journal.set_transient(frame.scope.address, key, value)


def _log(topic_count: int) -> Handler:
    """LOG0 to LOG4."""

    def handle(frame: Frame) -> None:
        frame.require_writes()
        offset, length = frame.pop(), frame.pop()
        topics = tuple(frame.pop().to_bytes(32, "big") for _ in range(topic_count))
        frame.charge(frame.world.gas.log_data * length)
        frame.expand((offset, length))
        log = Log(frame.scope.address, topics, frame.read(offset, length))
        frame.world.journal.add_log(log)

    return handle


def stop(frame: Frame) -> None:
    """STOP."""
    frame.halt = Halt.STOP


def return_(frame: Frame) -> None:
    """RETURN."""
    _give(frame, Halt.RETURN)


def revert(frame: Frame) -> None:
    """REVERT (EIP-140)."""
    _give(frame, Halt.REVERT)


def _give(frame: Frame, halt: Halt) -> None:
    offset, length = frame.pop(), frame.pop()
    frame.expand((offset, length))
    frame.output = frame.read(offset, length)
    frame.halt = halt


def selfdestruct(frame: Frame) -> None:
    """SELFDESTRUCT: wei go at once, the contract at the end of the transaction if at all."""
    frame.require_writes()
    heir = frame.pop_address()
    world, journal, own = frame.world, frame.world.journal, frame.scope.address
    if journal.warm(heir):
        frame.charge(world.gas.selfdestruct_cold)
    balance = journal.balance(own)
    if world.fork.deletes_empty_accounts:
        makes_account = balance > 0 and journal.is_empty(heir)
    else:
        makes_account = not journal.exists(heir)
    if makes_account:
        frame.charge(world.gas.selfdestruct_new_account)
    is_deleted = journal.is_created(own) or not world.fork.selfdestruct_only_new
    if heir != own:
        journal.add_balance(heir, balance)
    if heir != own or is_deleted:
        # A contract that is deleted and its own heir burns what it had.
        journal.set_balance(own, 0)
    if is_deleted and journal.mark_destroyed(own):
        journal.add_refund(world.gas.selfdestruct_refund)
    frame.halt = Halt.SELFDESTRUCT


HANDLERS: dict[int, Handler] = {
    **{BY_NAME[f"LOG{count}"].byte: _log(count) for count in range(5)},
    BY_NAME["SLOAD"].byte: sload,
    BY_NAME["SSTORE"].byte: sstore,
    BY_NAME["TLOAD"].byte: tload,
    BY_NAME["TSTORE"].byte: tstore,
    BY_NAME["STOP"].byte: stop,
    BY_NAME["RETURN"].byte: return_,
    BY_NAME["REVERT"].byte: revert,
    BY_NAME["SELFDESTRUCT"].byte: selfdestruct,
}
"""The opcodes of this file by byte."""
