"""The command line: `numen --help` teaches, every command has `--json`, exit codes mean something.

0: fine. 1: the program trapped, or the proof is false. 2: bad input or usage.
"""

from numen.cli.main import main

__all__ = ["main"]
