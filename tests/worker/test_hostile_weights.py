"""Pickled weights and code that comes with a pipeline, through a real worker: nothing of it runs unless it is allowed.

Each trap leaves a mark where it was sprung. What a request is refused for by the command line was put there afterwards,
so that the worker has to refuse it, and where the first look at a folder is led astray, the libraries do.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from PIL import Image

from profiler import catalog, sessions
from profiler.catalog.build import build
from profiler.catalog.errors import BuildError
from profiler.eventlog import LogReader
from profiler.events import Event, Note, RunEnded
from profiler.request import BadRequest, Leg, Options, Request, resolve
from profiler.sessions import SessionFolder
from profiler.trust import NOTHING, Trust
from profiler.worker import foreign
from profiler.worker.lora import Loras

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model", "controlnet": "diffusion_pytorch_model"}
REVISION = "0" * 40


class Trap:
    """Unpickled by whatever trusts it, makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


class Case(NamedTuple):
    """``damage`` makes of a good folder what the worker finds. ``says`` is in the reason; None: the run ends well."""

    damage: Callable[[Path, Path], object]
    says: str | None
    pipeline: str = ""  # "": the folder itself
    options: dict[str, Any] = {}
    trust: Trust = NOTHING


# --- what is put into a folder ----------------------------------------------------------------------------------------


def weights_of(folder: Path, component: str) -> Path:
    return folder / component / f"{NAMES.get(component, 'pytorch_model')}.bin"


def no_safetensors(folder: Path, component: str) -> None:
    for file in (folder / component).glob("*.safetensors"):
        file.unlink()


def bomb(component: str, *, decoy: bool = False) -> Callable[[Path, Path], object]:
    """Pickled weights alone. ``decoy``: beside a file that looks like safe ones and isn't the one that is needed."""

    def damage(folder: Path, mark: Path) -> None:
        no_safetensors(folder, component)
        torch.save({"weight": Trap(mark)}, weights_of(folder, component))
        if decoy:
            (folder / component / "other.safetensors").write_bytes(b"")

    return damage


def old_bomb(folder: Path, mark: Path) -> None:
    """As torch saved before version 1.6: a bare pickle."""
    no_safetensors(folder, "unet")
    weights_of(folder, "unet").write_bytes(pickle.dumps(Trap(mark)))


def tensors(*components: str) -> Callable[[Path, Path], object]:
    """Pickled weights that are nothing but tensors."""

    def damage(folder: Path, _mark: Path) -> None:
        from safetensors.torch import load_file

        for component in components:
            [safe] = (folder / component).glob("*.safetensors")
            torch.save(load_file(safe), weights_of(folder, component))
            safe.unlink()

    return damage


def index(folder: Path, **changes: Any) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def code(mark: Path, rest: str = "") -> str:
    return f"import os\nos.mkdir({str(mark)!r})\n{rest}"


def own_pipeline(folder: Path, mark: Path) -> None:
    index(folder, _class_name=["pipeline", "Mine"])
    rest = "from diffusers import StableDiffusionPipeline\nclass Mine(StableDiffusionPipeline):\n    pass\n"
    (folder / "pipeline.py").write_text(code(mark, rest))


def own_component(folder: Path, mark: Path) -> None:
    index(folder, unet=["mine", "Mine"])
    rest = "from diffusers import UNet2DConditionModel\nclass Mine(UNet2DConditionModel):\n    pass\n"
    (folder / "unet" / "mine.py").write_text(code(mark, rest))


def shadowed(folder: Path, mark: Path) -> None:
    """A file of the name of a library that may be imported: diffusers looks for it in the component's folder first."""
    index(folder, unet=["diffusers", "UNet2DConditionModel"])
    (folder / "unet" / "diffusers.py").write_text(code(mark, "class UNet2DConditionModel:\n    pass\n"))


def installed_module(folder: Path, mark: Path) -> None:
    """A module that can be imported: diffusers would, for its name alone."""
    (mark.parent / "importable" / f"trap_{mark.name}.py").write_text(code(mark))
    index(folder, unet=[f"trap_{mark.name}", "Mine"])


def auto_map(component: str, kind: str, module: str) -> Callable[[Path, Path], object]:
    """A class of transformers that looks into the configuration for the code to be run."""

    def damage(folder: Path, mark: Path) -> None:
        index(folder, **{component: ["transformers", kind]})
        file = "tokenizer_config.json" if component == "tokenizer" else "config.json"
        path = folder / component / file
        config = json.loads(path.read_text()) if path.exists() else {}
        names = ["trap.Mine", "trap.Mine"] if component == "tokenizer" else "trap.Mine"
        config |= {
            "auto_map": {kind: names, "AutoConfig": "trap.Mine"},
            "model_type": "mine",
            "tokenizer_class": "Mine",
        }
        path.write_text(json.dumps(config))
        (folder / component / "trap.py").write_text(code(mark, f"from transformers import {module} as Mine\n"))

    return damage


