"""Synthetic logs of one run and of the conductor: the events that a real worker writes, in its order, seeded.

Times are nanoseconds of an invented monotonic clock. Nothing here looks at a real clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from profiler import events as ev
from profiler.analysis.legs import planned_legs
from profiler.request import Request, Run

MS = 1_000_000
SECOND = 1_000_000_000
MIB = 1 << 20
GIB = 1 << 30
UUID = "GPU-5e1f0c2a-0000-4000-8000-000000000001"
HOST = "recorded"
BOOT = "00000000-0000-4000-8000-000000000000"
NO_SUCH_PID = 5_000_000  # above the kernel's highest pid: nothing can be harmed by it

# Duration of a step against no-compile's.
PACE = {"no-compile": 1.0, "compile": 0.62, "regional-compile": 0.7}
COMPILE_NS = {"no-compile": 0, "compile": 9_400 * MS, "regional-compile": 2_300 * MS}
PHASES = (("dynamo", 0.97), ("aot", 0.62), ("inductor", 0.45), ("codegen", 0.21))


class Record(NamedTuple):
    """An event and the log it goes to: a run's name, None for the conductor's."""

    run: str | None
    event: ev.Event


@dataclass
class RecompileAt:
    """A recompile that interrupts the first step that begins after ``at_ns``."""

    at_ns: int
    size: tuple[int, int, int]  # dimension, expected, actual


@dataclass
class Story:
    """Writes the log of one run from ``start_ns`` on. ``step_ns`` is the duration of a no-compile step."""

    request: Request
    run: Run
    session: str
    start_ns: int
    step_ns: int
    seed: int = 0
    recompiles: list[RecompileAt] = field(default_factory=list)
    wall_offset_ns: int = 0
    heartbeats: bool = True
    compile_share: float = 1.0  # of a compile's usual time; below 1 it found its code in a cache

    def __post_init__(self) -> None:
        case = self.request.case(self.run.case)
        self.workload = case.workload
        self.variant = case.compilation.variant
        self.cuda = self.request.device.startswith("cuda")
        self.steps = self.workload.steps + 1  # PNDM makes one evaluation more than it has iterations
        self.now = self.start_ns
        self.records: list[Record] = []
        self._random = random.Random(f"{self.seed} {self.run.name}")
        self._calls = 0
        self._legs: list[str] = []  # those that were seen
        self._compiles = 0
        self._resident = 2 * GIB if self.cuda else 480 * MIB
        self._next_beat = self.start_ns + 2 * SECOND

    def tell(self, event: ev.Event) -> None:
        """Append ``event`` at the present moment."""
        while self.heartbeats and self._next_beat <= self.now:
            self.records.append(Record(self.run.name, ev.Heartbeat(t=self._next_beat, rss_bytes=1200 * MIB)))
            self._next_beat += 2 * SECOND
        event.t = self.now
        self.records.append(Record(self.run.name, event))

    def whole(self) -> list[Record]:
        """The run from its header to its last word."""
        self.opening()
        self.load()
        if self.variant != "no-compile":
            self.phase("compile", 1)
        if self.workload.warmup:
            self.phase("warmup", self.workload.warmup)
        self.phase("measure", len(planned_legs(self.workload)))
        self.tell(ev.RunEnded(outcome="ok"))
        return self.records

    def opening(self) -> None:
        self.tell(
            ev.Header(
                writer="worker",
                session=self.session,
                run=self.run.name,
                stepscope="0.1.0",
                host=HOST,
                boot_id=BOOT,
                pid=NO_SUCH_PID,
                wall_ns=self.now + self.wall_offset_ns,
            )
        )
        self.now += 1_800 * MS
        self.tell(
            ev.Environment(
                device=self.request.device,
                device_name="NVIDIA Recorded 24 GB" if self.cuda else "Recorded CPU",
                uuid=UUID if self.cuda else None,
                total_bytes=24 * GIB,
                versions={"python": "3.11.7", "torch": "2.13.0", "diffusers": "0.42.1"},
                cpu="Recorded CPU",
                cores=8,
                threads=8,
            )
        )

    def load(self) -> None:
        self.tell(ev.PhaseStarted(phase="load"))
        names = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
        for done, name in enumerate(names):
            self.tell(ev.LoadProgress(name=name, done=done, total=len(names)))
            self.now += self._jittered(90 * MS)
        self.tell(ev.LoadProgress(name="", done=len(names), total=len(names)))
        self._memory("load", None, 0)

    def phase(self, phase: str, calls: int) -> None:
        self.tell(ev.PhaseStarted(phase=phase, calls=calls))
        legs = planned_legs(self.workload) if phase == "measure" else []
        for number in range(calls):
            self.call(phase, legs[number] if number < len(legs) else None)
        if phase == "measure":
            last = self._calls - 1
            self.tell(ev.Output(call=last, seed=0, shape=[1, 4, 16, 16], digest=f"{self.seed:064x}"))

    def call(self, phase: str, leg: str | None = None) -> None:
        """One whole call of ``phase``; a compiled variant compiles again in the first call of a leg that is new."""
        if leg is not None and leg not in self._legs:
            if self._legs and self.variant != "no-compile":
                self.recompiles.append(RecompileAt(self.now + 1, (2, 16, 16 + 8 * len(self._legs))))
            self._legs.append(leg)
        call, self._calls = self._calls, self._calls + 1
        start = self.now
        self.tell(ev.CallStarted(call=call, phase=phase, steps=self.steps, start_ns=start, leg=leg))
        encode = self._jittered(int(self.step_ns * self.steps * 0.015))
        self.now += encode
        loop_start = self.now
        opened = ev.LoopStarted(
            call=call,
            loop=0,
            name="denoise",
            denoisers=["unet"],
            iterations=self.workload.steps,
            start_ns=loop_start,
        )
        self.tell(opened)
        for step in range(self.steps):
            self._step(phase, call, step)
        loop_ns = self.now - loop_start
        self.tell(ev.LoopEnded(call=call, loop=0, ns=loop_ns, evaluations=self.steps, iterations=self.workload.steps))
        decode = self._jittered(int(self.step_ns * self.steps * 0.025))
        decode_start = self.now
        self.now += decode
        self.tell(ev.Stage(call=call, name="text_encode", start_ns=start, ns=encode))
        self.tell(ev.Stage(call=call, name="denoise", start_ns=loop_start, ns=loop_ns))
        self.tell(ev.Stage(call=call, name="decode", start_ns=decode_start, ns=decode))
        took = self.now - start
        images = self.workload.batch_size
        retries = 0 if self.cuda else None
        self.tell(ev.CallEnded(call=call, ns=took, images=images, retries=retries, cpu_ns=int(took * 0.9)))
        self._memory(phase, call, call)

    def _step(self, phase: str, call: int, step: int) -> None:
        start = self.now
        if phase == "compile" and step == 0:
            self._compile(call, step, COMPILE_NS[self.variant], None)
            if self.variant == "regional-compile":
                # One block class at the UNet's next width: what every regional compile of a UNet shows.
                for size in ((1, 4096, 1024), (1, 1024, 256)):
                    self._compile(call, step, 900 * MS, size)
        while self.recompiles and self.recompiles[0].at_ns <= start:
            self._compile(call, step, 1_200 * MS, self.recompiles.pop(0).size)
        self.now += self._jittered(int(self.step_ns * PACE[self.variant]))
        ns = self.now - start
        compiled = self.variant != "no-compile"
        self.tell(
            ev.Step(
                call=call,
                loop=0,
                step=step,
                start_ns=start,
                ns=ns,
                host_ns=ns + self._random.randrange(-20_000, 20_000),
                enqueue_ns=int(ns * (0.4 if compiled else 0.85)),
                scheduler_ns=int(ns * 0.04),
                host_bound=(not compiled) if self.cuda else None,
                graphs=(1 if self.variant == "compile" else 16) if compiled else None,
            )
        )

    def _compile(self, call: int, step: int, ns: int, size: tuple[int, int, int] | None) -> None:
        compiled_id = f"0/{self._compiles}"
        self._compiles += 1
        where = {"id": compiled_id, "call": call, "stage": "denoise", "loop": 0, "step": step}
        regional = self.variant == "regional-compile"
        code = {
            "module": "BasicTransformerBlock" if regional else "UNet2DConditionModel",
            "fqn": "unet.down_blocks.0.attentions.0.transformer_blocks.0" if regional else "unet",
            "function": "forward",
            "file": "attention.py" if regional else "unet_2d_condition.py",
            "line": 1004 if regional else 1034,
        }
        argument = "hidden_states" if regional else "sample"
        start = self.now
        ns = int(ns * self.compile_share)
        if size is not None:
            dimension, expected, actual = size
            reason = f"tensor '{argument}' size mismatch at index {dimension}. expected {expected}, actual {actual}"
            self.tell(
                ev.Recompile(
                    **where,
                    **code,
                    reasons=[f"0/{self._compiles - 2}: {reason}"],
                    total_reasons=1,
                    source=argument,
                    argument=argument,
                    actual=str(actual),
                )
            )
        self.tell(ev.CompileStarted(**where, **code, caller="pipeline.py:1040 in __call__", recompile=size is not None))
        durations = {"total": ns} | {phase: int(ns * share) for phase, share in PHASES}
        for phase in durations:
            self.tell(ev.CompilePhase(**where, phase=phase))
            self.now += ns // 50
        self.tell(ev.CacheLookup(**where, layer="fx", state="miss" if self.compile_share == 1 else "hit"))
        self.now = start + ns
        for phase, spent in reversed(durations.items()):
            self.tell(ev.CompilePhase(**where, phase=phase, ns=spent))
        self.tell(
            ev.CompileEnded(
                **where,
                start_ns=start,
                ns=ns,
                phases=durations,
                operators=412 if regional else 5_204,
                guards=61 if regional else 904,
                guard_ns=21_000,
                overhead_ns=14 * MS,
                breaks=0,
            )
        )

    def _memory(self, phase: str, call: int | None, calls: int) -> None:
        resident = self._resident + (self._random.randrange(4) + (8 if calls else 0)) * MIB
        if self.cuda:
            sizes = {
                "allocated_bytes": resident,
                "reserved_bytes": resident + GIB,
                "allocated_peak_bytes": resident + GIB // 2,
                "reserved_peak_bytes": resident + GIB,
            }
        else:
            sizes = {"rss_peak_bytes": resident}
        retries = 0 if self.cuda else None
        rss = 1200 * MIB if self.cuda else resident
        self.tell(ev.Memory(phase=phase, call=call, rss_bytes=rss, retries=retries, **sizes))

    def _jittered(self, ns: int) -> int:
        return int(ns * self._random.uniform(0.985, 1.02))


def gpu_samples(stories: list[Story], start_ns: int, end_ns: int, seed: int = 0) -> list[Record]:
    """NVML's view of ``stories``: 10 Hz while a call runs, 1 Hz while loading, none in between."""
    source = random.Random(f"{seed} gpu")
    records: list[Record] = []
    energy = 40_000_000
    for story in stories:
        calling = [r.event.t for r in story.records if type(r.event) is ev.CallStarted]
        last = story.records[-1].event.t
        now = story.start_ns
        while now <= min(last, end_ns):
            busy = bool(calling) and now >= calling[0]
            if now >= start_ns:
                energy += 28_000 if busy else 3_000
                records.append(Record(None, _sample(now, busy, energy, source)))
            now += SECOND // 10 if busy else SECOND
    return records


def _sample(t: int, busy: bool, energy: int, source: random.Random) -> ev.GpuSample:
    return ev.GpuSample(
        t=t,
        used_bytes=(3 * GIB + source.randrange(4) * 2 * MIB) if busy else GIB,
        process_bytes=None,
        utilization=source.randrange(93, 100) if busy else source.randrange(3),
        power_mw=source.randrange(270_000, 285_000) if busy else 60_000,
        energy_mj=energy,
        temperature_c=source.randrange(61, 64) if busy else 44,
        sm_mhz=source.choice((1_980, 1_965)) if busy else 345,
        memory_mhz=9_501 if busy else 405,
        reasons=0x4 if busy else 0x1,
        others=0,
    )
