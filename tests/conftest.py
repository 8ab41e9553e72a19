"""What holds for all tests: property tests are judged by what they find, not by how busy the machine is."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No deadline: a slow moment of the machine is no failure. In CI the same examples every time, so that a red run is about
# the change; everywhere else new ones.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("ci", settings.get_profile("ours"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "ours")
