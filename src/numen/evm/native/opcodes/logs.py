"""LOG0 to LOG4."""

from typing import Final

from numen.evm.halt import Halt
from numen.evm.native.body import Body, Emitter
from numen.evm.native.layout import LOG_ENTRY
from numen.evm.opcodes import BY_NAME
from numen.kernels.llvm import NULL, const

TOPICS_MAX = 4


def _log(topic_count: int) -> Emitter:
    def emit(body: Body) -> None:
        f = body.f
        offset, length = body.pop(), body.pop()
        topics = [body.pop() for _ in range(topic_count)]
        if body.fork.has("STATICCALL"):
            body.fail_if(f.icmp("ne", body.field("is_static"), 0), Halt.STATIC_WRITE)
        data, size = body.memory(offset, length)
        body.charge(f.mul(size, body.fork.gas.log_data))
        entry = body.call("new_log", body.frame, data, size)
        body.fail_if(f.icmp("eq", entry, NULL), Halt.RESOURCE_LIMIT)
        LOG_ENTRY.store(f, entry, "topic_count", const("i64", topic_count))
        place = LOG_ENTRY.at(f, entry, "topics")
        for index, topic in enumerate(topics):
            f.store(topic, f.gep("i256", place, index), 16)

    return emit


EMIT: Final[dict[int, Emitter]] = {BY_NAME[f"LOG{n}"].byte: _log(n) for n in range(TOPICS_MAX + 1)}
"""By byte."""
