"""Every form a program takes on its way, as files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from numen.api.compiled import Compiled
from numen.base.errors import NumenError
from numen.ir.text import print_module
from numen.jit.listing import listing
from numen.proof.files import write_file


class FormError(NumenError):
    """A program does not have such a form."""


def _ir(program: Compiled) -> bytes:
    return print_module(program.program.module).encode()


def _r1cs(program: Compiled) -> bytes:
    from numen.proof.formats import write_r1cs  # noqa: PLC0415 - a run must start quickly

    return write_r1cs(program.circuit.r1cs)


def _tape(program: Compiled) -> bytes:
    from numen.proof.tape_file import write_tape  # noqa: PLC0415 - a run must start quickly

    return write_tape(program.circuit.tape)


EMITTERS: Final[dict[str, tuple[str, Callable[[Compiled], bytes]]]] = {
    "ir": ("program.ir", _ir),
    "bytecode": ("program.numen", lambda program: program.program.code),
    "llvm": ("program.ll", lambda program: listing(program.program).optimised.encode()),
    "asm": ("program.s", lambda program: listing(program.program).assembly.encode()),
    "r1cs": ("circuit.r1cs", _r1cs),
    "tape": ("witness.tape", _tape),
}
"""Name of a form, its file, and how it is made."""


def write(program: Compiled, form: str, folder: Path) -> Path:
    """Write one form into a folder, made if absent, and return its path.

    Raises:
        NumenError: The program does not have this form, or the file cannot be written.
    """
    if form not in EMITTERS:
        raise FormError(f"a program has no form {form}", hint=f"one of {', '.join(EMITTERS)}")
    name, emit = EMITTERS[form]
    data = emit(program)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / name, data)
    return folder / name


def write_all(program: Compiled, folder: Path) -> Iterator[Path]:
    """Write every form, and the code as lowered, as metered and as given to LLVM.

    A form that the program does not have is a file that says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "lowered.ir", print_module(program.module).encode())
    yield folder / "lowered.ir"
    write_file(folder / "metered.ir", print_module(program.program.metered).encode())
    yield folder / "metered.ir"
    write_file(folder / "emitted.ll", listing(program.program).emitted.encode())
    yield folder / "emitted.ll"
    for form, (name, _) in EMITTERS.items():
        try:
            yield write(program, form, folder)
        except NumenError as error:
            path = folder / f"{name}.refused.txt"
            write_file(path, f"{error}\n".encode())
            yield path
