"""System calls: their numbers, and which ones a confined process may make.

`STARTING` is for the process that waits for jobs: it starts Python, reads files and forks.
`RUNNING` is for one that has a stranger's program: memory, time, and the two ends of its
conversation. What is in neither list is answered "not allowed", or, while `RUNNING`, ends the
process, except `PROBING`: what libraries try and can do without.

The numbers are Linux's, from ``asm/unistd_64.h`` and ``asm-generic/unistd.h``.
"""

from typing import Final

# fmt: off
NUMBERS: Final = {
    #                    x86_64 aarch64
    "access":            (21,   None),
    "arch_prctl":        (158,  None),
    "brk":               (12,   214),
    "clock_getres":      (229,  114),
    "clock_gettime":     (228,  113),
    "clock_nanosleep":   (230,  115),
    "clone":             (56,   220),
    "clone3":            (435,  435),
    "close":             (3,    57),
    "close_range":       (436,  436),
    "dup":               (32,   23),
    "dup2":              (33,   None),
    "dup3":              (292,  24),
    "epoll_create1":     (291,  20),
    "execve":            (59,   221),
    "exit":              (60,   93),
    "exit_group":        (231,  94),
    "faccessat":         (269,  48),
    "faccessat2":        (439,  439),
    "fadvise64":         (221,  223),
    "fcntl":             (72,   25),
    "fstat":             (5,    80),
    "futex":             (202,  98),
    "getcwd":            (79,   17),
    "getdents64":        (217,  61),
    "getegid":           (108,  177),
    "geteuid":           (107,  175),
    "getgid":            (104,  176),
    "getpid":            (39,   172),
    "getppid":           (110,  173),
    "getrandom":         (318,  278),
    "getrlimit":         (97,   163),
    "gettid":            (186,  178),
    "gettimeofday":      (96,   169),
    "getuid":            (102,  174),
    "ioctl":             (16,   29),
    "lseek":             (8,    62),
    "lstat":             (6,    None),
    "madvise":           (28,   233),
    "membarrier":        (324,  283),
    "mmap":              (9,    222),
    "mprotect":          (10,   226),
    "mremap":            (25,   216),
    "munmap":            (11,   215),
    "newfstatat":        (262,  79),
    "open":              (2,    None),
    "openat":            (257,  56),
    "pipe2":             (293,  59),
    "poll":              (7,    None),
    "ppoll":             (271,  73),
    "prctl":             (157,  167),
    "pread64":           (17,   67),
    "prlimit64":         (302,  261),
    "read":              (0,    63),
    "readlink":          (89,   None),
    "readlinkat":        (267,  78),
    "recvmsg":           (47,   212),
    "restart_syscall":   (219,  128),
    "rseq":              (334,  293),
    "rt_sigaction":      (13,   134),
    "rt_sigprocmask":    (14,   135),
    "rt_sigreturn":      (15,   139),
    "sched_getaffinity": (204,  123),
    "sched_yield":       (24,   124),
    "set_robust_list":   (273,  99),
    "set_tid_address":   (218,  96),
    "setitimer":         (38,   103),
    "sigaltstack":       (131,  132),
    "stat":              (4,    None),
    "statfs":            (137,  43),
    "statx":             (332,  291),
    "sysinfo":           (99,   179),
    "uname":             (63,   160),
    "wait4":             (61,   260),
    "write":             (1,    64),
    "writev":            (20,   66),
}
# fmt: on

MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine, as the system calls it, to the column of `NUMBERS` and the kernel's AUDIT_ARCH."""

RUNNING: Final = (
    "brk", "clock_getres", "clock_gettime", "close", "exit", "exit_group", "futex", "getpid",
    "getrandom", "gettid", "gettimeofday", "madvise", "membarrier", "mmap", "mprotect", "mremap",
    "munmap", "read", "restart_syscall", "rseq", "rt_sigprocmask", "rt_sigreturn",
    "sched_getaffinity", "sched_yield", "set_robust_list", "sigaltstack", "write", "writev",
)  # fmt: skip
"""What a process may do that has a stranger's program; threads besides, and no processes."""

PROBING: Final = (
    "access", "clone3", "faccessat", "faccessat2", "fstat", "getcwd", "getdents64", "ioctl",
    "lseek", "lstat", "newfstatat", "open", "openat", "prlimit64", "readlink", "readlinkat",
    "rt_sigaction", "stat", "statfs", "statx", "sysinfo", "uname",
)  # fmt: skip
"""What it may ask for and does not get."""

STARTING: Final = (
    *RUNNING,
    "access", "arch_prctl", "clock_nanosleep", "close_range", "dup", "dup2", "dup3",
    "epoll_create1", "execve", "faccessat", "faccessat2", "fadvise64", "fcntl", "fstat", "getcwd",
    "getdents64", "getegid", "geteuid", "getgid", "getppid", "getrlimit", "getuid", "lseek",
    "lstat", "newfstatat", "pipe2", "poll", "ppoll", "pread64", "prlimit64", "readlink",
    "readlinkat", "recvmsg", "rt_sigaction", "set_tid_address", "setitimer", "stat", "statfs",
    "statx", "sysinfo", "uname", "wait4",
)  # fmt: skip
"""What a process may do that waits for jobs; besides, with bounds: ``clone``, ``ioctl``, ``open``,
``openat``, ``prctl``."""
