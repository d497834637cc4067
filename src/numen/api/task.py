"""`@numen.task`: a function that runs here when it is called, and on the market when it is sold.

@numen.task
def square(x: numen.u64) -> numen.u64:
    return x * x

square(7)                                        # here
await market.run(square, 7, bid=5)               # there, and verified
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, overload

from numen.api.compiled import Compiled, from_function
from numen.ir.interface import InputError

P = ParamSpec("P")
R = TypeVar("R")


class Task(Generic[P, R]):
    """A function of the language, with the types that it has for Python.

    Attributes:
        compiled: The program that its source is.
        work_limit: Most work units of a run that is sold; None for the market's own.
    """

    def __init__(self, function: Callable[P, R], work_limit: int | None = None) -> None:
        functools.update_wrapper(self, function)
        self.compiled: Compiled = from_function(function)
        self.work_limit = work_limit
        self._signature = inspect.signature(function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it here.

        Raises:
            InputError: The arguments do not have the program's shapes.
            TrappedError: The program stopped with a trap.
        """
        value: R = self.compiled(*self.arguments(*args, **kwargs))
        return value

    def arguments(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Arguments in the order of the parameters, whatever they were named.

        Raises:
            InputError: They are not those of the function.
        """
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InputError(f"{self.compiled.source.entry}: {error}") from None
        return bound.args

    def __repr__(self) -> str:
        return f"<numen.task {self.compiled.source.entry}>"


@overload
def task(function: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(*, work_limit: int | None = None) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def task(
    function: Callable[P, R] | None = None, /, *, work_limit: int | None = None
) -> Task[P, R] | Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function: as a decorator, with or without arguments.

    Args:
        function: What to compile, from its source. It is never executed by Python.
        work_limit: Most work units of a run that is sold.

    Raises:
        NumenError: It is not a program of the language; the place is named.
    """
    if function is not None:
        return Task(function, work_limit)
    return lambda found: Task(found, work_limit)
