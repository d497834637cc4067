"""What commands share whose processes have a page: where it is, and what it takes."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import click

from numen.base.errors import NumenError

PORT: Final = 7380
"""Where a page is, unless it is told otherwise."""


class ExtraError(NumenError):
    """What is asked for is in an extra that is not installed."""


def dashboard_option(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the port of a page about it, under a name."""
    return click.option(
        "--dashboard", name, type=click.IntRange(0, 65535), metavar="PORT",
        help="Serve a page about it on this port of this machine alone; 0 for any port.",
    )  # fmt: skip


def loaded(name: str) -> Any:
    """A module of what people see, by its full name.

    Raises:
        ExtraError: What it takes is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        hint = "install numen with its extra: pip install 'numen[node]'"
        raise ExtraError(f"a dashboard needs {error.name}", hint=hint) from error
