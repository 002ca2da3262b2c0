"""Runs of several sessions in one worker process, one after the other: ``hostile.py [SESSION RUN ARGUMENT...] ...``.

Each is given as JSON. It is the worker's own ``work``, with the environment as the first of them makes it. A conductor
gives each a process of its own, which takes seconds to import torch.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from profiler.trust import trust_of
from profiler.worker.main import work

if __name__ == "__main__":
    for line in sys.argv[1:]:
        session, run, *arguments = json.loads(line)
        # Each run holds the lock of its device for as long as its process lives.
        os.environ["XDG_RUNTIME_DIR"] = runtime = f"{session}-runtime"
        Path(runtime).mkdir(mode=0o700)
        work(Path(session), run, trust_of(arguments))
