"""The classes of causes: what each means, what to do about it and where it is documented. Data; nothing is computed.

Templates are filled with ``what`` (the argument or attribute), ``words`` (the dimensions that changed), ``denoiser``
(``pipe.unet``), ``module`` (its class), ``expected`` and ``actual``. Each dotted name in a remedy exists in torch 2.13
or diffusers 0.42: a test looks them up.
"""

from __future__ import annotations

import msgspec

from profiler.analysis.triggers.model import Blame

TORCH = "https://docs.pytorch.org/docs/stable/"
_GUIDE = f"{TORCH}user_guide/torch_compiler/"
RECOMPILATION = f"{_GUIDE}compile/programming_model.recompilation.html"
DYNAMIC = f"{_GUIDE}torch.compiler_dynamic_shapes.html"
CUDA_GRAPHS = f"{_GUIDE}torch.compiler_cudagraph_trees.html"
SKIPPED = f"{_GUIDE}compile/programming_model.skipped_functions.html"
BREAKS = f"{_GUIDE}compile/programming_model.common_graph_breaks.html"
COMPILE = f"{TORCH}generated/torch.compile.html"
NO_GRAD = f"{TORCH}generated/torch.no_grad.html"
REGIONAL = "https://docs.pytorch.org/tutorials/recipes/regional_compilation.html"
CACHING = "https://docs.pytorch.org/tutorials/recipes/torch_compile_caching_tutorial.html"
DIFFUSERS = "https://huggingface.co/docs/diffusers/main/optimization/fp16"
LORA = "https://huggingface.co/docs/diffusers/main/tutorials/using_peft_for_inference"
BREAK_SITE = "https://meta-pytorch.github.io/compile-graph-break-site/gb/{}.html"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    title: str  # for headings
    why: str
    remedy: str | None
    link: str | None = RECOMPILATION
    blame: Blame = "user"  # of one that nothing says otherwise of


