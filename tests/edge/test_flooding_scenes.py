"""The rendered streets of the flooding bench: the same for the same seed, and with a truth that one can trust."""

from __future__ import annotations

from math import isclose

import shapely

from bench.flooding_scenes import HEIGHT_PX, WIDTH_PX, WaterScene, ground_squares, scenes, water_scene
from patrol_edge.rules.water import watched


def some(*, floods: bool) -> list[WaterScene]:
    """Three scenes of seeds that the bench does not use."""
    return list(scenes(100, 3, floods=floods))


def zone_of(scene: WaterScene) -> shapely.Polygon:
    """The watched part of the picture."""
    return shapely.Polygon(scene.config.zones[0].model_dump()["polygon_px"])


def test_a_seed_is_a_scene() -> None:
    """Made twice, a scene has the same camera, weather, cars and water."""
    for first, again in zip(some(floods=True), some(floods=True), strict=True):
        assert (first.config, first.wet, first.actors, first.water_m2) == (
            again.config,
            again.wet,
            again.actors,
            again.water_m2,
        )


def test_a_wet_street_never_has_water_enough_and_a_flooded_one_has() -> None:
    """The puddle of a wet street is less than half of what its zone asks for; a flood is nine tenths of the watched ground and more."""
    for floods in (True, False):
        for scene in some(floods=floods):
            size_px = (WIDTH_PX, HEIGHT_PX)
            watched_m2 = float(ground_squares(scene.camera, size_px)[watched(zone_of(scene), size_px, size_px)].sum())
            share = scene.water_m2 / watched_m2
            assert share > 0.85 if floods else share < 0.125


def test_before_it_is_wet_it_is_dry_and_it_rains_nowhere() -> None:
    """The weather before shows nothing of what comes; afterwards the ground is wet in every scene, so that wet alone tells nothing."""
    for floods in (True, False):
        for scene in some(floods=floods):
            assert (scene.dry.rain, scene.dry.wet) == (0.0, 0.0)
            assert scene.wet.wet >= 0.5
            assert isclose(scene.dry.hour, scene.wet.hour)


def test_no_road_no_scene() -> None:
    """Every scene that is made watches ground that its picture shows."""
    made = [water_scene(seed, floods=False) for seed in range(100, 103)]
    frame = shapely.box(-1, -1, WIDTH_PX, HEIGHT_PX)
    assert any(made)
    assert all(frame.covers(zone_of(scene)) for scene in made if scene is not None)
