"""The compile service: LLVM text in, native code out.

`compile_module` answers from the object cache or compiles - in this process, or, when the text
stems from somebody else's program, in a helper that is killed at its limits. `load` links an
object into this process. LLVM itself is imported when it is first needed.
"""

import ctypes
import functools
import hashlib
import itertools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from numen.kernels.cache import ObjectCache, default_root
from numen.kernels.errors import CompileError, LinkError, TooLargeError
from numen.kernels.helper import Helper
from numen.kernels.options import TRUSTED, Options

__all__ = ["CompileError", "Library", "Options", "compile_module", "load", "recall"]

FORMAT = 1
"""Counts up when the same text and options give another object for reasons of ours."""

_HELPER = Helper()
_LINKING = threading.Lock()
_NUMBERS = itertools.count()
_C_FUNCTIONS = ("memcpy", "memmove", "memset", "memcmp")
"""What LLVM may call of its own accord; nothing else of the process is visible to objects."""


def compile_module(text: str, *, options: Options = TRUSTED) -> bytes:
    """Compile a module for this machine.

    Args:
        text: LLVM IR.
        options: Pass list, limits, trust.

    Returns:
        A relocatable object file.

    Raises:
        CompileError: The text is too large, is refused by LLVM, or, when untrusted, takes
            more than its limits.
    """
    check_size(text, options)
    # Both take a tenth of a second to import, which a program that runs nothing should not pay.
    from numen.kernels import codegen  # noqa: PLC0415

    cache = _cache(default_root()) if options.cached else None
    name = _name(text, options, codegen.fingerprint())
    code = cache.get(name) if cache else None
    if code is None:
        compile_ = _HELPER.compile_module if options.untrusted else codegen.generate
        code = compile_(text, options)
        if cache:
            cache.put(name, code)
    return code


def recall(recipe: str, make: Callable[[], bytes]) -> bytes:
    """Keep bytes on disk for a caller that can name them without making them.

    Args:
        recipe: Names everything the bytes are made of, but for LLVM and the machine.
        make: Makes them, when they are not there.
    """
    kept = remembered(recipe)
    if kept is None:
        kept = make()
        remember(recipe, kept)
    return kept


def remembered(recipe: str) -> bytes | None:
    """What `remember` kept on disk under a name, if it is still there and has our seal."""
    cache = _cache(default_root())
    return cache.get(_recalled(recipe)) if cache else None


def remember(recipe: str, data: bytes) -> None:
    """Keep bytes on disk, under a name that may mean something else to another LLVM or machine."""
    cache = _cache(default_root())
    if cache:
        cache.put(_recalled(recipe), data)


def _recalled(recipe: str) -> str:
    from numen.kernels import codegen  # noqa: PLC0415

    return _digest("recall", codegen.fingerprint(), recipe)


def load(
    text: str, *, options: Options = TRUSTED, imports: Mapping[str, int] | None = None
) -> "Library":
    """Compile a module, or find its object in the cache, and link it into this process.

    Args:
        text: LLVM IR.
        options: Pass list, limits, trust.
        imports: Addresses of functions the module declares and does not define.

    Raises:
        CompileError: As for `compile_module`; a `LinkError` when a symbol is missing.
    """
    return Library(compile_module(text, options=options), imports or {})


def listings(text: str, *, options: Options = TRUSTED) -> tuple[str, str]:
    """A module as LLVM leaves it: optimised IR, and the assembly of this machine.

    Raises:
        CompileError: The text is too large, or LLVM refuses it.
    """
    check_size(text, options)
    from numen.kernels import codegen  # noqa: PLC0415

    return codegen.listings(text, options)


def has_feature(name: str) -> bool:
    """Whether this machine's processor has a feature, by LLVM's name for it (``bmi2``)."""
    from numen.kernels import codegen  # noqa: PLC0415

    return f"+{name}" in codegen.host()[2].split(",")


