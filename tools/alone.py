"""Run a command on a network of its own: loopback, and nothing else.

    python tools/alone.py COMMAND...

For tests of libraries that look for others by themselves. The command has every right over that
network, to make others beside it. It needs bwrap, which only Linux has.
"""

import os
import sys
from collections.abc import Sequence

from numen.sandbox.jail import find_bubblewrap


def main(command: Sequence[str]) -> int:
    """Become the command, with everything of this machine but its networks.

    Returns:
        1, where there is no bwrap; else it does not return.
    """
    bwrap = find_bubblewrap()
    if bwrap is None or not command:
        print(f"error: {__doc__.splitlines()[0]} It needs bwrap, and a command", file=sys.stderr)
        return 1
    os.environ["NUMEN_ALONE"] = "1"
    rights = ("--cap-add", "ALL", *(("--unshare-user",) if os.getuid() else ()))
    os.execv(bwrap, [str(bwrap), "--dev-bind", "/", "/", "--unshare-net", *rights, "--", *command])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
