"""What to run: every default resolved, every refusal one line that helps."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler import catalog
from profiler.request import (
    ENGINES,
    MAX_BATCH_SIZE,
    MAX_CALLS,
    MAX_PIXELS,
    MAX_REPEATS,
    MAX_SEED,
    MAX_STEPS,
    VARIANTS,
    BadRequest,
    Compilation,
    Options,
    Request,
    resolve,
)

SD = "sd15-txt2img"


def asked(device: str = "cpu", **given_options: object) -> Request:
    return resolve(msgspec.convert({"pipeline": SD} | given_options, Options), device)


def test_the_defaults_are_the_published_workload() -> None:
    request = asked("cuda:0")
    assert [case.name for case in request.cases] == [f"{SD}-{variant}-b1" for variant in VARIANTS]
    assert (request.device, request.repeats, len(request.runs)) == ("cuda:0", 3, 9)
    assert (request.cache, request.keep_cache, request.queue, request.max_time_s) == ("cold", False, True, None)
    workload = request.cases[0].workload
    assert (workload.steps, workload.guidance, workload.height, workload.width) == (50, 7.5, 512, 512)
    assert (workload.batch_size, workload.warmup, workload.calls, workload.seed) == (1, 1, 5, 0)
    assert (workload.size, workload.weights, workload.scenario, workload.dtype) == (
        "full",
        "random",
        "steady",
        "float16",
    )
    assert workload.prompt == catalog.find(SD).prompt


def test_how_the_variants_compile_depends_on_the_device() -> None:
    plain, whole, regional = (case.compilation for case in asked("cuda:0").cases)
    assert plain == Compilation(variant="no-compile")
    assert (whole.engine, whole.backend, whole.mode, whole.fullgraph) == (None, "inductor", "reduce-overhead", True)
    assert (regional.engine, regional.backend) == ("diffusers", "inductor")
    assert (regional.mode, regional.fullgraph) == ("default", True)
    on_cpu = asked("cpu").cases
    assert on_cpu[1].compilation.mode == "default"
    assert on_cpu[0].workload.dtype == "float32"


def test_accelerate_compiles_without_fullgraph_and_is_in_the_name() -> None:
    request = asked(variants=["regional-compile"], engines=["diffusers", "accelerate"])
    assert [case.name for case in request.cases] == [
        f"{SD}-regional-compile-b1",
        f"{SD}-regional-compile-accelerate-b1",
    ]
    assert [case.compilation.fullgraph for case in request.cases] == [True, False]


def test_options_override_the_defaults() -> None:
    request = asked(
        variants=["compile"],
        batch_sizes=[2],
        steps=7,
        calls=3,
        warmup=0,
        repeats=1,
        height=64,
        width=128,
        guidance=1.0,
        dtype="bfloat16",
        seed=9,
        prompt="",
        mode="max-autotune",
        fullgraph=False,
        dynamic=True,
        size="tiny",
        cache="warm",
        keep_cache=True,
        queue=False,
        max_time_s=60.0,
    )
    workload = request.cases[0].workload
    assert (workload.steps, workload.calls, workload.warmup, workload.seed) == (7, 3, 0, 9)
    assert (workload.height, workload.width, workload.guidance, workload.dtype) == (64, 128, 1.0, "bfloat16")
    assert (workload.prompt, workload.batch_size) == ("", 2)
    assert request.cases[0].compilation == Compilation(
        variant="compile", backend="inductor", mode="max-autotune", fullgraph=False, dynamic=True
    )
    assert (request.cache, request.keep_cache, request.queue, request.max_time_s) == ("warm", True, False, 60.0)


def test_another_backend_has_no_mode() -> None:
    assert asked(backend="eager", variants=["compile"]).cases[0].compilation.mode is None
    with pytest.raises(BadRequest, match="inductor backend only"):
        asked(backend="eager", mode="default")


def test_runs_are_interleaved_so_that_drift_sides_with_nobody() -> None:
    request = asked(repeats=3)
    order = [VARIANTS.index(request.case(run.case).compilation.variant) for run in request.runs]
    assert order == [0, 1, 2, 1, 2, 0, 2, 0, 1]
    assert [run.name for run in request.runs][:4] == [
        f"001-{SD}-no-compile-b1-r1",
        f"002-{SD}-compile-b1-r1",
        f"003-{SD}-regional-compile-b1-r1",
        f"004-{SD}-compile-b1-r2",
    ]


def test_what_is_asked_twice_is_run_once() -> None:
    request = asked(variants=["compile", "compile"], batch_sizes=[1, 1], engines=["diffusers", "diffusers"], repeats=1)
    assert len(request.cases) == len(request.runs) == 1


def test_cases_and_runs_are_found_by_name() -> None:
    request = asked()
    assert request.case(request.cases[1].name) is request.cases[1]
    assert request.run(request.runs[4].name) is request.runs[4]
    for find in (request.case, request.run):
        with pytest.raises(KeyError):
            find("nothing")


BAD: list[tuple[dict[str, object], str]] = [
    ({"pipeline": "sd15"}, "did you mean 'sd15-txt2img'?"),
    ({"pipeline": "nothing like it"}, "'stepscope pipelines' lists them"),
    ({"pipeline": "a\nb"}, "no pipeline is called"),
    ({"variants": ["compiled"]}, "did you mean 'compile'?"),
    ({"engines": ["deepspeed"]}, "there are: diffusers, accelerate"),
    ({"size": "small"}, "there are: full, tiny"),
    ({"cache": "hot"}, "there are: cold, warm, shared"),
    ({"mode": "max-autotun"}, "did you mean 'max-autotune'?"),
    ({"dtype": "fp16"}, "there are: float32, float16, bfloat16"),
    ({"dtype": "float"}, "did you mean 'float"),
    ({"batch_sizes": [0]}, f"batch size must be from 1 to {MAX_BATCH_SIZE}, not 0"),
    ({"batch_sizes": [1, 10**6]}, f"batch size must be from 1 to {MAX_BATCH_SIZE}, not 1000000"),
    ({"steps": 0}, f"steps must be from 1 to {MAX_STEPS}, not 0"),
    ({"steps": -5}, "not -5"),
    ({"steps": MAX_STEPS + 1}, "steps must be"),
    ({"calls": 0}, f"calls must be from 1 to {MAX_CALLS}"),
    ({"warmup": -1}, "warm-up calls must be from 0"),
    ({"repeats": 0}, f"repeats must be from 1 to {MAX_REPEATS}"),
    ({"seed": -1}, f"seed must be from 0 to {MAX_SEED}"),
    ({"seed": MAX_SEED + 1}, "seed must be"),
    ({"height": 513}, "height must be a multiple of 8 for sd15-txt2img, not 513: 512 would work"),
    ({"width": 12}, "width must be a multiple of 8"),
    ({"height": 0}, f"height must be from 8 to {MAX_PIXELS}, not 0"),
    ({"width": MAX_PIXELS + 8}, "width must be from"),
    ({"guidance": -1.0}, "guidance must be a number from 0 to 100, not -1"),
    ({"guidance": float("nan")}, "not nan"),
    ({"guidance": float("inf")}, "not inf"),
    ({"max_time_s": 0.0}, "--max-time must be a number of seconds above 0, not 0"),
    ({"max_time_s": float("nan")}, "not nan"),
    ({"prompt": "caf\udce9"}, "the prompt must be valid UTF-8"),
    ({"weights": "/models/\udcff"}, "the weights must be valid UTF-8"),
]


@pytest.mark.parametrize(("options", "says"), BAD, ids=[f"{next(iter(o))} {i}" for i, (o, _) in enumerate(BAD)])
def test_a_bad_request_is_one_line_that_says_what_would_work(options: dict[str, object], says: str) -> None:
    with pytest.raises(BadRequest) as caught:
        asked(**options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    str(caught.value).encode()


POSSIBLE = {
    "variants": st.lists(st.sampled_from(VARIANTS)),
    "engines": st.lists(st.sampled_from(ENGINES)),
    "batch_sizes": st.lists(st.integers(1, 8), max_size=3),
    "repeats": st.integers(1, 5),
    "steps": st.integers(1, MAX_STEPS),
    "calls": st.integers(1, MAX_CALLS),
    "warmup": st.integers(0, 3),
    "height": st.integers(1, 64).map(lambda n: n * 8),
    "guidance": st.floats(0, 100),
    "size": st.sampled_from(["full", "tiny"]),
    "prompt": st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
}


@given(options=st.fixed_dictionaries({}, optional=POSSIBLE), device=st.sampled_from(["cpu", "cuda:0", "cuda:3"]))
def test_every_possible_request_is_complete_and_fair(options: dict[str, object], device: str) -> None:
    request = asked(device, **options)
    names = [case.name for case in request.cases]
    assert len(set(names)) == len(names)
    assert Counter(run.case for run in request.runs) == dict.fromkeys(names, request.repeats)
    assert len({run.name for run in request.runs}) == len(request.runs)
    assert [int(run.name[:3]) for run in request.runs] == list(range(1, len(request.runs) + 1))
    for case in names:
        assert [run.repeat for run in request.runs if run.case == case] == list(range(1, request.repeats + 1))
    for start in range(0, len(request.runs), len(names)):
        assert {run.case for run in request.runs[start : start + len(names)]} == set(names)
    assert msgspec.json.decode(msgspec.json.encode(request), type=Request) == request
    json.loads(msgspec.json.encode(request))


ANYTHING: dict[str, st.SearchStrategy[object]] = {
    "pipeline": st.sampled_from([SD]) | st.text(max_size=20),
    "variants": st.lists(st.sampled_from(VARIANTS) | st.text(max_size=9), max_size=3),
    "batch_sizes": st.lists(st.integers(), max_size=3),
    "steps": st.integers(),
    "calls": st.integers(),
    "height": st.integers(),
    "width": st.integers(-8, 2000),
    "guidance": st.floats(),
    "seed": st.integers(),
    "dtype": st.text(max_size=9),
    "mode": st.text(max_size=9),
    "prompt": st.text(),
    "max_time_s": st.floats(),
}


@given(options=st.fixed_dictionaries({}, optional=ANYTHING))
def test_whatever_is_asked_for_is_resolved_or_refused_in_one_line(options: dict[str, object]) -> None:
    refusal = ""
    try:
        msgspec.json.encode(asked(**options))
    except BadRequest as error:
        refusal = str(error)
    assert "\n" not in refusal
    refusal.encode()
