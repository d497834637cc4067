"""The reference interpreter: every opcode in plain Python, slow, the arbiter of what is right."""

from numen.evm.reference.machine import ReferenceMachine

__all__ = ["ReferenceMachine"]