CAUSES: dict[str, Cause] = {
    "first": Cause(
        title="first compile",
        why="torch compiles a module when it is called for the first time.",
        remedy=None,
        link=COMPILE,
        blame="expected",
    ),
    "tensor.size": Cause(
        title="a size changed",
        why="The compiled code was made for that size alone.",
        remedy="Warm up with every size that will be asked for, or compile with torch.compile(..., dynamic=True).",
        link=DYNAMIC,
    ),
    "tensor.rank": Cause(
        title="the number of dimensions changed",
        why="Compiled code is made for tensors of one rank; dynamic shapes don't help here.",
        remedy="Give {what} the same number of dimensions in every call: unsqueeze or expand it before the call.",
    ),
    "tensor.stride": Cause(
        title="a memory layout changed",
        why="The same sizes lie in memory in another order, and compiled code reads memory in the order that it knows.",
        remedy=(
            "Use one memory format everywhere: latents.contiguous() before the call, or {denoiser}.to("
            "memory_format=torch.channels_last) and latents of that format, and warm up in it."
        ),
    ),
    "tensor.dtype": Cause(
        title="a data type changed",
        why="Compiled code is made for one data type of each tensor.",
        remedy="Give {what} as {expected} in every call, or make one warm-up call with {actual} as well.",
    ),
    "tensor.device": Cause(
        title="a device changed",
        why="Compiled code is made for tensors on one device.",
        remedy="Keep {what} on the device that it was compiled for; place or offload the pipeline before compiling.",
    ),
    "tensor.grad": Cause(
        title="requires_grad changed",
        why="Whether a tensor wants gradients decides which graph is made.",
        remedy=(
            "Freeze the weights before compiling, {denoiser}.requires_grad_(False), and make every call under "
            "torch.no_grad()."
        ),
        link=NO_GRAD,
    ),
    "tensor.dispatch": Cause(
        title="another kind of tensor",
        why="Tensors made in inference mode, of a subclass or on another backend take other paths through torch.",
        remedy=(
            "Make warm-up and measured calls in the same mode: all under torch.inference_mode() or all under "
            "torch.no_grad()."
        ),
        link=NO_GRAD,
    ),
    "tensor.type": Cause(
        title="a tensor became a Python value",
        why="Compiled code is made for one type of each argument.",
        remedy="Give {what} as a tensor in every call, for instance torch.tensor(value, device=...).",
    ),
    "value": Cause(
        title="a Python value changed",
        why="Python numbers, texts and flags are compiled in as constants.",
        remedy="Keep {what} the same in all calls, or make one warm-up call with each value.",
    ),
    "none": Cause(
        title="an optional argument came or went",
        why="None and a value are two graphs.",
        remedy="Give {what} in every call or in none; otherwise warm up once with it and once without.",
    ),
    "len": Cause(
        title="the number of items changed",
        why="Compiled code is made for a fixed number of arguments or items.",
        remedy="Give every call the same keyword arguments and as many items in {what}; otherwise warm up with both.",
    ),
    "dict.keys": Cause(
        title="the keys of a dictionary changed",
        why="The keys and their order are compiled in.",
        remedy="Give {what} the same keys in the same order in every call.",
    ),
    "dict.missing": Cause(
        title="a key is gone",
        why="The compiled code reads a key that this call doesn't have.",
        remedy="Give {what} in every call; otherwise warm up once with it and once without.",
    ),
    "dict.contains": Cause(
        title="a key came or went",
        why="Which keys a dictionary has is compiled in.",
        remedy="Give {what} the same keys in every call; otherwise warm up once with {expected} and once without.",
    ),
    "module.forward": Cause(
        title="a forward was replaced",
        why="A hook, an adapter or offloading put another forward in the place of the compiled one.",
        remedy=(
            "Attach hooks, load LoRAs and turn offloading on (pipe.enable_model_cpu_offload()) before compiling, not "
            "after."
        ),
    ),
    "module.training": Cause(
        title="train and eval mode",
        why="Dropout and norms differ between the modes, so each is a graph of its own.",
        remedy="Call {denoiser}.eval() before compiling and never {denoiser}.train() in between.",
    ),
    "hasattr": Cause(
        title="an attribute came or went",
        why="The compiled code asked whether the attribute is there.",
        remedy="Configure the model (adapters, caches, processors, hooks) before compiling, and not again after.",
    ),
    "obj.type": Cause(
        title="an object of another type",
        why="Compiled code is made for objects of one type.",
        remedy="Give {what} as the same type in every call.",
    ),
    "obj.id": Cause(
        title="another object",
        why="Compiled code is made for that very object.",
        remedy="Set {what} once, before compiling.",
    ),
    "obj.code_id": Cause(
        title="another function",
        why="Compiled code is made for the function that was there.",
        remedy="Set {what} once, before compiling; don't make it anew in each call.",
    ),
    "processor": Cause(
        title="another attention processor",
        why="The attention's code is compiled in together with the processor that was set.",
        remedy=(
            "Set the processors once, before compiling: {denoiser}.set_attn_processor(...) or "
            "{denoiser}.set_attention_backend(...)."
        ),
        link=DIFFUSERS,
    ),
    "lora": Cause(
        title="LoRA adapters changed",
        why="Loading, switching or scaling an adapter changes the modules that the compiled code runs through.",
        remedy=(
            "Call pipe.enable_lora_hotswap(target_rank=R) before the first pipe.load_lora_weights(...), R being the "
            "largest rank, compile after that, and load further adapters with "
            "pipe.load_lora_weights(..., hotswap=True, adapter_name=...)."
        ),
        link=LORA,
    ),
    "global.state": Cause(
        title="global state of torch changed",
        why="Grad mode, autocast, threads and such are part of what code is compiled for.",
        remedy="Set it once before compiling, and make warm-up and all later calls inside the same context.",
    ),
    "torchfn.mode": Cause(
        title="a torch function mode",
        why="A default device or another torch function mode is active that wasn't when it was compiled, or no longer.",
        remedy="Leave torch.set_default_device(...) and `with torch.device(...)` out, or compile inside it as well.",
    ),
    "alias.new": Cause(
        title="two arguments are the same tensor",
        why="Compiled code was made for tensors that share no memory.",
        remedy="Give clones: one of the arguments as tensor.clone().",
    ),
    "alias.lost": Cause(
        title="two arguments are no longer the same tensor",
        why="Compiled code was made for one tensor that is given twice.",
        remedy="Give {what} and {expected} as different tensors from the first call on (tensor.clone()).",
    ),
    "sym.zero_one": Cause(
        title="a size became 1",
        why="torch compiles sizes 0 and 1 as constants even where a dimension is dynamic.",
        remedy="Make one warm-up call with a {words} of 1 as well: it is exactly one graph more.",
        link=DYNAMIC,
    ),
    "sym.shape": Cause(
        title="a size outside of what the dynamic code allows",
        why="The dynamic code holds only under this condition, which the model's own arithmetic brought in.",
        remedy="Keep sizes to multiples of 64 pixels, and warm up with one size on each side of the condition.",
        link=DYNAMIC,
    ),
    "dup.size": Cause(
        title="two sizes that were equal no longer are",
        why=(
            "Two sizes that were equal when it was compiled share one symbol (duck sizing), so the code holds only "
            "while they are equal."
        ),
        remedy=(
            "Set torch.fx.experimental._config.use_duck_shape = False before compiling, or make the first call with "
            "different height and width."
        ),
        link=DIFFUSERS,
    ),
    "global.value": Cause(
        title="a module-level value changed",
        why="Global variables are compiled in as constants.",
        remedy="Leave {what} as it is between calls.",
    ),
    "iter.range": Cause(
        title="a loop runs another number of times",
        why="Loops are unrolled into the graph.",
        remedy="Keep the number of rounds ({what}) the same, or make one warm-up call with each.",
    ),
    "backend": Cause(
        title="another backend",
        why="The same function was compiled before with another backend or other options.",
        remedy=(
            "Compile a function once and keep the result; call torch.compiler.reset() between two ways of compiling "
            "it, or pass isolate_recompiles=True to torch.compile (torch 2.13)."
        ),
        link=COMPILE,
    ),
    "deleted": Cause(
        title="a compiled object is gone",
        why="The module or tensor that the code was compiled for was deleted, and its compiled code with it.",
        remedy="Keep the modules alive between calls, and don't build the pipeline anew.",
    ),
    "guard.exception": Cause(
        title="a guard could not be evaluated",
        why="An input became None or another type, so that the check itself failed.",
        remedy="Give the same optional arguments with the same types in every call.",
        blame="unknown",
    ),
    "unexpected": Cause(
        title="torch can't say why",
        why="The guards failed, and passed when torch looked for the reason.",
        remedy=None,
        link="https://github.com/pytorch/pytorch/issues",
        blame="unknown",
    ),
    "other": Cause(title="a text that is not known", why="", remedy=None, blame="unknown"),
    "shared.code": Cause(
        title="modules that run through the same function",
        why=(
            "torch keeps compiled code by function, and these modules run through the same one: it counts as a "
            "recompile, and uses up the recompile limit."
        ),
        remedy=None,
        link=COMPILE,
        blame="artefact",
    ),
    "limit": Cause(
        title="recompile limit",
        why="From now on this code runs eager wherever no compiled variant fits, and torch says nothing more of it.",
        remedy=None,
        link=SKIPPED,
    ),
    "failure": Cause(
        title="compile failed",
        why="The compiler gave up on this code.",
        remedy=None,
        link=COMPILE,
        blame="unknown",
    ),
    "break": Cause(
        title="graph break",
        why="What comes before and after is compiled by itself, and Python runs in between at every call.",
        remedy=None,
        link=BREAKS,
    ),
    "eager": Cause(
        title="fell back to eager",
        why="The recompile limit was reached: where no compiled variant fits, torch runs the code eager, silently.",
        remedy=None,
        link=SKIPPED,
    ),
    "cudagraph.skip": Cause(
        title="no CUDA graph",
        why="The compiled code runs without a CUDA graph: each kernel is launched by itself.",
        remedy=None,
        link=CUDA_GRAPHS,
        blame="unknown",
    ),
    "cudagraph.rerecord": Cause(
        title="CUDA graph recorded again",
        why="A CUDA graph holds the addresses and sizes of its inputs; with others it is recorded again.",
        remedy=None,
        link=CUDA_GRAPHS,
    ),
    "cudagraph.record": Cause(
        title="CUDA graph recorded",
        why="The first calls of compiled code record its CUDA graph; later ones replay it.",
        remedy=None,
        link=CUDA_GRAPHS,
        blame="expected",
    ),
}
