"""The tier of one machine: who asks for code to be compiled, when, and what becomes of it.

The machine tells of two events, and both return soon:

    on_code(entry)      a code is no longer cold: it gets a region table, and what other machines of
                        this process have compiled of it
    on_heat(entry, pc)  a JUMPDEST has become hot: a request is queued

A thread takes the requests one by one, grows regions, has them compiled in the helper process,
links them and publishes their pointers; the running code goes on in them at its next JUMPDEST.
What cannot be compiled stays interpreted and is not tried again.

With ``whole`` everything is compiled before a code runs for the first time.
"""

import ctypes
import queue
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal

from numen.evm.forks import Fork
from numen.evm.native.layout import CODE
from numen.evm.tier.blocks import Program
from numen.evm.tier.breath import be_polite
from numen.evm.tier.policy import HOT, WHOLE, Policy
from numen.evm.tier.regions import Coverage, Region, cover
from numen.evm.tier.store import (
    SHELF,
    Batch,
    Key,
    Linked,
    compile_batch,
    digest_of,
    load_batches,
    save_batches,
)
from numen.evm.tier.tables import Table, Tables
from numen.kernels.errors import (
    CompileError,
    CompilerDiedError,
    CompileTimeoutError,
    LinkError,
    OutOfMemoryError,
)

Mode = Literal["hot", "whole"]

_HEADS_MAX: Final = 4096
"""Most heads that are considered for one code at a time."""


class _Code:
    """What the tier knows of a code that was hot at some time.

    Attributes:
        covered: By regions, whether they are in use, being compiled, or refused.
        batches: What was compiled.
        earlier: Heat of JUMPDESTs that was counted before the table began anew.
        doubted: JUMPDESTs that were hot, and lie inside regions that begin elsewhere.
        asked: JUMPDESTs that became hot since the code was last looked at.
        cost: Of all regions that were grown.
        is_refused: Whether the compiler ran into its limits on this code.
        is_loaded: Whether what the disk has of it was looked for.
    """

    def __init__(self, program: Program, table: Table) -> None:
        self.program = program
        self.table = table
        self.covered = Coverage()
        self.batches: list[Batch] = []
        self.earlier: dict[int, int] = {}
        self.doubted: set[int] = set()
        self.asked: set[int] = set()
        self.cost = 0
        self.is_refused = False
        self.is_loaded = False

    def heats(self) -> dict[int, int]:
        """All heat of each JUMPDEST that the interpreter came to."""
        found = self.table.heats(self.program.destinations)
        for pc, heat in self.earlier.items():
            found[pc] = found.get(pc, 0) + heat
        return found

    def ask_again(self, pc: int, heat: int, limit: int) -> None:
        """Have a JUMPDEST ask once more, after it has got so much hotter."""
        before, after = self.table.heat(pc), limit - heat
        self.earlier[pc] = self.earlier.get(pc, 0) + before - after
        self.table.set_heat(pc, after)


