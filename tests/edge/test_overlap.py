"""patrol_edge/overlap.py on real pictures of a flight: what two of them both show."""

from __future__ import annotations

import numpy as np
import pytest

from bench.flown import Flown, real_flight
from patrol.adjustment import adjusted
from patrol_edge.overlap import same_points, tied


@pytest.fixture(scope="module")
def flown() -> Flown:
    """Three pictures in a row of the real flight, each 700 px wide."""
    whole = real_flight(only=3, width_px=700)
    if whole is None:
        pytest.skip("shared data missing: nadir_flight (set PATROL_SHARED_DATA)")
    return whole


def test_real_pictures_are_tied_and_refine_their_poses(flown: Flown) -> None:
    """Three real pictures share hundreds of points; refined, they agree on the ground to less than half a metre."""
    ties = tied(flown.images, flown.shots, flown.ground_m)
    assert len(ties.shot) > 200
    assert {len(set(ties.shot[ties.point == p])) for p in np.unique(ties.point)} <= {2, 3}
    refined = adjusted(flown.shots, ties, flown.ground_m, flown.relief_m)
    assert refined is not None
    assert refined.rms_px < 1.0 < refined.rms_before_px


def test_pictures_of_different_places_are_not_tied(flown: Flown) -> None:
    """A picture and noise have nothing in common."""
    noise = np.random.default_rng(0).integers(0, 255, flown.images[0].shape, dtype=np.uint8)
    assert len(same_points(flown.images[0], noise)[0]) == 0
    grey = np.full_like(flown.images[0], 90)
    assert len(same_points(flown.images[0], grey)[0]) == 0
