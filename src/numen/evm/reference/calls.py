"""Opcodes that run other code: the four calls and the two creations.

A handler here pays, and gives the frame of the callee. The machine runs that frame, settles it with
`close`, and hands what it came to back to the caller with `resume`; nothing recurses.
"""

from typing import Final

import msgspec

from numen.base.crypto import keccak256
from numen.evm import precompiles, rlp
from numen.evm.errors import HaltError
from numen.evm.forks import CALL_DEPTH_MAX, NONCE_MAX
from numen.evm.gas import all_but_one_64th, words
from numen.evm.halt import Halt
from numen.evm.opcodes import BY_NAME
from numen.evm.reference.frame import Frame, Handler, Scope, World

DELEGATION: Final = bytes.fromhex("ef0100")
"""What the code of an account begins with that only points at another's code (EIP-7702)."""

_DELEGATION_BYTES: Final = len(DELEGATION) + 20


class Kind(msgspec.Struct, frozen=True):
    """How a call differs from the other three.

    Attributes:
        has_value: The operands name wei.
        moves_value: They go to the account that is called.
        runs_there: The code runs on the called account's storage, not on the caller's.
        keeps_caller: The code sees the caller's caller and value, as if it were the caller.
        is_static: It may not change anything.
    """

    has_value: bool = False
    moves_value: bool = False
    runs_there: bool = False
    keeps_caller: bool = False
    is_static: bool = False


_KINDS: Final = {
    "CALL": Kind(has_value=True, moves_value=True, runs_there=True),
    "CALLCODE": Kind(has_value=True),
    "DELEGATECALL": Kind(keeps_caller=True),
    "STATICCALL": Kind(runs_there=True, is_static=True),
}


def _call(kind: Kind) -> Handler:
    """The handler of a call."""

    def handle(frame: Frame) -> Frame | None:
        asked, called = frame.pop(), frame.pop_address()
        value = frame.pop() if kind.has_value else 0
        data_at, output_at = (frame.pop(), frame.pop()), (frame.pop(), frame.pop())
        if kind.moves_value and value:
            frame.require_writes()
        frame.expand(data_at, output_at)
        frame.charge_access(called)
        delegate = delegate_of(frame.world, called)
        if delegate is not None:
            frame.charge(frame.world.gas.delegate)
            frame.charge_access(delegate)
        gas = _pay_callee(frame, asked, value, called if kind.moves_value else None)
        frame.return_data = b""
        balance = frame.world.journal.balance(frame.scope.address)
        if frame.scope.depth == CALL_DEPTH_MAX or balance < value:
            frame.gas += gas
            frame.push(0)
            return None
        scope = Scope(
            address=called if kind.runs_there else frame.scope.address,
            caller=frame.scope.caller if kind.keeps_caller else frame.scope.address,
            value=frame.scope.value if kind.keeps_caller else value,
            data=frame.read(*data_at),
            code=frame.world.journal.code(delegate or called),
            gas=gas,
            depth=frame.scope.depth + 1,
            is_static=frame.scope.is_static or kind.is_static,
            moves_value=kind.runs_there,
            precompile=0 if delegate else _precompile(frame.world, called),
            output_at=output_at,
        )
        return open_frame(frame.world, scope)

    return handle


def _pay_callee(frame: Frame, asked: int, value: int, receiver: bytes | None) -> int:
    """Pay for the value and for a call's gas; gives the gas that the callee has.

    Args:
        frame: The caller.
        asked: Gas that the operands ask for.
        value: Wei that the operands name.
        receiver: The account that they go to; None where they stay.
    """
    world, prices = frame.world, frame.world.gas
    if receiver is not None:
        if world.fork.deletes_empty_accounts:
            makes_account = value > 0 and world.journal.is_empty(receiver)
        else:
            makes_account = not world.journal.exists(receiver)
        if makes_account:
            frame.charge(prices.new_account)
    if value:
        frame.charge(prices.call_value)
    given = min(asked, all_but_one_64th(frame.gas)) if world.fork.keeps_one_64th else asked
    frame.charge(given)
    return given + (prices.call_stipend if value else 0)


def delegate_of(world: World, address: bytes) -> bytes | None:
    """The account whose code runs instead of an account's own, if it points at one (EIP-7702)."""
    code = world.journal.code(address)
    is_delegation = len(code) == _DELEGATION_BYTES and code.startswith(DELEGATION)
    return code[len(DELEGATION) :] if is_delegation and world.fork.has_delegations else None


def _precompile(world: World, address: bytes) -> int:
    number = int.from_bytes(address, "big")
    return number if number in world.fork.precompiles else 0


def call_scope(world: World, scope: Scope) -> Scope:
    """A scope whose code, or precompile, is the one that its address has; for the first call."""
    delegate = delegate_of(world, scope.address)
    return msgspec.structs.replace(
        scope,
        code=world.journal.code(delegate or scope.address),
        precompile=0 if delegate else _precompile(world, scope.address),
    )


def create(frame: Frame) -> Frame | None:
    """CREATE."""
    frame.require_writes()
    value, offset, length = frame.pop(), frame.pop(), frame.pop()
    initcode = _initcode(frame, offset, length, 0)
    own = frame.scope.address
    address = address_by_nonce(own, frame.world.journal.nonce(own))
    return _create(frame, value, initcode, address)