def nested(folder: Path, _mark: Path) -> None:
    """A pipeline in the place of a component: diffusers hands on neither that pickles nor that code are refused."""
    inner = folder.with_name(f"{folder.name}-inner")
    shutil.copytree(folder, inner)
    tensors("unet")(inner, inner)
    shutil.rmtree(folder / "unet")
    inner.rename(folder / "unet")
    (folder / "unet" / "other.safetensors").write_bytes(b"")
    index(folder, unet=["diffusers", "DiffusionPipeline"])


def own_generate(folder: Path, mark: Path) -> None:
    """Code for ``generate``: the first versions of transformers that had it ran it from any folder."""
    (folder / "text_encoder" / "custom_generate").mkdir()
    (folder / "text_encoder" / "custom_generate" / "generate.py").write_text(code(mark))


def pickled_adapter(folder: Path, mark: Path) -> None:
    """A LoRA beside the weights of a component: transformers loads it without having been asked."""
    config = {"peft_type": "LORA", "r": 2, "target_modules": ["q_proj"], "base_model_name_or_path": "org/other"}
    (folder / "text_encoder" / "adapter_config.json").write_text(json.dumps(config))
    torch.save({"weight": Trap(mark)}, folder / "text_encoder" / "adapter_model.bin")


def picture(suffix: str) -> Callable[[Path, Path], object]:
    """What stands in the place of the picture that was given."""

    def damage(folder: Path, mark: Path) -> None:
        file = folder / "picture.png"
        if suffix == "eps":  # Pillow would have Ghostscript draw it
            Image.new("RGB", (64, 64)).save(file, format="EPS")
            return
        file.unlink()
        if suffix == "fifo":
            os.mkfifo(file)
        else:
            file.write_bytes(pickle.dumps(Trap(mark)))

    return damage


CASES = {
    "unet": Case(bomb("unet"), "pickled weights only (unet/diffusion_pytorch_model.bin)"),
    "old": Case(old_bomb, "--allow-pickle loads them"),
    "text-encoder": Case(bomb("text_encoder"), "pickled weights only (text_encoder/pytorch_model.bin)"),
    "unet-decoy": Case(bomb("unet", decoy=True), "lacks safetensors"),
    "text-encoder-decoy": Case(bomb("text_encoder", decoy=True), "lacks safetensors"),
    "vae-decoy": Case(bomb("vae", decoy=True), "lacks safetensors"),
    "of-the-catalogue": Case(
        bomb("vae", decoy=True), "lacks safetensors", "sd15-txt2img", {"weights": "FOLDER", "size": "tiny"}
    ),
    "another-vae": Case(
        bomb("vae", decoy=True), "the VAE FOLDER", "sd15-txt2img", {"vae": "FOLDER/vae", "size": "tiny"}
    ),
    "pickled-trusting-code": Case(bomb("unet"), "pickled weights only", trust=Trust(remote_code=True)),
    "pipeline": Case(own_pipeline, "its pipeline class"),
    "component": Case(own_component, "its component unet"),
    "module": Case(installed_module, "its component unet"),
    "code-trusting-pickles": Case(own_component, "--trust-remote-code runs it", trust=Trust(pickle=True)),
    "auto-model": Case(auto_map("text_encoder", "AutoModel", "CLIPTextModel"), "cannot load"),
    "auto-tokenizer": Case(auto_map("tokenizer", "AutoTokenizer", "CLIPTokenizer"), "cannot load"),
    "nested": Case(nested, "a pipeline of its own"),
    "generate": Case(own_generate, "its component text_encoder"),
    "adapter": Case(pickled_adapter, "pickled weights only (text_encoder/adapter_model.bin)"),
    "picture": Case(picture("pickle"), "no picture can be read", options={"call": {"image": "@FOLDER/picture.png"}}),
    "drawn": Case(picture("eps"), "it is none of PNG", options={"call": {"image": "@FOLDER/picture.png"}}),
    "fifo": Case(picture("fifo"), "no regular file", options={"call": {"image": "@FOLDER/picture.png"}}),
    # Of the hub, as its client has kept them.
    "of-the-hub": Case(bomb("unet"), "lacks safetensors", "org/of-the-hub"),
    "pipeline-of-the-hub": Case(own_pipeline, "its pipeline class", "org/pipeline-of-the-hub"),
    "component-of-the-hub": Case(own_component, "its component unet", "org/component-of-the-hub"),
    "module-of-the-hub": Case(installed_module, "its component unet", "org/module-of-the-hub"),
    "nested-of-the-hub": Case(nested, "a pipeline of its own", "org/nested-of-the-hub"),
    "generate-of-the-hub": Case(own_generate, "its component text_encoder", "org/generate-of-the-hub"),
    "adapter-of-the-hub": Case(pickled_adapter, "pickled weights only", "org/adapter-of-the-hub"),
    "shadow": Case(shadowed, "its component unet"),
    "shadow-of-the-hub": Case(shadowed, "--trust-remote-code runs it", "org/shadow-of-the-hub"),
    # What is allowed: tensors, and still no program.
    "allowed": Case(tensors("unet", "vae", "text_encoder"), None, trust=Trust(pickle=True)),
    "allowed-bomb": Case(bomb("unet"), "cannot load", trust=Trust(pickle=True)),
    "allowed-bomb-of-transformers": Case(bomb("text_encoder"), "hold more than tensors", trust=Trust(pickle=True)),
    "allowed-old-bomb": Case(old_bomb, "cannot load", trust=Trust(pickle=True)),
}


