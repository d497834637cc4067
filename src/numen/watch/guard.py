"""Who may look: pages of this machine that were asked for by its name, and programs.

A page of a stranger can make a browser ask any address, and by a name that it points here
(DNS rebinding) even read the answer. So a request must name this machine as such, must not come
from another page, and can only read.

Sources: Fetch Metadata (W3C), Content Security Policy Level 3, RFC 9110.
"""

from collections.abc import Mapping
from typing import Final

NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
"""What this machine is called by those who are on it."""

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"require-trusted-types-for 'script'; trusted-types 'none'"
)

HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cache-control", b"no-store"),
)
"""With every answer: no script but ours, no frame, no text that becomes script."""


def refusal(method: str, headers: Mapping[bytes, bytes], port: int, *, is_page: bool) -> str:
    """Why a request is not answered; empty if it is.

    Args:
        method: Its method.
        headers: Its headers, names in lower case.
        port: Where it came in.
        is_page: Whether it is for the page itself, which a link elsewhere may lead to.
    """
    if method not in ("GET", "HEAD"):
        return "this page can only be read"
    allowed = {name + suffix for name in NAMES for suffix in (f":{port}", *_bare(port))}
    if headers.get(b"host", b"").decode("latin-1").lower() not in allowed:
        return f"ask for http://{NAMES[0]}:{port}: another name may be a stranger's"
    origin = headers.get(b"origin")
    if origin is not None and origin.decode("latin-1").lower() not in {
        f"http://{name}" for name in allowed
    }:
        return "another page may not look"
    site = headers.get(b"sec-fetch-site", b"none")
    is_visit = is_page and headers.get(b"sec-fetch-mode") == b"navigate"
    if site not in (b"none", b"same-origin") and not is_visit:
        return "another page may not look"
    return ""


def _bare(port: int) -> tuple[str, ...]:
    return ("",) if port == 80 else ()
