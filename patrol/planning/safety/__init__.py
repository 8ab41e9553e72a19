"""The independent judge: `judge(mission, rules)` names everything about a mission that must not be flown.

It reads the mission as the autopilot would and has its own geometry, its own ground and its own energy; with the
planner it shares only `patrol.geo` and the values that both are about. It trusts no planner, ours included.
"""

from patrol.planning.safety.judge import Rules, judge
from patrol.planning.safety.words import KINDS, Violation

__all__ = ["KINDS", "Rules", "Violation", "judge"]