def target() -> str:
    """Names what objects are made by and for: LLVM's version, triple, processor and features."""
    from numen.kernels import codegen  # noqa: PLC0415

    return codegen.fingerprint()


class Library:
    """Native code in this process, for as long as the object lives.

    Whoever holds an address must hold the library too: memory is freed with it.
    """

    def __init__(self, code: bytes, imports: Mapping[str, int]) -> None:
        """Link an object.

        Args:
            code: From `compile_module`.
            imports: Address of each symbol that it needs besides C's memory functions.

        Raises:
            LinkError: A symbol is missing, or the object is damaged.
        """
        from llvmlite import binding  # noqa: PLC0415

        builder = binding.JITLibraryBuilder().add_object_img(code)
        for name, address in {**_c_functions(), **imports}.items():
            builder.import_symbol(name, address)
        self._name = f"numen.{next(_NUMBERS)}"
        self._addresses: dict[str, int] = {}
        try:
            with _LINKING:
                self._trackers: list[Any] = [builder.link(_jit(), self._name)]
        except RuntimeError as error:
            raise LinkError(f"the object cannot be linked: {error}") from None

    def address(self, name: str) -> int:
        """The address of a function or variable the module exports.

        Raises:
            LinkError: There is none of that name, or the object needs a symbol that is missing.
        """
        found = self._addresses.get(name)
        if found is None:
            try:
                with _LINKING:
                    tracker = _jit().lookup(self._name, name)
            except RuntimeError as error:
                raise LinkError(f"no address for {name!r}: {error}") from None
            self._trackers.append(tracker)
            found = self._addresses[name] = tracker[name]
        return found

    def function(self, name: str, result: Any, *params: Any) -> Any:
        """An exported function as a Python callable that lets go of the GIL while it runs.

        Args:
            name: Exported name.
            result: A ctypes type, or None.
            *params: ctypes types.
        """
        call = ctypes.CFUNCTYPE(result, *params)(self.address(name))
        call.library = self  # type: ignore[attr-defined]  # keeps the code alive
        return call


def check_size(text: str, options: Options) -> None:
    """Refuse a text that is over the caps, before LLVM sees it.

    Raises:
        TooLargeError: It is.
    """
    if len(text) > options.cap_text_bytes:
        raise TooLargeError("characters of text", len(text), options.cap_text_bytes)
    functions = text.count("\ndefine ") + text.startswith("define ")
    if functions > options.cap_functions:
        raise TooLargeError("functions", functions, options.cap_functions)
    if text.count("\n") <= options.cap_instructions:
        return
    for part in f"\n{text}".split("\ndefine ")[1:]:
        size = part.count("\n", 0, part.find("\n}"))
        if size > options.cap_instructions:
            name = part[part.find("@") : part.find("(")]
            raise TooLargeError(f"instructions of {name}", size, options.cap_instructions)


def _name(text: str, options: Options, fingerprint: str) -> str:
    """Names an object by everything it is made of."""
    return _digest(fingerprint, options.recipe(), text)


def _digest(*parts: str) -> str:
    digest = hashlib.blake2b(digest_size=32, person=b"numen recipe")
    for part in (str(FORMAT), *parts):
        data = part.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


@functools.cache
def _cache(root: Path | None) -> ObjectCache | None:
    return ObjectCache(root) if root else None


@functools.cache
def _jit() -> Any:
    from llvmlite import binding  # noqa: PLC0415

    from numen.kernels import codegen  # noqa: PLC0415

    return binding.create_lljit_compiler(codegen.target_machine(2), suppress_errors=True)


@functools.cache
def _c_functions() -> dict[str, int]:
    process = ctypes.CDLL(None)
    found: dict[str, int] = {}
    for name in _C_FUNCTIONS:
        address = ctypes.cast(getattr(process, name), ctypes.c_void_p).value
        assert address
        found[name] = address
    return found
