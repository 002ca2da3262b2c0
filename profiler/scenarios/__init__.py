"""Scenarios: sequences of calls that change something on purpose, so that what was compiled has to be compiled again.

A scenario is a list of legs; the calls of a leg are alike. ``steady`` has none: all its calls are alike. The first leg
of all others is the workload as it is, which is what was compiled and warmed up; the last one is that again, and mostly
finds its compiled code still there.
"""

from __future__ import annotations

from profiler.scenarios.custom import check_legs, leg_from_table
from profiler.scenarios.settings import SETTINGS, Change, workload_of
from profiler.scenarios.table import SCENARIOS, Scenario, legs_of

__all__ = ["SCENARIOS", "SETTINGS", "Change", "Scenario", "check_legs", "leg_from_table", "legs_of", "workload_of"]
