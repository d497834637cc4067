"""The helper process: compiles what it is told until its input ends.

Started by `numen.kernels.helper` as ``python -m numen.kernels.worker BYTES``. LLVM may abort,
loop or eat memory on a hostile module; here that costs a process that can be replaced. The
limits are the process's own: address space once, processor time anew for each job.
"""

import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from numen.kernels import codegen, frames
from numen.kernels.errors import CompileError


def _limit_processor_time(milliseconds: int) -> None:
    """Let SIGPROF end this process after so much more processor time; 0 for no limit."""
    signal.setitimer(signal.ITIMER_PROF, milliseconds / 1000)


def _answer(job: frames.Job) -> frames.Done | frames.Refused | frames.Exhausted:
    try:
        return frames.Done(codegen.generate(job.text, job.options))
    except CompileError as error:
        return frames.Refused(error.reason)
    except MemoryError:
        return frames.Exhausted()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer frame by frame until the source ends."""
    decoder = msgspec.msgpack.Decoder(frames.Job)
    while (body := frames.read_body(source)) is not None:
        job = decoder.decode(body)
        _limit_processor_time(job.options.limit_ms)
        answer = _answer(job)
        _limit_processor_time(0)
        sink.write(frames.pack(answer))
        sink.flush()


def main() -> None:
    """Set the limits that hold for the life of the process, and serve."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    codegen.initialise()
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
