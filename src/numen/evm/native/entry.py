"""The way in, for Python: one message, or many in one go."""

from typing import Final

from numen.evm.forks import Fork
from numen.evm.halt import Halt
from numen.evm.native.addresses import BY_NONCE
from numen.evm.native.frames import PREPARE_CALL, PREPARE_CREATE, mark
from numen.evm.native.layout import ACCOUNT, FRAME, MESSAGE, OUTCOME, WORLD
from numen.evm.native.outcome import Outcome
from numen.evm.native.runtime_types import routine
from numen.evm.native.starts import CLAIM, is_taken
from numen.evm.native.table import give_up
from numen.kernels.llvm import NULL, Callee, Function, Module, Value, const

_RUN: Final = Callee("run", "void", ("ptr", "ptr"))
_ENTER: Final = Callee("enter", "void", ("ptr",))
_HALT_OF: Final = {
    Outcome.DONE: Halt.STOP,
    Outcome.ANSWERED: Halt.RETURN,
    Outcome.FAILED: Halt.PRECOMPILE_FAILURE,
}
_RESULTS = ("halt", "gas_left", "output", "output_length", "created")


def write_entry(module: Module, _fork: Fork) -> None:
    """Define ``run`` and ``run_batch``."""
    _write_run(module)
    _write_run_batch(module)


def _write_run(module: Module) -> None:
    """``void run(world, message)``: run it; the result is in the World."""
    f = module.function(_RUN.name, "void", {"world": "ptr", "message": "ptr"})
    world, message = f.params
    frame = WORLD.load(f, world, "frames")
    _load_message(f, world, message, frame)
    caller = f.call(routine(module, "account_at"), world, FRAME.load(f, frame, "caller"))
    with f.when(f.icmp("eq", caller, NULL), likely=False):
        _end(f, world, Halt.RESOURCE_LIMIT)
    is_poor = f.icmp("ult", ACCOUNT.load(f, caller, "balance"), FRAME.load(f, frame, "value"))
    with f.when(is_poor, likely=False):
        _end(f, world, Halt.BALANCE)
    creation, call, begun = map(f.block, ("creation", "call", "begun"))
    f.cond_br(f.icmp("ne", MESSAGE.load(f, message, "is_create"), 0), creation, call)
    f.at(creation)
    created = _begin_creation(f, world, frame, caller)
    from_creation = f.current
    f.br(begun)
    f.at(call)
    called = _begin_call(f, world, message, frame, caller)
    from_call = f.current
    f.br(begun)
    f.at(begun)
    outcome = f.phi("i64", (created, from_creation), (called, from_call))
    _go(f, world, frame, outcome)
    is_create = f.icmp("ne", MESSAGE.load(f, message, "is_create"), 0)
    succeeded = f.icmp("ult", WORLD.load(f, world, "halt"), Halt.REVERT)
    with f.when(f.and_(is_create, succeeded)):
        account = FRAME.load(f, frame, "created")
        WORLD.store(f, world, "created", ACCOUNT.load(f, account, "address"))
    f.ret()


def _load_message(f: Function, world: Value, message: Value, frame: Value) -> None:
    # Python goes back to here, where the run is given up.
    mark(f, frame, world)
    WORLD.store(f, world, "created", const("i256", 0))
    WORLD.store(f, world, "return_length", const("i64", 0))
    WORLD.store(f, world, "frame", frame)
    FRAME.store(f, frame, "memory", WORLD.load(f, world, "memory"))
    FRAME.store(f, frame, "caller", _address(f, message, "caller"))
    pairs = ("calldata", "data"), ("calldata_length", "length"), ("value", "value")
    for field, source in (*pairs, ("gas", "gas"), ("is_static", "is_static")):
        FRAME.store(f, frame, field, MESSAGE.load(f, message, source))


def _address(f: Function, message: Value, field: str) -> Value:
    raw = f.load("i160", MESSAGE.at(f, message, field), 1)
    return f.zext(f.byte_swap(raw), "i256")


