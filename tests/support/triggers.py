"""A recorded session whose runs compile again for many reasons: real texts of torch 2.13 with their real payloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from profiler import events as ev
from tests.support import recorded
from tests.support.recorded import BASE_NS, WALL_NS, Recording
from tests.support.story import MS, Story

UNET = "/site-packages/diffusers/models/unets/unet_2d_condition.py"
PIPELINE = "/site-packages/diffusers/pipelines/stable_diffusion/pipeline_stable_diffusion.py"
LORA = "/site-packages/diffusers/utils/peft_utils.py"
ATTENTION = "/site-packages/diffusers/models/attention.py"
EXTERNAL = "/site-packages/torch/_dynamo/external_utils.py"
WORKER = "profiler/worker/calls.py:88 in measure"
STACK = [f"{PIPELINE}:1040 in __call__", WORKER]

WHOLE: dict[str, Any] = {
    "module": "UNet2DConditionModel",
    "fqn": "unet",
    "function": "wrapper",
    "file": LORA,
    "line": 300,
}
BLOCK: dict[str, Any] = {
    "module": "BasicTransformerBlock",
    "fqn": "unet.down_blocks.0.attentions.0.transformer_blocks.0",
    "function": "forward",
    "file": ATTENTION,
    "line": 1004,
}
LEAF: dict[str, Any] = {
    "module": "GroupNorm",
    "fqn": "unet.conv_norm_out",
    "function": "inner",
    "file": EXTERNAL,
    "line": 67,
}
LEGS = ("128x128", "192x128", "int timestep", "grad mode", "new processor", "beyond the limit")


SWAPPED = """\
0/0: ___check_type_id(self._modules['down_blocks']._modules['0']._modules['attentions']._modules['0']._modules\
['transformer_blocks']._modules['0']._modules['attn1'].processor, 94911736), type=<class \
'diffusers.models.attention_processor.AttnProcessor2_0'>  # attn_parameters = set(inspect.signature(\
self.processor.__call__).parameters.keys())  # diffusers/models/attention_processor.py:596 in forward \
(HINT: type AttnProcessor2_0)
User stack trace:
  File "/site-packages/diffusers/models/attention.py", line 1022, in forward
    attn_output = self.attn1(norm_hidden_states)"""


@dataclass
class Told:
    """A compile as a story tells it; ``reasons``: why again, none for a frame's first."""

    what: dict[str, Any]
    id: str
    ns: int
    reasons: list[str] = field(default_factory=list)
    matched: int = 0
    source: str | None = None
    argument: str | None = None
    actual: str | None = None
    at: str | None = None
    caches: Sequence[tuple[str, str, int | None]] = (("aot", "miss", None), ("fx", "miss", None))
    dynamic: Sequence[tuple[str, int, str, str]] = ()  # argument, dimension, before, now
    broken: bool = False
    limit: int | None = None
    operators: int = 538
    guards: int = 5_454


