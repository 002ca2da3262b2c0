"""CUDA events by stand-ins that behave as documented: asynchronous, NOT_READY until the device gets there."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch

from profiler.analysis.figures import run_figures
from profiler.analysis.fold import SessionFold
from profiler.events import CallEnded, CallStarted, Event, LoopStarted, PhaseStarted, Stage, Step
from profiler.request import Options, resolve
from profiler.subject import plain
from profiler.worker.clock import CudaClock, HostClock, leave_captures_alone, runtime
from profiler.worker.live import LiveWriter
from profiler.worker.measure import Measurement
from profiler.worker.steps import LoopRecorder, Owner
from tests.worker.conftest import Ticks, make_workload

MS = 1_000_000


class FakeCuda:
    """A device with one stream: work is queued, and done as time passes on ``host``."""

    def __init__(self, host: Ticks) -> None:
        self.host = host
        self.free_ns = 0  # when the device has done all that is queued
        self.calls: list[str] = []
        self.made = 0
        fake = self

        class FakeEvent:
            def __init__(self, enable_timing: bool = False) -> None:
                assert enable_timing, "events that measure must be made for timing"
                fake.made += 1
                fake.calls.append("event")
                self.at: int | None = None

            def record(self, stream: Any = None) -> None:
                assert stream == "stream of 1"
                self.at = max(fake.free_ns, host.ns)

            def query(self) -> bool:
                fake.calls.append("query")
                return self.at is not None and self.at <= host.ns

            def elapsed_time(self, end: FakeEvent) -> float:
                for event in (self, end):
                    if event.at is None or event.at > host.ns:
                        raise RuntimeError("CUDA error: device not ready")
                assert self.at is not None
                assert end.at is not None
                return (end.at - self.at) / 1e6

        self.Event = FakeEvent

    def current_stream(self, device: int) -> str:
        return f"stream of {device}"

    def synchronize(self, device: int) -> None:
        self.calls.append("synchronize")
        self.host.ns = max(self.host.ns, self.free_ns)

    def set_device(self, device: int) -> None:
        self.calls.append(f"set_device {device} in {threading.current_thread().name}")

    def launch(self, host_ns: int, device_ns: int) -> None:
        """The host spends ``host_ns`` to queue work of ``device_ns``."""
        self.host.ns += host_ns
        self.free_ns = max(self.free_ns, self.host.ns) + device_ns


def run_loop(host: Ticks, cuda: FakeCuda, launch: tuple[int, int], steps: int = 3) -> tuple[list[Event], LiveWriter]:
    """A loop whose denoiser launches ``launch`` (host ns, device ns) a step, between prepare and synchronize."""
    events: list[Event] = []
    clock = CudaClock(1, cuda, host)
    writer = LiveWriter(clock, events.append)
    clock.prepare(steps)
    clock.anchor()
    recorder = LoopRecorder(0, clock, writer.put, now=host)
    denoise = recorder.around_denoiser(Owner("denoise", ["unet"]))(lambda: cuda.launch(*launch))
    step = recorder.around_scheduler(lambda: cuda.launch(MS // 10, MS // 100))
    cuda.calls.clear()
    for _ in range(steps):
        denoise()
        step()
    recorder.end_loop()
    return events, writer


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def test_device_time_is_placed_on_the_logs_clock() -> None:
    host = Ticks()
    host.ns = 5_000 * MS
    cuda = FakeCuda(host)
    events, writer = run_loop(host, cuda, launch=(MS, 20 * MS))
    cuda.synchronize(1)
    writer.flush()
    steps = of(Step, events)
    assert of(LoopStarted, events)[0].start_ns == 5_000 * MS
    # The device starts 1 ms after the loop (the first launch), then is busy all the time.
    assert [step.ns for step in steps] == [21_010_000, 20_010_000, 20_010_000]
    assert [step.start_ns for step in steps] == [5_000 * MS, 5_021_010_000, 5_041_020_000]
    assert [step.host_ns for step in steps] == [1_100_000] * 3
    assert [step.enqueue_ns for step in steps] == [MS] * 3
    assert [step.scheduler_ns for step in steps] == [MS // 10] * 3


def test_a_queue_that_stays_full_is_device_bound_and_one_that_runs_dry_host_bound() -> None:
    for launch, host_bound in (((MS, 20 * MS), False), ((20 * MS, 0), True)):
        host = Ticks()
        cuda = FakeCuda(host)
        events, writer = run_loop(host, cuda, launch)
        cuda.synchronize(1)
        writer.flush()
        assert [step.host_bound for step in of(Step, events)] == [host_bound] * 3


@pytest.mark.parametrize(
    ("launch", "word", "enqueue"),
    [
        ((MS, 20 * MS), "device", MS / (20 * MS + MS // 100)),
        ((20 * MS, 0), "host", 20 / 20.1),
        ((20 * MS, MS), "unsure", 20 / 20.1),  # the device is not idle, but just behind
    ],
)
def test_the_cross_check_is_host_time_to_launch_by_device_time(
    launch: tuple[int, int], word: str, enqueue: float
) -> None:
    host = Ticks()
    cuda = FakeCuda(host)
    events, writer = run_loop(host, cuda, launch, steps=9)
    cuda.synchronize(1)
    writer.flush()
    asked = resolve(Options(pipeline="sd15-txt2img", size="tiny", variants=["no-compile"], repeats=1), "cpu")
    fold = SessionFold("test", asked)
    name = asked.runs[0].name
    fold.run(name, [PhaseStarted(phase="measure"), CallStarted(phase="measure"), *events, CallEnded(ns=host.ns)])
    figures = run_figures(fold.state, fold.state.runs[name])
    assert figures.enqueue_share == pytest.approx(enqueue, rel=1e-3)
    assert figures.bound == word


def test_steps_are_written_when_the_device_has_done_them_and_not_before() -> None:
    host = Ticks()
    cuda = FakeCuda(host)
    events, writer = run_loop(host, cuda, launch=(MS, 20 * MS))
    writer.flush()
    assert [type(event) for event in events] == [LoopStarted]
    host.ns = 42 * MS
    writer.flush()
    assert len(of(Step, events)) == 2
    host.ns = 62 * MS
    writer.flush()
    assert len(of(Step, events)) == 3


def test_nothing_synchronises_or_makes_events_inside_the_loop() -> None:
    host = Ticks()
    cuda = FakeCuda(host)
    run_loop(host, cuda, launch=(MS, 20 * MS), steps=50)
    assert set(cuda.calls) == {"query"}
    assert len(cuda.calls) == 50  # the drained question, once a step


def test_events_are_recorded_again_in_the_next_call() -> None:
    host = Ticks()
    cuda = FakeCuda(host)
    clock = CudaClock(1, cuda, host)
    clock.prepare(10)
    made = cuda.made
    for _ in range(made):
        clock.mark()
    clock.prepare(10)
    assert cuda.made == made
    for _ in range(made + 5):  # more steps than were expected
        clock.mark()
    assert cuda.made == made + 5


def test_the_thread_that_writes_works_on_the_measured_device() -> None:
    cuda = FakeCuda(Ticks())
    writer = LiveWriter(CudaClock(1, cuda, cuda.host), [].append, interval_s=0.001)
    writer.start()
    writer.stop()
    assert cuda.calls == ["set_device 1 in stepscope-live"]


class FakeRuntime:
    """The CUDA runtime's modes of capture: ``mode`` is the thread's that asks, "global" where it never said."""

    def __init__(self, answer: int = 0) -> None:
        self.mode, self.answer = 0, answer

    def cudaThreadExchangeStreamCaptureMode(self, mode: Any) -> int:  # noqa: N802 - CUDA's name
        self.mode, mode._obj.value = mode._obj.value, self.mode
        return self.answer


def test_the_thread_that_writes_lets_graphs_be_captured() -> None:
    """Asked about an event in the mode "global" CUDA spoils the graph that the pipeline is capturing."""
    library = FakeRuntime()
    assert leave_captures_alone(library)
    assert library.mode == 1, "cudaStreamCaptureModeThreadLocal"
    assert not leave_captures_alone(FakeRuntime(answer=100)), "no device"
    assert not leave_captures_alone(None)


@pytest.mark.skipif(torch.version.cuda is None, reason="needs a torch that is built for CUDA")
def test_the_runtime_that_torch_has_loaded_is_found() -> None:
    assert hasattr(runtime(torch.cuda), "cudaThreadExchangeStreamCaptureMode")


def test_a_clock_that_fails_in_the_thread_is_told_by_the_next_flush() -> None:
    class Broken(HostClock):
        def complete(self, mark: Any) -> bool:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    clock = Broken()
    writer = LiveWriter(clock, [].append, interval_s=0.001)
    recorder = LoopRecorder(0, clock, writer.put)
    recorder.around_denoiser(Owner("denoise", ["unet"]))(lambda: None)()
    recorder.around_scheduler(lambda: (None,))()
    writer.start()
    assert writer._thread is not None
    writer._thread.join(10)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        writer.flush()


def test_a_real_pipeline_on_the_stand_in_synchronises_outside_its_loops_only(tiny_pipe: Any) -> None:
    host = Ticks()
    cuda = FakeCuda(host)
    forward = tiny_pipe.unet.forward

    def launching(*args: Any, **kwargs: Any) -> Any:
        cuda.calls.append("denoiser")
        cuda.launch(MS, 10 * MS)
        return forward(*args, **kwargs)

    tiny_pipe.unet.forward = launching
    events: list[Event] = []
    clock = CudaClock(1, cuda, host)
    with Measurement(plain(tiny_pipe, "unet"), make_workload(4), events.append, clock=clock, live=False) as measurement:
        measurement.call("measure")
        cuda.calls.clear()
        measurement.call("measure")
    first, last = cuda.calls.index("denoiser"), len(cuda.calls) - cuda.calls[::-1].index("denoiser")
    assert not {"synchronize", "event"} & set(cuda.calls[first:last])
    assert cuda.calls.count("synchronize") == 2
    assert cuda.calls.index("synchronize") < first
    steps = [step for step in of(Step, events) if step.call == 1]
    assert len(steps) == 5
    [denoise] = [stage for stage in of(Stage, events) if stage.call == 1 and stage.name == "denoise"]
    assert sum(step.ns for step in steps) == denoise.ns


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_cuda_events_behave_as_the_stand_ins() -> None:
    clock = CudaClock(0)
    clock.prepare(2)
    clock.anchor()
    start = clock.mark()
    torch.cuda._sleep(50_000_000)
    end = clock.mark()
    assert not clock.complete(end)
    clock.synchronize()
    assert clock.complete(end)
    assert clock.between(start, end) > 1_000_000
    assert abs(clock.at(start) - start.host_ns) < 1_000_000


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_asking_about_events_spoils_no_graph_that_is_captured_meanwhile() -> None:
    clock = CudaClock(0)
    clock.prepare(2)
    clock.anchor()
    mark = clock.mark()
    answers: list[Any] = []

    def ask() -> None:
        clock.enter_thread()
        answers.extend([clock.complete(mark), clock.between(mark, mark)])

    sample = torch.ones(64, device="cuda:0")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):  # of the mode "global"
        doubled = sample * 2
        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(60)
    graph.replay()
    assert doubled.sum().item() == 128
    assert answers == [True, 0]
