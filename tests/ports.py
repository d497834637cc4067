"""Ports that tests have to know before anybody listens on them."""

import random
import socket
from contextlib import ExitStack

RANGE = range(12_000, 20_000)
"""Below what systems hand out by themselves: of those, one that is free is soon somebody else's."""


def free_ports(count: int) -> list[int]:
    """Draw ports that are free now; others who draw at the same time hardly draw the same."""
    drawn = random.SystemRandom().sample(RANGE, len(RANGE))
    ports: list[int] = []
    with ExitStack() as stack:
        while len(ports) < count:
            port = drawn.pop()
            try:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    return ports