FIRST = Told(WHOLE, "0/0", 24_400 * MS, operators=529, guards=5_452, broken=True)
HEIGHT = Told(
    WHOLE,
    "0/1",
    44_800 * MS,
    ["0/0: tensor 'args[0]' size mismatch at index 2. expected 16, actual 24"],
    source="args[0]",
    argument="sample",
    actual="24",
    at=f"{UNET}:1120",
    dynamic=[("sample", 2, "16", "24")],
)
TIMESTEP = Told(
    WHOLE,
    "0/2",
    21_300 * MS,
    [
        "0/1: expected type of 'args[1]' to be a tensor type, ' but found <class 'int'>",
        "0/0: tensor 'args[0]' size mismatch at index 2. expected 16, actual 24",
    ],
    source="args[1]",
    argument="timestep",
    actual="int 11",
    at=f"{UNET}:854",
)
GRAD = Told(
    WHOLE, "0/3", 20_100 * MS, ["0/2: GLOBAL_STATE changed: grad_mode ", "0/1: GLOBAL_STATE changed: grad_mode "]
)
PROCESSOR = Told(
    WHOLE,
    "0/4",
    19_800 * MS,
    [SWAPPED],
    source="self._modules['down_blocks']._modules['0']._modules['attentions']._modules['0'].processor",
    argument="self.attn1.processor",
    actual="AttnProcessor",
    at=f"{ATTENTION}:1022",
)
LIMIT = Told(
    WHOLE,
    "0/5",
    3 * MS,
    ["0/4: tensor 'args[0]' size mismatch at index 0. expected 2, actual 4"],
    source="args[0]",
    argument="sample",
    actual="4",
    limit=8,
)
WIDTHS = [
    Told(
        BLOCK,
        f"0/{number}",
        900 * MS,
        [f"0/{number - 1}: tensor 'hidden_states' size mismatch at index 1. expected {before}, actual {now}"],
        source="hidden_states",
        argument="hidden_states",
        actual=str(now),
        operators=61,
        guards=212,
    )
    for number, (before, now) in enumerate(((256, 64), (64, 16)), start=1)
]
LEAVES = [
    Told(
        LEAF | {"module": module},
        f"1/{number}",
        120 * MS,
        [f"1/{number - 1}: ___check_type_id(fn, 94{number}11736), type=<class 'torch.nn.modules.{module}'>"],
        source="fn",
        operators=1,
        guards=9,
    )
    for number, module in enumerate(("SiLU", "Conv2d"), start=1)
]
TOKENS = Told(
    BLOCK,
    "0/3",
    1_900 * MS,
    ["0/2: tensor 'hidden_states' size mismatch at index 1. expected 16, actual 24"],
    source="hidden_states",
    argument="hidden_states",
    actual="24",
    at=f"{ATTENTION}:1010",
    dynamic=[("hidden_states", 1, "16", "24")],
    caches=(("aot", "hit", 1_650 * MS), ("fx", "hit", 1_210 * MS)),
    operators=61,
    guards=212,
)

SCRIPT: dict[str, dict[str, list[Told]]] = {
    # by variant, then by the leg whose first step is interrupted ("": the compiling call)
    "compile": {
        "": [FIRST],
        "192x128": [HEIGHT],
        "int timestep": [TIMESTEP],
        "grad mode": [GRAD],
        "new processor": [PROCESSOR],
        "beyond the limit": [LIMIT],
    },
    "regional-compile": {
        "": [Told(BLOCK, "0/0", 2_300 * MS, operators=61, guards=212), *WIDTHS, Told(LEAF, "1/0", 150 * MS), *LEAVES],
        "192x128": [TOKENS],
    },
}

CODE = {
    (UNET, 1120): [
        "        # 2. pre-process",
        "        sample = self.conv_in(sample)",
        "",
        "        # 2.5 GLIGEN position net",
        '        if cross_attention_kwargs is not None and cross_attention_kwargs.get("gligen", None) is not None:',
    ],
    (UNET, 854): [
        "        timesteps = timestep",
        "        if not torch.is_tensor(timesteps):",
        "            # TODO: this requires sync between CPU and GPU. So try to pass timesteps as tensors if you can",
    ],
    (ATTENTION, 1022): [
        "            attn_output = self.attn1(",
        "                norm_hidden_states,",
        "                encoder_hidden_states=encoder_hidden_states if self.only_cross_attention else None,",
    ],
}


