"""What the evidence of trusted hardware can be wrong about.

TeeError
├── MalformedQuoteError    bytes that are not of the format they claim
├── ForgedQuoteError       a signature or certificate that nobody trusted stands behind
├── ExpiredQuoteError      a certificate or list that is not valid at the reader's time
├── RevokedQuoteError      a key that its owner took back
├── NoVerifierError        the package that verifies this kind is not installed
└── TpmError               the commands of a TPM fail
"""

from numen.base.errors import NumenError


class TeeError(NumenError):
    """Root of why hardware evidence says nothing."""


class MalformedQuoteError(TeeError):
    """Bytes that are not of the format they claim.

    Attributes:
        format: Name of the format.
        reason: What is wrong.
    """

    def __init__(self, format: str, reason: str) -> None:  # noqa: A002
        super().__init__(f"not a valid {format}: {reason}")
        self.format = format
        self.reason = reason


class ForgedQuoteError(TeeError):
    """A signature or a certificate does not lead to a root that the reader trusts."""


class ExpiredQuoteError(TeeError):
    """Something is not valid at the reader's time.

    Attributes:
        what: A certificate's subject, or the name of a list.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} {reason}")
        self.what = what


class RevokedQuoteError(TeeError):
    """A key was taken back by who vouched for it."""


class NoVerifierError(TeeError):
    """The package that verifies this kind of evidence is not installed.

    Attributes:
        package: The package.
    """

    def __init__(self, package: str) -> None:
        super().__init__(
            f"verifying this evidence needs the package {package}",
            hint="pip install 'numen[tee]'",
        )
        self.package = package


class TpmError(TeeError):
    """A command of the TPM's tools fails, or there is none."""
