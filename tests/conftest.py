"""What every test shares: how hard Hypothesis looks.

Choose with the environment variable HYPOTHESIS_PROFILE:

    dev     50 examples, new ones each run; the default
    ci      100 examples, the same for the same code: a verdict on a commit does not change
    night   5,000 examples, new ones each run

A test whose examples are dear takes a share of them, `@one_in(3)`, or says how many it takes with
`@settings(max_examples=...)`, and no profile changes that. Every case that was ever found stays in
its test, as `@example`.
"""

import gc
import os
import signal

from hypothesis import HealthCheck, settings

# Two cores are shared by compilers and provers: wall-clock time of one example says nothing.
_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

settings.register_profile("dev", max_examples=50, **_SHARED)
settings.register_profile("ci", max_examples=100, derandomize=True, database=None, **_SHARED)
settings.register_profile("night", max_examples=5_000, **_SHARED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_configure():
    """Let processes of tests be interrupted, also where a shell started us behind ``&``.

    Such a shell has SIGINT ignored, and whoever is started inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish():
    """Spare the collector half a million objects that stay: modules, tests and their strategies."""
    gc.collect()
    gc.freeze()