# --- the worker -------------------------------------------------------------------------------------------------------


class Ran(NamedTuple):
    ended: RunEnded
    events: list[Event]
    folder: Path  # of the pipeline
    mark: Path


def asked(case: Case, folder: Path) -> Request:
    """The request, made while the folder was good."""

    def placed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: placed(each) for name, each in value.items()}
        return value.replace("FOLDER", str(folder)) if isinstance(value, str) else value

    few = {"steps": 2, "calls": 1, "warmup": 0, "repeats": 1, "variants": ["no-compile"]}
    return resolve(Options(pipeline=case.pipeline or str(folder), **few, **placed(case.options)), "cpu")


def events_of(folder: SessionFolder, run: str) -> list[Event]:
    reader = LogReader(folder.run_log(run))
    found: list[Event] = []
    while events := reader.read().events:
        found += events
    return found


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from diffusers import StableDiffusionImg2ImgPipeline

    folder = tmp_path_factory.mktemp("good")
    pipe = build(catalog.find("sd15-txt2img"), size="tiny", weights="random", dtype="float32", device="cpu").pipe
    StableDiffusionImg2ImgPipeline(**pipe.components, requires_safety_checker=False).save_pretrained(folder)
    Image.new("RGB", (64, 64), "red").save(folder / "picture.png")
    return folder


@pytest.fixture(scope="module")
def ran(good: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """Every case, in one worker process."""
    base = tmp_path_factory.mktemp("cases")
    (base / "importable").mkdir()
    lines, made = [], {}
    for name, case in CASES.items():
        folder = base / f"pipe-{name}"
        if case.pipeline.startswith("org/"):
            kept = base / "hub" / "hub" / f"models--org--{name}"
            (kept / "refs").mkdir(parents=True)
            (kept / "refs" / "main").write_text(REVISION)
            folder = kept / "snapshots" / REVISION
        shutil.copytree(good, folder)
        request = asked(case, folder)
        session = sessions.create(request, "0", base / f"home-{name}")
        run = request.runs[0].name
        session.run(run).mkdir(mode=0o700)
        case.damage(folder, base / name)
        lines.append(json.dumps([str(session.path), run, *case.trust.arguments]))
        made[name] = (session, run, folder, base / name)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "PYTHONPATH": f"{ROOT}{os.pathsep}{base / 'importable'}",
        "HOME": str(base / "home"),
        "HF_HOME": str(base / "hub"),
        "OMP_NUM_THREADS": "1",
    }
    worker = [sys.executable, str(Path(__file__).with_name("hostile.py")), *lines]
    subprocess.run(worker, env=environ, check=True, stdin=subprocess.DEVNULL, timeout=300)
    found = {}
    for name, (session, run, folder, mark) in made.items():
        events = events_of(session, run)
        assert isinstance(events[-1], RunEnded), name
        found[name] = Ran(events[-1], events, folder, mark)
    return found


@pytest.mark.parametrize("name", CASES)
def test_nothing_runs_that_was_not_allowed(ran: dict[str, Ran], name: str) -> None:
    case, found = CASES[name], ran[name]
    assert not found.mark.exists()
    if case.says is None:
        assert (found.ended.outcome, found.ended.reason) == ("ok", None)
        return
    assert found.ended.outcome == "failed"
    assert case.says.replace("FOLDER", str(found.folder))[:100] in (found.ended.reason or "")


def test_what_was_allowed_is_noted(ran: dict[str, Ran]) -> None:
    for name, case in CASES.items():
        notes = {event.code for event in ran[name].events if isinstance(event, Note)}
        if case.says is None:
            assert "allow-pickle" in notes
        assert "trust-remote-code" not in notes


