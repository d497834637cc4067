"""Escapes, tried by code that runs inside: by the process that waits, and by that of one job."""

import os
import platform
import signal
import socket
import textwrap
from pathlib import Path

import pytest

from numen.sandbox.syscalls import MACHINES, NUMBERS, PROBING, RUNNING, STARTING
from tests.sandbox.inside import needs_jail, running, waiting

pytestmark = needs_jail

LIBRARY = Path(os.__file__).resolve()

only_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="calls by their number")

CALLS = {
    "ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298,
    "userfaultfd": 323, "io_uring_setup": 425, "keyctl": 250, "memfd_create": 319, "chroot": 161,
    "process_vm_readv": 310, "pidfd_open": 434, "init_module": 175, "kexec_load": 246,
    "swapon": 167, "reboot": 169, "socket": 41, "socketpair": 53, "connect": 42, "sendto": 44,
    "bind": 49,
    "setuid": 105, "pivot_root": 155, "name_to_handle_at": 303, "open_by_handle_at": 304,
    "fsopen": 430, "move_mount": 429, "kill": 62, "tkill": 200, "vfork": 58, "fork": 57,
    "execveat": 322, "symlink": 88, "mkdir": 83, "unlink": 87, "rename": 82, "chmod": 90,
    "truncate": 76, "creat": 85, "mknod": 133, "openat2": 437, "setrlimit": 160,
}  # fmt: skip
"""Calls of x86_64 that nothing inside needs, with their numbers."""


def denied(body: str) -> str:
    """Python that says which error an attempt meets."""
    lines = textwrap.indent(body, "    ")
    caught = "except (OSError, ValueError) as error:\n    print(type(error).__name__)"
    return f"try:\n{lines}\n{caught}\nelse:\n    print('DONE')\n"


# Before a job: what waits in the jail. ---------------------------------------------------------


