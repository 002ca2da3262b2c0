"""Every scenario of one pipeline, in one process: ``python -m tests.truth.pipeline NAME``, a line of JSON for each run.

Its own process, so that nothing of one pipeline is left when the next one's runs are made.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

# Before anything imports torch or the hub's client, which read these once.
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", DIFFUSERS_VERBOSITY="error")


class Way(NamedTuple):
    """How the denoisers are compiled."""

    variant: str
    engine: str | None = None

    def __str__(self) -> str:
        return self.engine or self.variant


WAYS = (Way("compile"), Way("regional-compile", "diffusers"), Way("regional-compile", "accelerate"))


def rows(pipeline: str, chosen: list[str]) -> Iterator[dict[str, Any]]:
    """What came of each run: its figures by tlparse, and the ``differences``; or why there was none (``without``)."""
    from profiler import catalog, scenarios

    entry = catalog.find(pipeline)
    for name, scenario in scenarios.SCENARIOS.items():
        lacks = scenario.lacks(entry)
        for way in WAYS if lacks is None and (not chosen or name in chosen) else ():
            yield {"pipeline": pipeline, "scenario": name, "way": str(way), **_made(pipeline, name, way)}


def _made(pipeline: str, scenario: str, way: Way) -> dict[str, Any]:
    from profiler.request import BadRequest
    from profiler.variants import Unsupported
    from tests.truth.traced import run

    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="stepscope-truth-") as folder:
        try:
            engines = [] if way.engine is None else [way.engine]
            made = run(Path(folder, "run"), pipeline, scenario, variant=way.variant, engines=engines, may_fail=True)
        except (Unsupported, BadRequest) as reason:
            return {"without": str(reason)}
        except Exception as error:
            traceback.print_exc()
            return {"differences": [f"the run could not be made: {type(error).__name__}: {error}"]}
        theirs = made.theirs()
        return {
            "compiles": len(theirs.ended),
            "recompiles": len(theirs.again),
            "reasons": sum(one.total for one in theirs.again),
            "breaks": len(theirs.breaks),
            "restarts": len(theirs.restarts),
            "failures": sum(one.failure is not None for one in theirs.ended),
            "error": None if made.error is None else f"{type(made.error).__name__}: {made.error}".partition("\n")[0],
            "trace_bytes": made.log.stat().st_size,
            "event_bytes": made.compile_bytes,
            "cpu_s": time.process_time() - began,
            "differences": made.differences(theirs),
        }


def main() -> None:
    import torch

    torch.set_num_threads(1)
    pipeline, *chosen = sys.argv[1:]
    # Libraries print what they like.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for row in rows(pipeline, chosen):
        told.write(json.dumps(row) + "\n")
        told.flush()


if __name__ == "__main__":
    main()
