"""A small world and small cameras, so that each test draws few pixels with the same compiled kernels."""

from __future__ import annotations

from patrol.geo import Camera, Lens, Pose
from patrol.scenes.actors import Actor, ActorKind, stand
from patrol.scenes.light import Conditions
from patrol.scenes.scene import Scene
from patrol.scenes.sensor import Sensor
from patrol.scenes.world import Building, Prop, World

EXTENT = (-40.0, -40.0, 40.0, 40.0)
EMPTY = World(EXTENT, "concrete", skyline=False)
NOON = Conditions(hour=12.0, day_of_year=80, latitude_deg=40.0, cloud=0.0, haze_per_m=0.0)
CLEAN = Sensor(0.0, 0.0, 0.0, vignette=0.0)
LOOK = Camera(Lens.from_hfov(320, 180, 60), Pose(0.0, -18.0, 6.0, 0.0, -18.0))
DOWN = Camera(Lens.from_hfov(256, 256, 60), Pose(0.0, 0.0, 30.0, 0.0, -90.0))
CORNER = World(
    EXTENT, "paving", (Building("b", ((6, 4), (18, 4), (18, 16), (6, 16)), 9.0, seed=3),),
    props=(Prop("tree", -8, 6, 0, 2), Prop("lamp", -3, -4, 90, 1)), skyline=False,
)  # fmt: skip


def standing(name: str, kind: ActorKind, east_m: float, north_m: float, yaw_deg: float = 0.0, seed: int = 1) -> Actor:
    """An actor that is always there."""
    return Actor(name, kind, seed, (stand(-1e6, 1e6, (east_m, north_m), yaw_deg),))


def scene(*actors: Actor, world: World = EMPTY, conditions: Conditions = NOON, seed: int = 5) -> Scene:
    """A scene in the small world."""
    return Scene(world, tuple(actors), conditions, seed)