class TriggersStory(Story):
    """A run that compiles as the script says; the phases of a compile and their parts have real proportions."""

    graphs = 1

    def call(self, phase: str, leg: str | None = None) -> None:
        self._leg = "" if phase == "compile" else leg
        self._script = list(SCRIPT.get(self.variant, {}).get(self._leg or "", [])) if phase != "warmup" else []
        if phase == "measure" and leg in self._legs:
            self._script = []
        elif leg is not None and phase == "measure":
            self._legs.append(leg)
        super().call(phase, leg)

    def _step(self, phase: str, call: int, step: int) -> None:
        before = self.now
        if step == 0:
            for told in self._script:
                self._tell(told, call, step)
            if self._script and self._script[-1].limit is not None:
                where = {"call": call, "stage": "denoise", "loop": 0, "step": step}
                self.tell(ev.EagerFallback(**where, graphs=0, expected=1))
        waited = self.now - before
        self._script = []
        super()._step("measure", call, step)
        last = self.records[-1].event
        assert isinstance(last, ev.Step)
        last.start_ns -= waited
        last.ns += waited

    def _tell(self, told: Told, call: int, step: int) -> None:
        where: dict[str, Any] = {"id": told.id, "call": call, "stage": "denoise", "loop": 0, "step": step}
        start = self.now
        if told.reasons:
            self.tell(
                ev.Recompile(
                    **where,
                    **told.what,
                    reasons=told.reasons,
                    total_reasons=len(told.reasons),
                    matched=told.matched,
                    source=told.source,
                    argument=told.argument,
                    actual=told.actual,
                    at=told.at,
                )
            )
        if told.at is not None:
            self._tell_code(told.at, where)
        if told.limit is not None:
            self.now += told.ns
            why = "Dynamo recompile limit exceeded"
            named = {key: told.what[key] for key in ("module", "fqn", "function")}
            self.tell(ev.CompileLimit(**where, **named, limit=told.limit, why=why))
            return
        again = bool(told.reasons)
        self.tell(ev.CompileStarted(**where, **told.what, caller=STACK[0], stack=STACK, recompile=again))
        shares = {"dynamo": 0.98, "guards": 0.05, "aot": 0.78, "inductor": 0.66, "codegen": 0.52, "kernels": 0.27}
        durations = {"total": told.ns} | {phase: int(told.ns * share) for phase, share in shares.items()}
        begun = [phase for phase in durations if phase != "guards"]
        for phase in begun:
            self.tell(ev.CompilePhase(**where, phase=phase))
            self.now += told.ns // 10
        for argument, dimension, before, now in told.dynamic:
            name = f"L['args'][{dimension}]"
            mark = ev.DynamicMark(**where, name=name, dim=dimension, argument=argument, why="size change")
            mark.cached, mark.new = before, now
            self.tell(mark)
        if told.broken:
            self.tell(
                ev.GraphBreak(
                    **where,
                    file="/home/user/callbacks.py",
                    line=49,
                    break_id="gb0059",
                    reason="Failed to trace builtin operator `print`",
                )
            )
        for layer, state, saved in told.caches:
            self.tell(ev.CacheLookup(**where, layer=layer, state=state, saved_ns=saved))
        self.now = start + told.ns
        for phase in reversed(begun):
            self.tell(ev.CompilePhase(**where, phase=phase, ns=durations[phase]))
        self.tell(
            ev.CompileEnded(
                **where,
                start_ns=start,
                ns=told.ns,
                phases=durations,
                operators=told.operators,
                guards=told.guards,
                guard_ns=told.guards * 132,
                overhead_ns=told.ns // 13,
                handler_ns=9 * MS,
                breaks=int(told.broken),
                restarts=int(told.broken),
            )
        )

    def _tell_code(self, at: str, where: dict[str, Any]) -> None:
        file, _, line = at.rpartition(":")
        lines = CODE.get((file, int(line)))
        if lines is not None:
            number = int(line)
            self.tell(ev.SourceLines(**where, file=file, line=number, first=number - 1, lines=lines))


def triggers(
    *,
    session: str = "why-sd15-txt2img",
    device: str = "cuda:0",
    story: Callable[..., Story] = TriggersStory,
    **options: Any,
) -> Recording:
    """A session that is done, whose compiled variants met a new picture, a new type, the limit and more.

    The live part begins 28 s into the recompile for the new picture height: its codegen is under way.
    """
    asked = recorded.with_legs(recorded.request(device=device, calls=1, **({"steps": 6} | options)), *LEGS)
    start = BASE_NS + 200 * MS
    stories: list[Story] = []
    for run in asked.runs:
        told = story(asked, run, session, start, 50 * MS, 1, wall_offset_ns=WALL_NS - BASE_NS)
        told.whole()
        stories.append(told)
        start = told.now + 300 * MS
    records = recorded.merged(recorded.conducted(asked, session, stories), stories, 1)
    live_ns = next(
        (
            record.event.t + 28_000 * MS
            for record in records
            if isinstance(record.event, ev.Recompile) and record.event.argument == "sample"
        ),
        records[-1].event.t,
    )
    return Recording(session, asked, records, live_ns)
