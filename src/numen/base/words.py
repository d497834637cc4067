"""Numbers as people read them."""


def counted(count: int, name: str) -> str:
    """A number of things: ``1 task``, ``2,000 tasks``."""
    return f"{count:,} {name}" if count == 1 else f"{count:,} {name}s"


def percent(millionths: int) -> str:
    """A share of a whole, rounded down to a tenth of a percent: ``26.2%``, ``50%``."""
    whole, tenths = divmod(millionths // 1000, 10)
    return f"{whole}.{tenths}%" if tenths else f"{whole}%"