def _begin_call(f: Function, world: Value, message: Value, frame: Value, caller: Value) -> Value:
    callee = f.call(routine(f.module, "account_at"), world, _address(f, message, "to"))
    with f.when(f.icmp("eq", callee, NULL), likely=False):
        _end(f, world, Halt.RESOURCE_LIMIT)
    return f.call(PREPARE_CALL, frame, callee, callee, caller)


def _begin_creation(f: Function, world: Value, frame: Value, caller: Value) -> Value:
    # The transaction has counted the nonce up, and the address follows from the one it had.
    nonce = f.sub(ACCOUNT.load(f, caller, "nonce"), 1)
    address = f.call(BY_NONCE, ACCOUNT.load(f, caller, "address"), nonce)
    account = f.call(CLAIM, world, address)
    with f.when(f.icmp("eq", account, NULL), likely=False):
        _end(f, world, Halt.RESOURCE_LIMIT)
    with f.when(is_taken(f, account), likely=False):
        _end(f, world, Halt.COLLISION)
    return f.call(PREPARE_CREATE, frame, account, caller)


def _go(f: Function, world: Value, frame: Value, outcome: Value) -> None:
    """Emit running the frame, or, where there is nothing to run, ending it."""
    run, ended, after = map(f.block, ("run", "ended", "after"))
    f.cond_br(f.icmp("eq", outcome, Outcome.READY), run, ended, likely=True)
    f.at(run)
    f.call(f.module.declare(_ENTER.name, _ENTER.result, _ENTER.params), world)
    f.br(after)
    f.at(ended)
    halt = const("i64", Halt.RESOURCE_LIMIT)
    for result, each in _HALT_OF.items():
        halt = f.select(f.icmp("eq", outcome, result), const("i64", each), halt)
    WORLD.store(f, world, "halt", halt)
    WORLD.store(f, world, "gas_left", FRAME.load(f, frame, "gas"))
    WORLD.store(f, world, "output", WORLD.load(f, world, "return_data"))
    WORLD.store(f, world, "output_length", WORLD.load(f, world, "return_length"))
    f.br(after)
    f.at(after)


def _end(f: Function, world: Value, halt: Halt) -> None:
    """Emit a result without a run: no gas left, no output."""
    WORLD.store(f, world, "halt", const("i64", halt))
    WORLD.store(f, world, "gas_left", const("i64", 0))
    WORLD.store(f, world, "output_length", const("i64", 0))
    f.ret()


def _write_run_batch(module: Module) -> None:
    """Define ``i64 run_batch(world, messages, count, outcomes, room, room length)``.

    Runs messages one after the other, and gives how many. It stops early after one that gave up,
    whose outcome says so, and before one whose output does not fit into the room.
    """
    params = {"world": "ptr", "messages": "ptr", "count": "i64", "outcomes": "ptr"}
    f = module.function("run_batch", "i64", {**params, "room": "ptr", "room_length": "i64"})
    world, messages, count, outcomes, room, room_length = f.params
    zero = const("i64", 0)
    with f.loop(0, count, carried=[zero]) as loop:
        used = loop.carried[0]
        f.call(_RUN, world, f.gep("i8", messages, f.mul(loop.index, MESSAGE.size_bytes)))
        outcome = f.gep("i8", outcomes, f.mul(loop.index, OUTCOME.size_bytes))
        for name in _RESULTS:
            OUTCOME.store(f, outcome, name, WORLD.load(f, world, name))
        done = f.add(loop.index, 1)
        with f.when(f.icmp("eq", WORLD.load(f, world, "halt"), Halt.RESOURCE_LIMIT)):
            f.ret(done)
        length = WORLD.load(f, world, "output_length")
        after = f.add(used, length)
        with f.when(f.icmp("ugt", after, room_length), likely=False):
            OUTCOME.store(f, outcome, "halt", const("i64", Halt.RESOURCE_LIMIT))
            give_up(f, world)
            f.ret(done)
        place = f.gep("i8", room, used)
        f.copy(place, WORLD.load(f, world, "output"), length)
        OUTCOME.store(f, outcome, "output", place)
        loop.advance(after)
    f.ret(count)
