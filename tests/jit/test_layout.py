"""The memory of a run."""

from hypothesis import given

from numen.ir import parse
from numen.jit.layout import LEAVES_OFFSET, LINE_BYTES, lay_out
from tests.strategies import ir as strategies

CHAIN = """
program main(a: list[u8, 100]) -> tuple[u64, list[felt, 2]]

func leaf -> ()
start(x: [100 x u8]):
    m = memory.memory[1]
    return

func middle -> ()
start(x: [100 x u8]):
    b = array.[3 x u64]
    call leaf(x)
    c = array.[100 x u8]
    call leaf(c)
    return

func main -> (u64)
start(a: [100 x u8], out: [2 x felt]):
    z = const.u64 0
    call middle(a)
    call leaf(a)
    return z
"""


def test_frames_of_callees_lie_behind_those_of_callers():
    layout = lay_out(parse.parse_module(CHAIN.strip()))

    assert [slot.offset for slot in layout.inputs] == [64]
    assert [slot.offset for slot in layout.results] == [192, 256]
    assert layout.frame_offset == 320
    assert layout.frames["middle"].offsets == {"b": 0, "c": 64}
    assert layout.frames["middle"].own_bytes == 192
    assert layout.frames["middle"].total_bytes == 192 + 64
    assert layout.total_bytes == 320 + 192 + 64


@given(module=strategies.modules())
def test_nothing_overlaps(module):
    layout = lay_out(module)
    places = [(slot.offset, slot.size_bytes) for slot in (*layout.inputs, *layout.results)]
    end = LEAVES_OFFSET
    for offset, size in places:
        assert offset >= end
        assert offset % LINE_BYTES == 0
        end = offset + size
    assert layout.frame_offset >= end
    for frame in layout.frames.values():
        end = 0
        for offset in frame.offsets.values():
            assert offset >= end
            end = offset + 1
        assert frame.own_bytes >= end
