"""What the options of `numen submit` say of the evidence that is wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from numen.cli.demands import takes_hex

if TYPE_CHECKING:
    from numen.api.compiled import Compiled
    from numen.api.evidence import Want

_KINDS: Final = ("quorum", "optimistic", "snark", "stark", "quote")


class Wanted(msgspec.Struct, frozen=True):
    """What was said, by the names of the options."""

    kind: str
    replicas: int
    trust: int
    window_s: int
    setup_in: Path | None
    platform: Any
    roots: tuple[bytes, ...]
    launches: tuple[bytes, ...]
    measurement: bytes | None
    register: int
    age_s: int

    def of(self, program: "Compiled") -> "Want":
        """What it means for a program.

        Raises:
            NumenError: The program cannot be sold with this evidence.
        """
        from numen.api import evidence  # noqa: PLC0415 - start-up counts
        from numen.api.proofs import Keys  # noqa: PLC0415 - start-up counts

        match self.kind:
            case "optimistic":
                return evidence.optimistic(program, window_ms=1000 * self.window_s)
            case "snark":
                keys = None if self.setup_in is None else Keys.load(self.setup_in)
                return evidence.snark(program, keys)
            case "stark":
                return evidence.stark(program)
            case "quote":
                return evidence.quote(
                    program, self.roots, platform=self.platform, measurement=self.measurement,
                    launches=self.launches, register=self.register, age_s=self.age_s,
                )  # fmt: skip
        return evidence.quorum(self.replicas, self.trust)


_OPTIONS: Final = (
    click.option(
        "--evidence", "kind", type=click.Choice(_KINDS), default="quorum", show_default=True,
        help="What to see before the answer is believed.",
    ),
    click.option(
        "--replicas", type=click.IntRange(1, 64), default=5, show_default=True,
        help="Of a quorum: most answers that are paid, for which the escrow is.",
    ),
    click.option(
        "--trust", type=click.IntRange(1, 1000), default=4, show_default=True,
        help="Of a quorum: a wrong answer has to be less likely than one in so many.",
    ),
    click.option(
        "--window", "window_s", type=click.IntRange(1, 600), default=10, show_default=True,
        help="Of an optimistic answer: seconds in which it can be challenged.",
    ),
    click.option(
        "--setup", "setup_in", type=click.Path(file_okay=False, path_type=Path),
        help="Of a snark: the folder that `numen setup` wrote; made anew where left out.",
    ),
    click.option(
        "--platform", type=click.Choice(["tpm", "snp", "nitro"]), default="tpm", show_default=True,
        help="Of a quote: whose hardware.",
    ),
    click.option(
        "--root", "roots", multiple=True, metavar="HEX", callback=takes_hex(32, 34),
        help="Of a quote: a root or a TPM's key that is trusted.",
    ),
    click.option(
        "--launch", "launches", multiple=True, metavar="HEX", callback=takes_hex(32),
        help="Of a quote: a launch that runs nothing but what it measured; a TPM's is known.",
    ),
    click.option(
        "--measurement", metavar="HEX", callback=takes_hex(32),
        help="Of a quote: that of the program; this machine's where left out.",
    ),
    click.option(
        "--register", type=click.IntRange(8, 15), default=13, show_default=True,
        help="Of a TPM's quote: the register with the measurement.",
    ),
    click.option(
        "--age", "age_s", type=click.IntRange(0, 10**9), default=0, show_default=True,
        help="Of a quote: seconds since it was made, for somebody whose answer is bought again.",
    ),
)  # fmt: skip


def wants_evidence(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about evidence, as one parameter ``wanted``."""

    def run(**given: Any) -> Any:
        said = {name: given.pop(name) for name in Wanted.__struct_fields__}
        return command(wanted=Wanted(**said), **given)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for option in reversed(_OPTIONS):
        run = option(run)
    return run
