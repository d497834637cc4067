"""A process that appends for ever and says what was acknowledged: `writer.py PATH NAME`."""

import asyncio
import json
import sys
from pathlib import Path

from numen.ledger.order.embedded import Embedded
from numen.ledger.order.sequencer import Entry

WRITERS = 16


async def _write(log: Embedded, name: str) -> None:
    count = 0
    while True:
        body = f"{name}:{count}"
        place = await log.append([Entry("a", body.encode())], {})
        sys.stdout.write(json.dumps([body, place]) + "\n")
        sys.stdout.flush()
        count += 1


async def _main(path: str, name: str) -> None:
    log = await Embedded.open(Path(path))
    await asyncio.gather(*[_write(log, f"{name}.{i}") for i in range(WRITERS)])


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
