"""What a worker sets, finds and says about the machine before it measures."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from profiler import caches, toolchain
from profiler.request import Case
from profiler.worker import environment
from profiler.worker.device import _pci_bus_id, describe, nvml_uuid
from profiler.worker.stopping import Stopped, StopSignal
from tests.worker.conftest import make_compilation, make_workload

CASE = Case(name="case", compilation=make_compilation("compile"), workload=make_workload())


@pytest.mark.parametrize("cache", ["cold", "warm"])
def test_compile_caches_are_in_one_folder_a_case(tmp_path: Path, own_home: Path, cache: str) -> None:
    environ: dict[str, str] = {}
    environment.prepare(tmp_path, CASE, cache, environ)
    base = {"cold": tmp_path, "warm": own_home}[cache] / "cache" / "case"
    assert environ["TORCHINDUCTOR_CACHE_DIR"] == str(base / "inductor")
    assert environ["TRITON_CACHE_DIR"] == str(base / "triton")
    assert environ["CUDA_CACHE_PATH"] == str(base / "cuda")
    assert environ["TORCHINDUCTOR_FX_GRAPH_REMOTE_CACHE"] == "0"
    assert all((base / name).is_dir() for name in ("inductor", "triton", "cuda"))


def test_shared_caches_are_left_alone(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    environment.prepare(tmp_path, CASE, "shared", environ)
    assert not any("CACHE" in name for name in environ)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("named", [False, True], ids=["torch's own", "TORCHINDUCTOR_CACHE_DIR"])
def test_a_shared_cache_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "a/b")
    path = tmp_path / "cache" if named else Path(default_cache_dir())
    environ = {"TORCHINDUCTOR_CACHE_DIR": str(path)} if named else {}
    caches.check_shared(environ)
    path.mkdir(mode=0o755)
    caches.check_shared(environ)
    path.chmod(0o777)
    with pytest.raises(PermissionError, match="somebody else could write"):
        caches.check_shared(environ)
    path.chmod(0o700)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(PermissionError, match="somebody else could write"):
        environment.prepare(tmp_path, CASE, "shared", dict(environ))


@pytest.mark.parametrize(
    ("given", "offline"),
    [
        ({"weights": "random"}, True),
        ({"weights": "/a/folder"}, True),
        ({"vae": "tiny"}, True),
        ({"vae": "/a/folder"}, True),
        ({"weights": "hub"}, False),
        ({"weights": "factory"}, False),
        ({"vae": "org/name"}, False),
        ({"attention": "flash_hub"}, False),
    ],
)
def test_the_hub_is_asked_only_for_what_is_from_it(tmp_path: Path, given: dict[str, str], offline: bool) -> None:
    environ: dict[str, str] = {}
    case = msgspec.structs.replace(CASE, workload=msgspec.structs.replace(CASE.workload, **given))
    environment.prepare(tmp_path, case, "shared", environ)
    assert ("HF_HUB_OFFLINE" in environ) is offline
    assert environ["HF_HUB_DISABLE_TELEMETRY"] == environ["DIFFUSERS_DISABLE_REMOTE_CODE"] == "1"


def test_what_inductor_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"PATH": str(tmp_path)}
    assert toolchain.missing("cpu", nothing) == "no C++ compiler (apt install g++ python3-dev)"
    assert toolchain.missing("cuda:0", nothing) == "no C compiler (apt install gcc python3-dev)"
    for name in ("g++", "gcc"):
        (tmp_path / name).touch(mode=0o755)
    headers = tmp_path / "include"
    monkeypatch.setattr("sysconfig.get_paths", lambda: {"include": str(headers)})
    assert toolchain.missing("cpu", nothing) == "no Python headers (apt install python3-dev)"
    headers.mkdir()
    (headers / "Python.h").touch()
    assert toolchain.missing("cpu", nothing) is None
    assert toolchain.missing("cuda:0", nothing) is None
    assert toolchain.missing("cpu", {**nothing, "CXX": "absent-compiler"}) is not None


@pytest.mark.parametrize(("variant", "backend"), [("no-compile", "eager"), ("compile", "eager")])
def test_other_backends_need_no_compiler(variant: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert toolchain.missing_for(make_compilation(variant, backend), "cpu") is None


def test_the_environment_of_a_cpu() -> None:
    about = describe("cpu", trace=True, trace_reason=None)
    assert about.device == "cpu"
    assert about.uuid is None
    assert about.total_bytes is not None
    assert about.total_bytes > 1 << 28
    assert 0 < about.cores <= (os.cpu_count() or 1)
    assert about.versions["python"].startswith("3.")


@pytest.mark.parametrize(
    ("uuid", "name", "printed"),
    [
        ("0dfc-11", "NVIDIA H100", "GPU-0dfc-11"),
        ("GPU-0dfc-11", "NVIDIA H100", "GPU-0dfc-11"),
        ("0dfc-11", "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "MIG-0dfc-11"),
        (None, "NVIDIA H100", None),
    ],
)
def test_uuids_are_written_as_nvml_prints_them(uuid: str | None, name: str, printed: str | None) -> None:
    assert nvml_uuid(SimpleNamespace(uuid=uuid, name=name)) == printed


def test_pci_addresses_are_written_as_nvml_prints_them() -> None:
    properties = SimpleNamespace(pci_domain_id=0, pci_bus_id=0xAF, pci_device_id=0)
    assert _pci_bus_id(properties) == "00000000:AF:00.0"
    assert _pci_bus_id(SimpleNamespace()) is None


@pytest.fixture
def stop_signal() -> Iterator[StopSignal]:
    before = signal.getsignal(signal.SIGTERM)
    stop = StopSignal()
    stop.install()
    yield stop
    stop.finished()
    signal.signal(signal.SIGTERM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stop_that_a_destructor_swallowed_comes_again(stop_signal: StopSignal) -> None:
    class Swallows:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)

    victim = Swallows()
    del victim
    with pytest.raises(Stopped):
        time.sleep(60)


def test_a_stop_after_the_end_changes_nothing(stop_signal: StopSignal) -> None:
    stop_signal.finished()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)
