"""All methods. A further namespace is a further line here, with a file of its own."""

from typing import Final

from numen.node.rpc import (
    chains,
    controls,
    debug,
    listening,
    openrpc,
    others,
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
    others.METHODS,
    debug.METHODS,
    controls.METHODS,
    openrpc.METHODS,
)
"""Every method by its name."""
