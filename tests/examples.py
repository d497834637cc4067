"""How many examples a dear test takes: a share of what the profile says."""

from hypothesis import settings


def one_in(share: int) -> settings:
    """Take one in so many of the examples of the profile."""
    return settings(max_examples=max(settings.default.max_examples // share, 10))
