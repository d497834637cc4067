"""Filters of system calls, as the program of the kernel's small machine (classic BPF).

A filter looks at the number of a call, and where it says so at the lower half of one argument.
Anything of another machine's calls, or of x86's second table of them, ends the process.

Source: Linux, Documentation/userspace-api/seccomp_filter.rst and include/uapi/linux/filter.h.
"""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from numen.sandbox.errors import UnavailableError
from numen.sandbox.syscalls import MACHINES, NUMBERS, PROBING, RUNNING, STARTING

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000
DENY: Final = _ERRNO | 1
"""EPERM: not allowed."""
ABSENT: Final = _ERRNO | 38
"""ENOSYS: the kernel has no such call, so that libraries do it in another way."""

_INSTRUCTION: Final = struct.Struct("<HBBI")
_LOAD, _JUMP_EQUAL, _JUMP_LEAST, _JUMP_BITS, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_SECOND_TABLE: Final = 0x40000000

CLONE_THREAD: Final = 0x00010000
CLONE_NEW: Final = 0x7E020080
"""All namespaces."""
_OPEN_WRITES: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000 | 0o20000000
"""To write, read and write, create, truncate, append; a file without a name."""
_PRCTL_OURS: Final = (38, 22, 4)
"""PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_DUMPABLE."""
_IOCTL_HARMLESS: Final = (0x5401, 0x5413, 0x5421, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONBIO, FIONCLEX, FIOCLEX."""


class Rule(msgspec.Struct, frozen=True):
    """What is done with one call.

    Attributes:
        name: The call.
        action: If the rest holds, or there is none.
        argument: Which argument decides, from 0, or None.
        any_of: Values of it for which the rule holds; empty for all.
        without: Bits of it that must be clear.
        requires: Bits of it of which one must be set.
    """

    name: str
    action: int = ALLOW
    argument: int | None = None
    any_of: tuple[int, ...] = ()
    without: int = 0
    requires: int = 0


STARTING_RULES: Final = (
    *(Rule(name) for name in STARTING),
    Rule("clone3", ABSENT),
    Rule("clone", argument=0, without=CLONE_NEW),
    Rule("ioctl", argument=1, any_of=_IOCTL_HARMLESS),
    Rule("open", argument=1, without=_OPEN_WRITES),
    Rule("openat", argument=2, without=_OPEN_WRITES),
    Rule("prctl", argument=0, any_of=_PRCTL_OURS),
)

RUNNING_RULES: Final = (
    *(Rule(name) for name in RUNNING),
    *(Rule(name, ABSENT if name == "clone3" else DENY) for name in PROBING),
    Rule("clone", argument=0, without=CLONE_NEW, requires=CLONE_THREAD),
)


def starting(machine: str) -> bytes:
    """The filter of the process that waits for jobs; what it may not do is answered so."""
    return assemble(STARTING_RULES, machine, otherwise=DENY)


def running(machine: str) -> bytes:
    """The filter of a process that has a stranger's program; what it may not do ends it."""
    return assemble(RUNNING_RULES, machine, otherwise=KILL)


def assemble(rules: Sequence[Rule], machine: str, *, otherwise: int) -> bytes:
    """Write a filter.

    Args:
        rules: The first of a call's name that holds decides.
        machine: As the system calls it.
        otherwise: What is done with all other calls.

    Raises:
        UnavailableError: The calls of this machine are not known here.
    """
    if machine not in MACHINES:
        raise UnavailableError(f"the system calls of {machine} are not known here")
    column, audit = MACHINES[machine]
    code = [
        _step(_LOAD, _MACHINE_AT),
        _step(_JUMP_EQUAL, audit, 1, 0),
        _step(_RETURN, KILL),
        _step(_LOAD, _NUMBER_AT),
        _step(_JUMP_LEAST, _SECOND_TABLE, 0, 1),
        _step(_RETURN, KILL),
    ]
    for rule in rules:
        number = NUMBERS[rule.name][column]
        if number is not None:
            body = _body(rule)
            code += [_step(_JUMP_EQUAL, number, 0, len(body)), *body]
    return b"".join([*code, _step(_RETURN, otherwise)])


def _body(rule: Rule) -> list[bytes]:
    """What follows when the number fits; where the rule does not hold, the number again."""
    if rule.argument is None:
        return [_step(_RETURN, rule.action)]
    load = _step(_LOAD, _ARGUMENTS_AT + 8 * rule.argument)
    back = _step(_LOAD, _NUMBER_AT)
    if rule.any_of:
        left = len(rule.any_of)
        tests = [_step(_JUMP_EQUAL, v, left - i - 1, 0) for i, v in enumerate(rule.any_of[:-1])]
        tests.append(_step(_JUMP_EQUAL, rule.any_of[-1], 0, 1))
        return [load, *tests, _step(_RETURN, rule.action), back]
    tests = [_step(_JUMP_BITS, rule.without, 2 if rule.requires else 1, 0)]
    if rule.requires:
        tests.append(_step(_JUMP_BITS, rule.requires, 0, 1))
    return [load, *tests, _step(_RETURN, rule.action), back]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, if_true, if_false, value)
