"""All methods. A further namespace is a further line here, with a file of its own."""

from typing import Final

from numen.node.rpc import (
    about,
    chains,
    controls,
    debug,
    listening,
    openrpc,
    prices,
    sending,
    states,
)
from numen.node.rpc.table import Method, table

METHODS: Final[dict[str, Method]] = table(
    chains.METHODS,
    states.METHODS,
    prices.METHODS,
    sending.METHODS,
    listening.METHODS,
    about.METHODS,
    debug.METHODS,
    controls.METHODS,
    openrpc.METHODS,
)
"""Every method by its name."""
