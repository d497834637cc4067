"""Logs in native code: an array of entries, and one of the bytes they carry."""

from numen.evm.native.layout import FRAME, LOG_ENTRY, WORLD
from numen.evm.native.runtime_types import define
from numen.evm.native.table import give_up
from numen.kernels.llvm import NULL, Module


def write_logs(module: Module) -> None:
    """Define ``new_log``: its caller writes the topics."""
    f = define(module, "new_log", "frame", "data", "length")
    frame, data, length = f.params
    world = FRAME.load(f, frame, "world")
    count, used = (WORLD.load(f, world, name) for name in ("log_count", "log_data_count"))
    after = f.add(used, length)
    is_full = f.or_(
        f.icmp("uge", count, WORLD.load(f, world, "log_limit")),
        f.icmp("ugt", after, WORLD.load(f, world, "log_data_limit")),
    )
    with f.when(is_full, likely=False):
        give_up(f, world)
        f.ret(NULL)
    entry = f.gep("i8", WORLD.load(f, world, "logs"), f.mul(count, LOG_ENTRY.size_bytes))
    LOG_ENTRY.store(f, entry, "address", FRAME.load(f, frame, "address"))
    LOG_ENTRY.store(f, entry, "data", used)
    LOG_ENTRY.store(f, entry, "data_length", length)
    f.copy(f.gep("i8", WORLD.load(f, world, "log_data"), used), data, length)
    WORLD.store(f, world, "log_count", f.add(count, 1))
    WORLD.store(f, world, "log_data_count", after)
    f.ret(entry)
