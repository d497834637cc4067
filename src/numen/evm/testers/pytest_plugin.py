"""Fixtures of pytest for tests of contracts.

They are switched on by ``-p numen.evm.testers.pytest_plugin``, or by a line in ``conftest.py``:

    pytest_plugins = ["numen.evm.testers.pytest_plugin"]

Options: ``--numen-fork NAME`` and ``--numen-engine NAME``, or ``numen_fork`` and ``numen_engine``
in the configuration of pytest.
"""

from collections.abc import Iterator

import pytest

from numen.evm.engines import ENGINES
from numen.evm.evm import EVM

_OPTIONS = {
    "fork": ("prague", "whose rules hold"),
    "engine": ("hot", f"one of {', '.join(ENGINES)}"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options."""
    group = parser.getgroup("numen", "the EVM of the fixtures evm and session_evm")
    for name, (value, words) in _OPTIONS.items():
        group.addoption(f"--numen-{name}", default=None, metavar="NAME", help=words)
        parser.addini(f"numen_{name}", words, default=value)


def _evm(config: pytest.Config) -> EVM:
    chosen = {name: config.getoption(f"numen_{name}") for name in _OPTIONS}
    settings = {name: found or config.getini(f"numen_{name}") for name, found in chosen.items()}
    return EVM(settings["fork"], engine=settings["engine"])


@pytest.fixture
def evm(request: pytest.FixtureRequest) -> EVM:
    """An empty machine, made for this test alone."""
    return _evm(request.config)


@pytest.fixture(scope="session")
def session_evm(request: pytest.FixtureRequest) -> EVM:
    """One machine for all tests, for fixtures that deploy once; see `isolated`."""
    return _evm(request.config)


@pytest.fixture
def isolated(session_evm: EVM) -> Iterator[EVM]:
    """The machine of all tests, which forgets afterwards what this test did."""
    moment = session_evm.snapshot()
    yield session_evm
    session_evm.revert(moment)