def test_the_jail_has_no_network(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        body = f"socket.create_connection(('127.0.0.1', {port}), 2)"
        assert waiting(denied(body)).said.strip() == "PermissionError"


def test_the_jail_does_not_see_a_persons_files(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    for path in (secret, Path.home() / ".bashrc", "/etc/passwd", "/etc/shadow", __file__):
        assert waiting(denied(f"print(open({str(path)!r}).read())")).said == "FileNotFoundError\n"


def test_the_jail_sees_nothing_of_the_system():
    body = "print(sorted(set(os.listdir('/')) & {'proc', 'sys', 'dev', 'var', 'run', 'boot'}))\n"
    assert waiting(body).said.strip() == "[]"
    assert waiting("print(os.getpid() < 10, os.getppid() < 10)").said.strip() == "True True"


@pytest.mark.parametrize("path", ["/x", "/usr/lib/x", str(LIBRARY.parent / "x.py")])
def test_nothing_can_be_written(path):
    for body in (f"open({path!r}, 'w')", f"os.mkdir({path!r})", f"os.symlink('/', {path!r})"):
        assert waiting(denied(body)).said.strip() in {"PermissionError", "OSError"}
    assert not Path(path).exists()


def test_what_is_there_cannot_be_changed_or_removed():
    victim = str(LIBRARY)
    before = LIBRARY.stat()
    for body in (
        f"open({victim!r}, 'r+')",
        f"open({victim!r}, 'a')",
        f"os.unlink({victim!r})",
        f"os.truncate({victim!r}, 0)",
        f"os.chmod({victim!r}, 0o777)",
    ):
        assert waiting(denied(body)).said.strip() in {"PermissionError", "OSError"}
    assert LIBRARY.stat().st_mtime_ns == before.st_mtime_ns


def test_the_environment_is_not_handed_in(monkeypatch):
    monkeypatch.setenv("NUMEN_PASSWORD", "correct horse battery")
    assert "correct horse" not in waiting("print(dict(os.environ))").said


def test_descriptors_are_not_handed_in():
    kept = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        body = "for number in range(3, 200):\n" + textwrap.indent(
            denied("os.fstat(number)"), "    "
        )
        assert set(waiting(body).said.split()) == {"OSError"}
    finally:
        os.close(kept)


def test_others_cannot_be_signalled():
    body = denied(f"os.kill({os.getpid()}, 9)") + denied("os.kill(-1, 9)")
    assert waiting(body).said.split() == ["PermissionError"] * 2


@only_x86
def test_calls_that_nobody_needs_are_not_answered():
    body = f"""
for name, number in {CALLS!r}.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1:
        print(name, ctypes.get_errno())
"""
    ended = waiting(body)
    assert (ended.code, ended.said) == (0, "")


@only_x86
def test_namespaces_cannot_be_made_anew():
    body = "print(libc.syscall(56, 0x10000000, 0, 0, 0, 0), ctypes.get_errno())"
    assert waiting(body).said.split() == ["-1", "1"]


# While a job runs. -----------------------------------------------------------------------------


def test_a_job_can_compute_have_memory_and_threads():
    body = """
found = []
thread = threading.Thread(target=lambda: found.append(sum(range(10**6))))
thread.start()
thread.join()
data = bytearray(50 << 20)
os.write(1, repr((found, len(data), time.monotonic() > 0)).encode())
"""
    ended = running(body)
    assert ended.said == repr(([sum(range(10**6))], 50 << 20, True)), ended


KILLED = {
    "a socket": "socket.socket()",
    "a process": "os.fork()",
    "a program": "os.execv('/usr/bin/env', ['env'])",
    "a program, the usual way": "subprocess.run(['/bin/true'])",
    "killing its parent": "os.kill(os.getppid(), 9)",
    "killing all": "os.kill(-1, 9)",
    "more time": "signal.setitimer(signal.ITIMER_REAL, 0)",
    "its rights back": "libc.prctl(22, 0, 0, 0, 0)",
    "tracing its parent": "libc.ptrace(16, os.getpid() - 1, 0, 0)",
    "a new namespace": "libc.unshare(0x10000000)",
    "a mount": "libc.mount(b'none', b'/', b'tmpfs', 0, 0)",
    "a file in memory": "os.memfd_create('x')",
    "removing a file": "os.unlink('/usr/lib/x')",
    "a directory": "os.mkdir('/x')",
    "a pipe": "os.pipe()",
}


@pytest.mark.parametrize("attempt", KILLED)
def test_who_asks_for_more_is_ended(attempt):
    ended = running(KILLED[attempt] + "\nos.write(1, b'DONE')\n")

    assert "DONE" not in ended.said
    assert ended.was_killed_by(signal.SIGSYS), ended


def test_limits_do_not_move():
    """Libraries read them by the same call, so that it is answered, and not done."""
    assert running(denied("resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))")).said in {
        "PermissionError\n",
        "ValueError\n",
    }


@pytest.mark.parametrize("path", ["/etc/passwd", os.__file__, "/"])
def test_no_file_can_even_be_opened(path):
    assert running(denied(f"os.open({path!r}, os.O_RDONLY)")).said.strip() == "PermissionError"
    assert running(denied(f"os.stat({path!r})")).said.strip() == "PermissionError"


@only_x86
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.slow
def test_every_dangerous_call_ends_it(name):
    ended = running(f"libc.syscall({CALLS[name]}, 0, 0, 0, 0, 0)\nos.write(1, b'DONE')\n")
    assert ended.was_killed_by(signal.SIGSYS), (name, ended)


_MACHINE_CODE = """
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex({code!r}))
call = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
call()
os.write(1, b'DONE')
"""


@only_x86
@pytest.mark.parametrize(
    "code",
    [
        "b814000000cd80c3",  # mov eax, 20; int 0x80; ret: getpid of 32 bits
        "b827000040" + "0f05c3",  # mov eax, 0x40000027; syscall; ret: getpid of x32
        "b8390000000f05c3",  # mov eax, 57; syscall; ret: fork
    ],
    ids=["32 bits", "x32", "fork"],
)
def test_machine_code_has_no_other_door(code):
    assert running(_MACHINE_CODE.format(code=code)).was_killed_by(signal.SIGSYS)


@only_x86
def test_machine_code_runs():
    """The test above ends for the call, not for the code: this one returns."""
    assert running(_MACHINE_CODE.format(code="b827000000c3")).said == "DONE"


def test_a_fork_bomb_does_not_go_off():
    assert running("while True: os.fork()").was_killed_by(signal.SIGSYS)


def test_a_bomb_of_threads_meets_a_limit():
    body = """
started = 0
try:
    while started < 100_000:
        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
        started += 1
except (RuntimeError, MemoryError):
    os.write(1, b'%d' % started)
os._exit(0)
"""
    ended = running(body, memory=1 << 29, wall=20)
    assert ended.was_killed_by(signal.SIGSYS) or int(ended.said) < 1000, ended


def test_a_memory_bomb_meets_a_limit():
    body = """
kept = []
try:
    while True:
        kept.append(bytearray(16 << 20))
except MemoryError:
    size = len(kept)
    kept.clear()
    os.write(1, b'%d' % size)
"""
    ended = running(body, memory=1 << 29)
    assert 0 < int(ended.said) < 32, ended


def test_an_endless_loop_meets_a_limit():
    assert running("while True: pass", cpu=1, wall=30).was_killed_by(signal.SIGXCPU)


def test_who_waits_for_ever_does_not():
    body = "libc.syscall.restype = ctypes.c_long\nthreading.Event().wait()"
    assert running(body, wall=1).was_killed_by(signal.SIGALRM)


def test_the_lists_are_of_calls_that_are_known():
    for names in (RUNNING, PROBING, STARTING):
        assert set(names) <= set(NUMBERS)
        assert len(set(names)) == len(names)
    assert not set(RUNNING) & set(PROBING)
    for column, _ in MACHINES.values():
        numbers = [row[column] for row in NUMBERS.values() if row[column] is not None]
        assert len(set(numbers)) == len(numbers)
