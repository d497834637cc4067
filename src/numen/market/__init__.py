"""Pure state machines that sell computation and pay for it."""
