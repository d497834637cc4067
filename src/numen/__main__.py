"""``python -m numen`` is the command line."""

from numen.cli import main

main()
