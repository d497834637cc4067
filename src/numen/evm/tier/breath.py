"""Room for other threads while regions are grown and written.

Python lets a waiting thread run every few milliseconds only. The thread that runs a transaction
needs it for microseconds at a time, whenever native code asks for an account, so the tier's thread
steps aside often of its own accord.
"""

import threading
import time
from datetime import timedelta
from typing import Final

_PAUSE_S: Final = timedelta(microseconds=20).total_seconds()
_OF_THREAD: Final = threading.local()


def be_polite() -> None:
    """From here on `breathe` steps aside, in this thread."""
    _OF_THREAD.is_polite = True


def breathe() -> None:
    """Let another thread run, where this one is polite."""
    if getattr(_OF_THREAD, "is_polite", False):
        time.sleep(_PAUSE_S)
