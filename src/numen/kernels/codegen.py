"""LLVM text to object code for this machine, in this process.

Everything here needs ``llvmlite.binding``, which takes a tenth of a second to import: callers
import this module when they have something to compile or to link.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import llvmlite
from llvmlite import binding

from numen.kernels.errors import CompileError
from numen.kernels.options import Options

QUICK = (
    "always_inliner",
    "sroa",
    "instruction_combine",
    "simplify_cfg",
    "sccp",
    "aggressive_dce",
    "dead_store_elimination",
    "simplify_cfg",
    "global_dead_code_eliminate",
)
"""The passes of ``quick``, by llvmlite's names for them."""

LEAN = (
    "always_inliner",
    "sroa",
    "instruction_combine",
    "simplify_cfg",
    "sccp",
    "jump_threading",
    "loop_rotate",
    "instruction_combine",
    "new_gvn",
    "simplify_cfg",
    "aggressive_dce",
    "dead_store_elimination",
    "simplify_cfg",
    "global_dead_code_eliminate",
)
"""The passes of ``lean``: with loops turned and values numbered, code that comes optimised already
runs within a tenth of what ``O2`` makes of it."""

JAM = (
    "loop_simplify",
    "lcssa",
    "loop_unroll_and_jam",
    "simplify_cfg",
    "instruction_combine",
)
"""What ``loops`` adds to ``O2``, and LLVM's own lists leave out: `JAM_COUNT` iterations of an outer
loop share one inner loop, where LLVM finds that allowed. A product of matrices then reads a line of
the cache once, not four times."""

JAM_COUNT = 4

_LISTS = {"quick": QUICK, "lean": LEAN}
_LEVELS = {"quick": 1, "lean": 2, "O1": 1, "O2": 2, "loops": 2, "O3": 3}


@functools.cache
def initialise() -> None:
    """Make LLVM ready for this machine; the assembly parser is for inline assembly."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()
    # Of the whole process, but nothing besides `JAM` runs the pass that reads them.
    binding.set_option("numen", "-allow-unroll-and-jam")
    binding.set_option("numen", f"-unroll-and-jam-count={JAM_COUNT}")


@functools.cache
def host() -> tuple[str, str, str]:
    """Target triple, processor name and processor features of this machine."""
    initialise()
    features = binding.get_host_cpu_features().flatten()
    return binding.get_process_triple(), binding.get_host_cpu_name(), features


@functools.cache
def fingerprint() -> str:
    """Names everything besides text and options that decides what an object is."""
    llvm_version = ".".join(map(str, binding.llvm_version_info))
    versions = f"llvmlite {llvmlite.__version__}", f"LLVM {llvm_version}"
    return "\n".join((*versions, *host(), *QUICK))


def target_machine(codegen: int, *, is_far: bool = False) -> binding.TargetMachine:
    """LLVM's description of this machine.

    Args:
        codegen: Effort, 0 to 3.
        is_far: Whether parts of an object may lie more than 2 GiB apart: all addresses are whole.
    """
    triple, cpu, features = host()
    target = binding.Target.from_triple(triple)
    # Position independence, because the loader may put code and data far from what they import.
    reloc, model = ("static", "large") if is_far else ("pic", "small")
    return target.create_target_machine(
        cpu=cpu, features=features, opt=codegen, reloc=reloc, codemodel=model
    )


def generate(text: str, options: Options) -> bytes:
    """Parse, check, optimise and translate a module.

    Args:
        text: LLVM IR.
        options: Its ``passes`` and ``codegen`` are used; limits are the caller's business.

    Returns:
        A relocatable object file.

    Raises:
        CompileError: LLVM refuses the text.
    """
    with _optimised(text, options) as (module, machine):
        try:
            return bytes(machine.emit_object(module))
        except RuntimeError as error:
            raise CompileError(f"LLVM cannot translate the module: {error}") from None


def listings(text: str, options: Options) -> tuple[str, str]:
    """A module as LLVM leaves it: optimised IR, and the assembly of this machine.

    Raises:
        CompileError: LLVM refuses the text.
    """
    with _optimised(text, options) as (module, machine):
        # Comments name the blocks.
        machine.set_asm_verbosity(True)
        return str(module), str(machine.emit_assembly(module))


@contextmanager
def _optimised(
    text: str, options: Options
) -> Iterator[tuple[binding.ModuleRef, binding.TargetMachine]]:
    initialise()
    context = binding.create_context()
    try:
        module = binding.parse_assembly(text, context)
        module.verify()
    except RuntimeError as error:
        raise CompileError(f"LLVM refuses the module: {error}") from None
    machine = target_machine(options.codegen, is_far=options.is_far)
    with module:
        module.triple = machine.triple
        module.data_layout = str(machine.target_data)
        _optimise(module, machine, options)
        yield module, machine


def _optimise(module: binding.ModuleRef, machine: binding.TargetMachine, options: Options) -> None:
    if options.passes == "none":
        return
    level = _LEVELS[options.passes]
    tuning = binding.create_pipeline_tuning_options(speed_level=level)
    # Words of 256 bits do not vectorise; looking for it costs a third of the time.
    tuning.loop_vectorization = False
    tuning.slp_vectorization = False
    tuning.loop_unrolling = level >= 3
    builder = binding.create_pass_builder(machine, tuning)
    if options.passes in _LISTS:
        _listed(_LISTS[options.passes]).run(module, builder)
        return
    builder.getModulePassManager().run(module, builder)
    if options.passes == "loops":
        _listed(JAM).run(module, builder)


def _listed(names: tuple[str, ...]) -> binding.ModulePassManager:
    passes = binding.create_new_module_pass_manager()
    for name in names:
        getattr(passes, f"add_{name}_pass")()
    return passes
