"""Run one program on inputs, inside limits."""
