"""How frames end, in native code: undoing, depositing code, and going back to the caller."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native import accounts, contracts, convention
from numen.evm.native.frames import go_back
from numen.evm.native.layout import ACCOUNT, FRAME, WORLD
from numen.evm.native.table import begin, give_up
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

RETURN_TO_CALLER: Final = Callee("return_to_caller", "ptr", ("ptr", "ptr", "i64", "i64"))
"""``(frame, output, length, result)``: gives the caller's frame its gas, its return data, what of
it goes to its memory, and a word on its stack: the result, 0 or 1, or the new contract's address.
The caller's frame; null: the run is given up."""

_END_FRAME = Callee("end_frame", "ptr", ("ptr",))
_DEPOSIT = Callee("deposit", "void", ("ptr",))

_FORBIDDEN_FIRST_BYTE = 0xEF
_WORD_BYTES = 32


def write_ends(module: Module, fork: Fork) -> None:
    """Define the functions of this file, and ``finish`` of `convention`."""
    _write_return(module)
    _write_deposit(module, fork)
    _write_end_frame(module)
    f, r = convention.open_function(module, "finish")
    FRAME.store(f, r.frame, "gas", r.gas)
    caller = f.call(_END_FRAME, r.frame)
    with f.when(f.icmp("eq", caller, NULL), likely=False):
        f.ret()
    convention.enter(f, "resume", caller, r.table)


def caller_of(f: Function, frame: Value) -> Value:
    """Emit finding the frame below one that is not the first."""
    return f.gep("i8", frame, -FRAME.size_bytes)


def push(f: Function, frame: Value, word: Value) -> None:
    """Emit pushing a word on the stack of a frame that sleeps."""
    top = FRAME.load(f, frame, "sp")
    f.store(word, top, 16)
    FRAME.store(f, frame, "sp", f.gep("i8", top, _WORD_BYTES))


def _write_end_frame(module: Module) -> None:
    """``ptr end_frame(frame)``: the frame to go on with, or null at the end of the run."""
    f = begin(module, _END_FRAME, "frame", attributes="nounwind noinline")
    frame = f.params[0]
    world = FRAME.load(f, frame, "world")
    is_create = f.icmp("ne", FRAME.load(f, frame, "is_create"), 0)
    with f.when(f.and_(is_create, _is_success(f, frame)), likely=False):
        f.call(_DEPOSIT, frame)
    gives_up = f.or_(
        f.icmp("ne", WORLD.load(f, world, "error"), 0),
        f.icmp("eq", FRAME.load(f, frame, "halt"), Halt.RESOURCE_LIMIT),
    )
    with f.when(gives_up, likely=False):
        WORLD.store(f, world, "halt", const("i64", Halt.RESOURCE_LIMIT))
        f.ret(NULL)
    is_success = _is_success(f, frame)
    with f.when(f.not_(is_success), likely=False):
        go_back(f, frame, world)
    output, length = (FRAME.load(f, frame, name) for name in ("output", "output_length"))
    with f.when(f.icmp("eq", FRAME.load(f, frame, "depth"), 0), likely=False):
        WORLD.store(f, world, "halt", FRAME.load(f, frame, "halt"))
        WORLD.store(f, world, "gas_left", FRAME.load(f, frame, "gas"))
        WORLD.store(f, world, "output", output)
        WORLD.store(f, world, "output_length", length)
        f.ret(NULL)
    # A creation that succeeds gives its output to the new account and not to its caller.
    given = f.select(f.and_(is_create, is_success), const("i64", 0), length)
    f.ret(f.call(RETURN_TO_CALLER, frame, output, given, f.zext(is_success, "i64")))


def _is_success(f: Function, frame: Value) -> Value:
    halt = FRAME.load(f, frame, "halt")
    found = const("i1", 0)
    for each in Halt:
        if each.is_success:
            found = f.or_(found, f.icmp("eq", halt, each))
    return found


def _write_return(module: Module) -> None:
    f = begin(module, RETURN_TO_CALLER, "frame", "output", "length", "result")
    frame, output, length, result = f.params
    world, caller = FRAME.load(f, frame, "world"), caller_of(f, frame)
    with f.when(f.icmp("ugt", length, WORLD.load(f, world, "return_capacity")), likely=False):
        give_up(f, world)
        f.ret(NULL)
    data = WORLD.load(f, world, "return_data")
    f.copy(data, output, length, may_overlap=True)
    WORLD.store(f, world, "return_length", length)
    gas = f.add(FRAME.load(f, caller, "gas"), FRAME.load(f, frame, "gas"))
    FRAME.store(f, caller, "gas", gas)
    WORLD.store(f, world, "frame", caller)
    with f.when(f.icmp("ne", FRAME.load(f, frame, "is_create"), 0), likely=False):
        address = ACCOUNT.load(f, FRAME.load(f, frame, "created"), "address")
        push(f, caller, f.select(f.icmp("ne", result, 0), address, 0))
        f.ret(caller)
    place = f.gep("i8", FRAME.load(f, caller, "memory"), FRAME.load(f, frame, "result_offset"))
    wanted = FRAME.load(f, frame, "result_length")
    f.copy(place, data, f.select(f.icmp("ult", wanted, length), wanted, length))
    push(f, caller, f.zext(result, "i256"))
    f.ret(caller)


def _write_deposit(module: Module, fork: Fork) -> None:
    """``void deposit(frame)``: make the output the code of the new account, or fail."""
    f = begin(module, _DEPOSIT, "frame", attributes="nounwind noinline")
    frame = f.params[0]
    world, account = FRAME.load(f, frame, "world"), FRAME.load(f, frame, "created")
    output, length = (FRAME.load(f, frame, name) for name in ("output", "output_length"))
    with f.when(f.icmp("eq", length, 0)):
        f.ret()
    if fork.refuses_ef_code:
        with f.when(f.icmp("eq", f.load("i8", output), _FORBIDDEN_FIRST_BYTE)):
            _fail(f, frame, Halt.CODE_PREFIX)
    gas = FRAME.load(f, frame, "gas")
    left = f.sub(gas, f.mul(length, fork.gas.code_deposit))
    with f.when(f.icmp("slt", left, 0)):
        if fork.fails_undeposited:
            _fail(f, frame, Halt.OUT_OF_GAS)
        else:
            FRAME.store(f, frame, "output_length", const("i64", 0))
            f.ret()
    if fork.code_size_max:
        with f.when(f.icmp("ugt", length, fork.code_size_max)):
            _fail(f, frame, Halt.CODE_SIZE)
    code = contracts.code_of(f, world, output, length)
    with f.when(f.icmp("eq", code, NULL), likely=False):
        _fail(f, frame, Halt.RESOURCE_LIMIT)
    FRAME.store(f, frame, "gas", left)
    accounts.set_code(f, world, account, code)
    f.ret()


def _fail(f: Function, frame: Value, halt: Halt) -> None:
    FRAME.store(f, frame, "halt", const("i64", halt))
    FRAME.store(f, frame, "gas", const("i64", 0))
    FRAME.store(f, frame, "output_length", const("i64", 0))
    f.ret()