class Tier:
    """Compiles for one machine. Its methods may be called from any thread."""

    def __init__(
        self,
        fork: Fork,
        imports: Mapping[str, int],
        *,
        mode: Mode = "hot",
        policy: Policy | None = None,
    ) -> None:
        """Prepare; nothing is compiled or started yet.

        Args:
            fork: The machine's.
            imports: Address of every function of the interpreter that regions may need, by name.
            mode: When to compile.
            policy: What; the mode's own if None.
        """
        self.fork = fork
        self.mode = mode
        self.policy = policy or (WHOLE if mode == "whole" else HOT)
        self._imports = imports
        self._tables = Tables()
        self._by_entry: dict[int, Table] = {}
        self._codes: dict[int, _Code] = {}
        self._linked: list[Linked] = []
        self._regions = 0
        self._pending = 0
        self._is_open = True
        self._lock = threading.Lock()
        self._is_idle = threading.Condition(self._lock)

    @property
    def heat_limit(self) -> int:
        """For `World.heat_limit`, in gas."""
        return self.policy.heat_limit

    @property
    def patience(self) -> int:
        """For `World.patience`, in gas."""
        return self.policy.patience

    def on_code(self, entry: int) -> None:
        """A code has spent its patience, and runs on.

        Args:
            entry: Address of its Code.
        """
        size = CODE.read(entry, "length")
        with self._lock:
            table = self._tables.new(size) if size and self._is_open else None
            if table is None:
                return
            self._by_entry[entry] = table
            if SHELF.may_have(size):
                for linked in SHELF.find(self._key(_bytes_of(entry))):
                    self._use(table, linked)
            CODE.write(entry, "regions", table.address)
        if self.mode == "whole":
            code = self._known(entry)
            self._load(code)
            if not code.batches:
                self._compile(code, self._everything(code))

    def on_heat(self, entry: int, pc: int) -> None:
        """A JUMPDEST has become hot.

        Args:
            entry: Address of the Code.
            pc: Of the JUMPDEST.
        """
        with self._lock:
            if entry not in self._by_entry or not self._is_open:
                return
            code = self._known(entry)
            code.asked.add(pc)
            if len(code.asked) > 1:
                return
            self._pending += 1
        _WORKER.put(self, entry)

    def _known(self, entry: int) -> _Code:
        """What is known of a code; it is copied, as the machine may be gone when it is read."""
        code = self._codes.get(entry)
        if code is None:
            program = Program(_bytes_of(entry), self.fork)
            code = self._codes[entry] = _Code(program, self._by_entry[entry])
        return code

    def _key(self, data: bytes) -> Key:
        return self.fork.name, digest_of(data), self.policy.options.recipe()

    def wait(self, timeout_s: int = 60) -> bool:
        """Until nothing is queued or being compiled; False if that took too long."""
        with self._is_idle:
            return self._is_idle.wait_for(lambda: not self._pending, timeout_s)

    def close(self) -> None:
        """Compile no more. The tables live as long as this object."""
        with self._lock:
            self._is_open = False

    @property
    def region_count(self) -> int:
        """Regions that were compiled for this machine, or found."""
        return self._regions

    def serve(self, entry: int) -> None:
        """Answer all requests of a code; called by the worker only."""
        try:
            with self._lock:
                code = self._codes[entry]
                asked = {pc for pc in code.asked if not code.table.has_region(pc)}
                code.asked = set()
                is_open = self._is_open
            if is_open and asked:
                self._heat_up(code, asked)
        finally:
            with self._is_idle:
                self._pending -= 1
                self._is_idle.notify_all()

    def _everything(self, code: _Code) -> list[Region]:
        """Regions from the first byte, and from wherever a computed jump may come."""
        program, policy = code.program, self.policy
        heads = [0, *sorted(program.destinations)[:_HEADS_MAX]]
        return cover(program, heads, bounds=policy.bounds, regions_max=policy.regions_max)

    def _load(self, code: _Code) -> None:
        """Take what the process has, and what is on disk."""
        code.is_loaded = True
        key = self._key(code.program.code)
        for linked in SHELF.find(key):
            with self._lock:
                self._use(code.table, linked)
            self._note(code, linked.batch)
        if not self.policy.options.cached:
            return
        for batch in load_batches(key):
            if any(shape.head not in code.covered.heads for shape in batch.shapes):
                with suppress(LinkError):
                    self._link(code, batch)

    def _heat_up(self, code: _Code, asked: set[int]) -> None:
        """Compile what is hot, as far as the code has earned it."""
        policy, covered = self.policy, code.covered
        if not code.is_loaded:
            self._load(code)
            asked -= covered.heads
        asked -= self._doubt(code, asked & covered.inside - code.doubted)
        if code.is_refused:
            return
        heats = code.heats()
        spent = sum(heats.values())
        earned = policy.cost_allowance + spent // policy.gas_per_cost - code.cost
        if asked and earned > 0:
            self._compile(code, self._hot_regions(code, asked, heats, earned))
        asked -= self._doubt(code, asked & covered.inside - covered.heads)
        # What was left out asks again when the code as a whole will have earned it.
        missing = max(0, -earned) + policy.bounds.border
        for pc in asked - covered.heads:
            share = missing * policy.gas_per_cost * heats.get(pc, 0) // max(1, spent)
            code.ask_again(pc, max(share, policy.heat_limit), policy.heat_limit)

    def _doubt(self, code: _Code, places: set[int]) -> set[int]:
        """Have places ask again that are compiled as parts of regions that begin elsewhere.

        Whether control comes to them in those regions, the regions do not say: one from the first
        byte is entered once a run, and is left where it was cut.
        """
        code.doubted |= places
        for pc in places:
            code.ask_again(pc, self.policy.heat_limit, self.policy.heat_limit)
        return places

    def _hot_regions(
        self, code: _Code, asked: set[int], heats: dict[int, int], earned: int
    ) -> list[Region]:
        """Regions from places that are hot, from those that are warm, and from the first byte."""
        policy, covered = self.policy, code.covered
        covered.inside -= asked
        warm = {place for place, heat in heats.items() if heat >= policy.warm_limit}
        heads = sorted(asked | warm, key=lambda place: (-heats.get(place, 0), place))
        seen = heats.keys() | covered.inside
        return cover(
            code.program,
            [*heads[: policy.regions_max], 0],
            bounds=policy.bounds,
            is_wanted=seen.__contains__,
            covered=covered,
            revisits=False,
            regions_max=min(policy.regions_max, policy.code_regions_max - len(covered.heads)),
            cost_max=earned,
        )

    def _compile(self, code: _Code, regions: Sequence[Region]) -> None:
        """Compile regions in batches, and publish each when it is ready."""
        batch: list[Region] = []
        for region in regions:
            if region.head < len(code.program.code):
                code.cost += region.cost
                batch.append(region)
            if sum(each.cost for each in batch) >= self.policy.batch_cost:
                self._compile_batch(code, batch)
                batch = []
        self._compile_batch(code, batch)
        if code.batches and self.policy.options.cached:
            save_batches(self._key(code.program.code), code.batches)

    def _compile_batch(self, code: _Code, regions: Sequence[Region]) -> None:
        is_full = self._regions + len(regions) > self.policy.machine_regions_max
        if not regions or is_full or code.is_refused:
            return
        try:
            self._link(code, compile_batch(code.program, regions, self.policy.options))
        except (CompileTimeoutError, OutOfMemoryError, CompilerDiedError):
            # Code like this must not keep the compiler from the others.
            code.is_refused = True
        except CompileError:
            # One bad region must not cost the others; alone it stays interpreted.
            if len(regions) > 1:
                for region in regions:
                    self._compile_batch(code, [region])

    def _link(self, code: _Code, batch: Batch) -> None:
        linked = Linked(batch, self._imports)
        with self._lock:
            self._use(code.table, linked)
        self._note(code, batch)
        SHELF.put(self._key(code.program.code), linked, len(code.program.code))

    def _note(self, code: _Code, batch: Batch) -> None:
        code.batches.append(batch)
        for shape in batch.shapes:
            code.covered.add(shape, self.policy.bounds)

    def _use(self, table: Table, linked: Linked) -> None:
        """Publish regions that are linked, but for places that have one."""
        self._linked.append(linked)
        for head, address in linked.addresses.items():
            if not table.has_region(head):
                self._regions += 1
                table.publish(head, address)


def _bytes_of(entry: int) -> bytes:
    return ctypes.string_at(CODE.read(entry, "bytes"), CODE.read(entry, "length"))


class _Worker:
    """The thread that serves all tiers of this process, started with the first request."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[tuple[weakref.ref[Tier], int]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def put(self, tier: Tier, entry: int) -> None:
        """Queue a request; forgotten if the tier is gone when its turn comes."""
        self._requests.put((weakref.ref(tier), entry))
        with self._lock:
            # A fork copies the queue, but not the thread.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._serve, name="numen-evm-tier", daemon=True
                )
                self._thread.start()

    def _serve(self) -> None:
        be_polite()
        while True:
            reference, entry = self._requests.get()
            tier = reference()
            if tier is not None:
                tier.serve(entry)
            del tier


_WORKER: Final = _Worker()