def create2(frame: Frame) -> Frame | None:
    """CREATE2 (EIP-1014)."""
    frame.require_writes()
    value, offset, length, salt = frame.pop(), frame.pop(), frame.pop(), frame.pop()
    initcode = _initcode(frame, offset, length, frame.world.gas.create2_word)
    salted = frame.scope.address + salt.to_bytes(32, "big")
    address = keccak256(b"\xff", salted, keccak256(initcode))[12:]
    return _create(frame, value, initcode, address)


def address_by_nonce(creator: bytes, nonce: int) -> bytes:
    """Where a contract comes to be (yellow paper, section 7).

    Args:
        creator: 20 bytes.
        nonce: The creator's before it makes the contract.
    """
    return keccak256(rlp.encode([creator, nonce]))[12:]


def _initcode(frame: Frame, offset: int, length: int, hash_word: int) -> bytes:
    """Pay for the code that makes a contract, and read it."""
    if 0 < frame.world.fork.initcode_size_max < length:
        raise HaltError(Halt.INITCODE_SIZE)
    frame.charge((frame.world.gas.create_word + hash_word) * words(length))
    frame.expand((offset, length))
    return frame.read(offset, length)


def _create(frame: Frame, value: int, initcode: bytes, address: bytes) -> Frame | None:
    world, journal, own = frame.world, frame.world.journal, frame.scope.address
    gas = all_but_one_64th(frame.gas) if world.fork.keeps_one_64th else frame.gas
    # Traces count a call's gas as the price of CALL, but not a creation's as that of CREATE.
    frame.gas -= gas
    frame.return_data = b""
    nonce = journal.nonce(own)
    is_deep = frame.scope.depth == CALL_DEPTH_MAX
    if journal.balance(own) < value or nonce == NONCE_MAX or is_deep:
        frame.gas += gas
        frame.push(0)
        return None
    journal.warm(address)
    journal.set_nonce(own, nonce + 1)
    if journal.has_collision(address):
        frame.push(0)
        return None
    scope = Scope(
        address=address,
        caller=own,
        value=value,
        data=b"",
        code=initcode,
        gas=gas,
        depth=frame.scope.depth + 1,
        is_create=True,
    )
    return open_frame(world, scope)


def open_frame(world: World, scope: Scope) -> Frame:
    """Start a frame: its account comes to be, the value moves, and a precompile runs at once."""
    frame = Frame(world, scope)
    journal = world.journal
    if scope.is_create:
        journal.mark_created(scope.address)
        journal.set_nonce(scope.address, world.fork.first_nonce)
    if scope.moves_value:
        if scope.value:
            journal.set_balance(scope.caller, journal.balance(scope.caller) - scope.value)
        journal.add_balance(scope.address, scope.value)
    if scope.precompile:
        done = precompiles.run(scope.precompile, scope.data, scope.gas, world.fork)
        frame.halt = Halt.PRECOMPILE_FAILURE if done is None else Halt.RETURN
        frame.gas, frame.output = done or (0, b"")
    elif not scope.code:
        frame.halt = Halt.STOP
    return frame


def close(frame: Frame) -> None:
    """Settle a frame that has halted: lay down a new contract's code, or undo a failure."""
    assert frame.halt is not None
    frame.world.memory_bytes -= len(frame.memory)
    if frame.scope.is_create and frame.halt.is_success:
        frame.halt = _deposit(frame)
    if not frame.halt.is_success:
        frame.world.journal.revert(frame.checkpoint)
    if frame.halt.is_failure:
        frame.gas, frame.output = 0, b""


def _deposit(frame: Frame) -> Halt:
    """Pay for a new contract's code and lay it down."""
    fork, code = frame.world.fork, frame.output
    if fork.refuses_ef_code and code.startswith(b"\xef"):
        return Halt.CODE_PREFIX
    if 0 < fork.code_size_max < len(code):
        return Halt.CODE_SIZE
    price = fork.gas.code_deposit * len(code)
    if price > frame.gas:
        frame.output = b""
        return Halt.OUT_OF_GAS if fork.fails_undeposited else Halt.RETURN
    frame.gas -= price
    if code:
        frame.world.journal.set_code(frame.scope.address, code)
    return Halt.RETURN


def resume(frame: Frame, callee: Frame) -> None:
    """Hand back to a frame what the call it made came to."""
    assert callee.halt is not None
    scope, is_success = callee.scope, callee.halt.is_success
    frame.gas += callee.gas
    if scope.is_create:
        frame.push(int.from_bytes(scope.address, "big") if is_success else 0)
        frame.return_data = b"" if is_success else callee.output
    else:
        frame.push(int(is_success))
        frame.return_data = callee.output
        offset, length = scope.output_at
        frame.write(offset, callee.output[:length])


HANDLERS: dict[int, Handler] = {
    **{BY_NAME[name].byte: _call(kind) for name, kind in _KINDS.items()},
    BY_NAME["CREATE"].byte: create,
    BY_NAME["CREATE2"].byte: create2,
}
"""The opcodes of this file by byte."""
