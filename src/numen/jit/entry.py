"""The way into native code: one exported function that takes the memory of a run.

It reads the leaves of the inputs, calls the program's entry, and writes back the work units left,
the trap code and the leaves of the result, all where `layout` says.
"""

from numen.ir.types import Kind
from numen.jit import felts
from numen.jit.layout import CODE_OFFSET, HOST_OFFSET, LEFT_OFFSET, Layout, Slot
from numen.jit.storage import read_element, write_element
from numen.jit.words import register_type
from numen.kernels.llvm import Callee, Function, Module, Value, const

ENTRY = "run"
"""Name of the exported function: ``void run(void *memory)``."""


def write(module: Module, callee: Callee, layout: Layout, *, has_host: bool) -> None:
    """Write the entry of a module around the program's own."""
    f = module.function(ENTRY, "void", {"memory": "ptr noalias"})
    (memory,) = f.params
    arrays = [slot for slot in layout.results if slot.leaf.count is not None]
    args = [_argument(f, memory, slot) for slot in layout.inputs]
    outs = [f.gep("i8", memory, slot.offset) for slot in arrays]
    left_place = f.gep("i8", memory, LEFT_OFFSET)
    frame = f.gep("i8", memory, layout.frame_offset)
    hosts = [f.load("ptr", f.gep("i8", memory, HOST_OFFSET))] if has_host else []
    returned = f.call(callee, f.load("i64", left_place), frame, *hosts, *args, *outs)
    f.store(f.extract(returned, 0, "i64"), left_place)
    f.store(f.extract(returned, 1, "i32"), f.gep("i8", memory, CODE_OFFSET))
    index = 2
    for slot in layout.results:
        word = slot.leaf.word
        if slot.leaf.count is None:
            value = f.extract(returned, index, register_type(word))
            index += 1
            if word.kind is Kind.FIELD:
                value = felts.leave(f, value)
            write_element(f, f.gep("i8", memory, slot.offset), word, value)
    for slot in arrays:
        if slot.leaf.word.kind is Kind.FIELD:
            _convert(f, memory, slot, is_inward=False)
    f.ret()


def _argument(f: Function, memory: Value, slot: Slot) -> Value:
    place = f.gep("i8", memory, slot.offset)
    is_field = slot.leaf.word.kind is Kind.FIELD
    if slot.leaf.count is not None:
        if is_field:
            _convert(f, memory, slot, is_inward=True)
        return place
    value = read_element(f, place, slot.leaf.word)
    return felts.enter(f, value) if is_field else value


def _convert(f: Function, memory: Value, slot: Slot, *, is_inward: bool) -> None:
    """Turn an array of field elements into their forms, or back."""
    assert slot.leaf.count is not None
    array = f.gep("i8", memory, slot.offset)
    with f.loop(const("i64", 0), slot.leaf.count) as loop:
        place = f.gep("i256", array, loop.index)
        value = read_element(f, place, slot.leaf.word)
        turned = felts.enter(f, value) if is_inward else felts.leave(f, value)
        write_element(f, place, slot.leaf.word, turned)