# --- the traps themselves ---------------------------------------------------------------------------------------------


def test_the_traps_would_spring(tmp_path: Path, good: Path) -> None:
    """As they would where they are trusted: else the tests above could not fail."""
    pickle.loads(pickle.dumps(Trap(tmp_path / "pickle")))
    folder = tmp_path / "pipe"
    shutil.copytree(good, folder)
    bomb("unet")(folder, tmp_path / "torch")
    torch.load(weights_of(folder, "unet"), weights_only=False)
    old_bomb(folder, tmp_path / "old")
    with pytest.raises(RuntimeError, match="magic number"):  # once it is unpickled
        torch.load(weights_of(folder, "unet"), weights_only=False)
    assert {"pickle", "torch", "old"} < set(os.listdir(tmp_path))


@pytest.mark.parametrize(
    ("damage", "kind"), [(own_pipeline, "Mine"), (own_component, "StableDiffusionImg2ImgPipeline")]
)
def test_code_that_is_trusted_runs(
    damage: Callable[[Path, Path], None], kind: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.utils import dynamic_modules_utils

    # Where diffusers copies such code to before it imports it.
    monkeypatch.setattr(dynamic_modules_utils, "HF_MODULES_CACHE", str(tmp_path / f"modules-{kind}"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / f"pipe-{kind}"
    shutil.copytree(good, folder)
    damage(folder, tmp_path / "mark")
    request = resolve(Options(pipeline=str(folder), trust_remote_code=True, variants=["no-compile"]), "cpu")
    workload = request.cases[0].workload
    with pytest.raises(BuildError, match="--trust-remote-code runs it"):
        foreign.load(workload, "cpu", lambda *_: None)
    assert not (tmp_path / "mark").exists()
    found = foreign.load(workload, "cpu", lambda *_: None, Trust(remote_code=True))
    assert (tmp_path / "mark").exists()
    assert type(found.pipe).__name__ == kind
    assert "Mine" in (kind, type(found.pipe.unet).__name__)


@pytest.mark.soak
def test_both_words_through_the_whole_program(good: Path, tmp_path: Path, own_home: Path) -> None:
    """The command, its conductor and a worker each: refused, then with the word run to a good end."""
    folder = tmp_path / "pipe"
    shutil.copytree(good, folder)
    own_pipeline(folder, tmp_path / "mark")
    tensors("unet", "vae")(folder, tmp_path / "mark")
    few = ["--variant", "no-compile", "--steps", "2", "--calls", "1", "--warmup", "0", "--repeats", "1", "--headless"]
    command = [sys.executable, str(ROOT / "stepscope.py"), "run", str(folder), "--device", "cpu", *few]
    environ = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "OMP_NUM_THREADS": "1"}

    def told(*words: str) -> tuple[int, str]:
        done = subprocess.run([*command, *words], env=environ, check=False, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    for words, says in (((), "--trust-remote-code"), (("--trust-remote-code",), "--allow-pickle")):
        code, text = told(*words)
        assert (code, says in text) == (2, True), text
        assert not (tmp_path / "mark").exists()
    code, text = told("--trust-remote-code", "--allow-pickle")
    assert code == 0, text
    assert (tmp_path / "mark").exists()


# --- LoRA -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["./lora.bin", "/tmp/lora.safetensors", "lora.safetensors", "org/name", "~/lora", "..", "", "a b", "@lora"]
)
def test_no_lora_is_named_by_a_path(name: str) -> None:
    with pytest.raises(BadRequest, match="lora must be a name of letters, digits, - and _"):
        resolve(Options(pipeline="sd15-txt2img", size="tiny", legs=[Leg(name="one", changes={"lora": name})]), "cpu")


def test_loras_are_made_in_memory_and_never_read(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one place that gives diffusers a LoRA gives it tensors, whatever it is called."""
    pytest.importorskip("peft")
    subject = build(catalog.find("sd15-txt2img"), size="tiny", weights="random", dtype="float32", device="cpu")
    given: list[Any] = []
    load = type(subject.pipe).load_lora_weights

    def watched(pipe: Any, weights: Any, **named: Any) -> Any:
        given.append((weights, named))
        return load(pipe, weights, **named)

    monkeypatch.setattr(type(subject.pipe), "load_lora_weights", watched)
    monkeypatch.chdir(good)
    torch.save({"x": Trap(good / "sprung")}, good / "mine.bin")
    Loras(subject, torch.float32, 0).use("mine", 2, 1.0)
    [(weights, named)] = given
    assert named == {"adapter_name": "mine"}
    assert isinstance(weights, dict)
    assert all(isinstance(tensor, torch.Tensor) for tensor in weights.values())
    assert not (good / "sprung").exists()
