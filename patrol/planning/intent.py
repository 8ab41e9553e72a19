"""`flightplans/*.yaml`: what is wanted, in the words of the district; and how it becomes a plan.

An intent names things of the configuration by their ids. Files it mentions (areas) are handed in as texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import shapely
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from patrol.config import Config
from patrol.config.sky import DroneModel, NoFlyArea, NoFlyCircle
from patrol.errors import Text
from patrol.errors.faults import faults_said
from patrol.geo import LatLon, Lens
from patrol.planning.airspace import Airspace, Circle, Obstacle, Span, Terrain, Zone, zones_near
from patrol.planning.corridor import Strip, plan_corridor
from patrol.planning.drone import CALM, Drone, SurveyCamera, Wind
from patrol.planning.files.zones import read_areas
from patrol.planning.fleet import FleetPlan, plan_fleet
from patrol.planning.periods import Daily, active_spans
from patrol.planning.plan import FlightPlan
from patrol.planning.refusals import refuse
from patrol.planning.sites import FireScene, Pose, Site, plan_orbit, plan_recheck, plan_roofs, plan_sites
from patrol.planning.stage import Setting
from patrol.planning.survey import AreaSurvey, plan_survey

REACH_M = 50_000.0  # farther than any drone here flies on a battery


class _Intent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    drone: str
    name: str = ""


class SurveyIntent(_Intent):
    """Photographs of areas: the district, or polygons of GeoJSON files."""

    kind: Literal["survey"]
    areas: tuple[str, ...] = ("district",)
    gsd_m: float | None = None
    height_m: float | None = None
    front_overlap: float = 0.75
    side_overlap: float = 0.65
    bearing_deg: float | None = None
    cross: bool = False
    speed_ms: float | None = None


class RoofsIntent(_Intent):
    """Roofs of buildings from above and four sides."""

    kind: Literal["roofs"]
    buildings: tuple[str, ...]
    gsd_m: float
    obliques: bool = True


class CorridorIntent(_Intent):
    """Roads along their whole width."""

    kind: Literal["corridor"]
    roads: tuple[str, ...]
    gsd_m: float | None = None
    height_m: float | None = None
    front_overlap: float = 0.7
    side_overlap: float = 0.6


class SiteIntent(BaseModel):
    """One point of a round: a ponding point, fire lane, building or camera of the configuration, or a position."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    id: str
    at: tuple[float, float] | None = None
    height_m: float | None = None
    pitch_deg: float | None = None
    yaw_deg: float | None = None
    dwell_s: float | None = None
    deadline_s: float | None = None
    priority: int = 1


class SitesIntent(_Intent):
    """A round of points."""

    kind: Literal["sites"]
    sites: tuple[SiteIntent | str, ...]
    height_m: float = 40.0
    pitch_deg: float = -60.0
    dwell_s: float = 4.0


class FleetIntent(BaseModel):
    """A round of points shared by several drones, with charging between their flights."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
    kind: Literal["fleet"]
    name: str = ""
    drones: tuple[str, ...] = Field(min_length=1)
    sites: tuple[SiteIntent | str, ...] = Field(min_length=1)
    height_m: float = 40.0
    pitch_deg: float = -60.0
    dwell_s: float = 4.0
    charge_s: float = 1800.0


class OrbitIntent(_Intent):
    """A fire scene."""

    kind: Literal["orbit"]
    at: tuple[float, float]
    flame_m: float = 10.0


class RecheckIntent(_Intent):
    """One earlier pose again."""

    kind: Literal["re-check"]
    at: tuple[float, float]
    height_m: float
    yaw_deg: float
    pitch_deg: float


OneDroneIntent = SurveyIntent | RoofsIntent | CorridorIntent | SitesIntent | OrbitIntent | RecheckIntent
Intent = OneDroneIntent | FleetIntent
_ADAPTER: TypeAdapter[Intent] = TypeAdapter(Annotated[Intent, Field(discriminator="kind")])


def parse_intent(document: Any, name: str) -> Intent:
    """An intent from a parsed YAML document. Raises PlanRefused with every field that is wrong."""
    try:
        intent = _ADAPTER.validate_python(document)
    except ValidationError as err:
        raise refuse("intent-invalid", name=name, cause=faults_said(err.errors(include_url=False))) from err
    return intent.model_copy(update={"name": intent.name or name})


def drone_of(config: Config, drone_id: str) -> Drone:
    """The drone with its model's numbers. Raises UsageError for an unknown drone, PlanRefused for one without model."""
    drone = config.drone(drone_id)
    model = next((m for m in config.drone_models if m.id == drone.model), None)
    if model is None:
        raise refuse("drone-without-model", drone=drone_id)
    return Drone(id=drone.id, camera=_camera(model), autopilot=drone.autopilot, **_numbers(model))


def _camera(model: DroneModel) -> SurveyCamera:
    c = model.camera
    return SurveyCamera(Lens.from_hfov(c.width_px, c.height_px, c.hfov_deg), c.interval_s, c.exposure_s, model.id)


def _numbers(model: DroneModel) -> dict[str, float]:
    return {name: float(value) for name, value in model.model_dump(exclude={"id", "camera"}).items()}


def airspace_of(
    config: Config, terrain: Terrain | None = None, more: tuple[Zone, ...] = (), starts_at_s: float | None = None
) -> Airspace:
    """The district's airspace, with zones that came from elsewhere; hours count when the start is known."""
    sky, zones = config.airspace, list[Zone]()
    areas: tuple[NoFlyArea | NoFlyCircle, ...] = (*sky.no_fly_areas, *sky.no_fly_circles)
    for area in areas:
        shape = (area.area,) if isinstance(area, NoFlyArea) else Circle(area.at, area.radius_m)
        spans = active_spans(Span(), dailies_of(area, config.district.timezone), starts_at_s)
        if spans is not None:
            zones.append(Zone(area.id, shape, area.floor_m, area.ceiling_m, spans))
    return Airspace(
        config.district.boundary,
        (*zones, *more),
        tuple(Obstacle(b.id, b.footprint, b.height_m) for b in config.buildings),
        sky.ceiling_m,
        sky.standoff_m,
        sky.clearance_m,
        terrain,
    )


def dailies_of(area: NoFlyArea | NoFlyCircle, timezone: str) -> list[Daily]:
    """The hours in which a no-fly area holds."""
    if not area.hours and not area.days:
        return []
    clocks = [(_clock(span.begins_min), _clock(span.ends_min)) for span in area.hours] or [(time.min, time.min)]
    bounds: list[tuple[date | None, date | None]] = [(span.first, span.last) for span in area.days]
    zone = ZoneInfo(timezone)
    return [Daily(*clock, zone, first=first, last=last) for clock in clocks for first, last in bounds or [(None, None)]]


def _clock(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def setting_of(
    config: Config,
    drone_id: str,
    *,
    wind: Wind = CALM,
    terrain: Terrain | None = None,
    zones: tuple[Zone, ...] = (),
    starts_at_s: float | None = None,
) -> Setting:
    """Who flies from where in which sky. Of `zones` those count that lie within `REACH_M` of the drone's home."""
    home = config.drone(drone_id).home
    return Setting(
        drone_of(config, drone_id),
        home,
        airspace_of(config, terrain, zones_near(zones, home, REACH_M), starts_at_s),
        tuple(p.at for p in config.airspace.landing_points),
        wind,
        starts_at_s,
    )


def plan_intent(intent: OneDroneIntent, config: Config, setting: Setting, files: Mapping[str, str]) -> FlightPlan:
    """The plan for an intent. `files`: the texts of the files it names. Raises PlanRefused, GeodataUnreadable."""
    if isinstance(intent, SurveyIntent):
        return plan_survey(_survey(intent, config, files), setting)
    if isinstance(intent, RoofsIntent):
        known = {b.id: Obstacle(b.id, b.footprint, b.height_m) for b in config.buildings}
        roofs = [known[_known(n, known, intent.name)] for n in intent.buildings]
        return plan_roofs(roofs, setting, gsd_m=intent.gsd_m, obliques=intent.obliques, name=intent.name)
    if isinstance(intent, CorridorIntent):
        roads = {r.id: Strip(r.id, r.line, r.width_m) for r in config.roads}
        return plan_corridor(
            [roads[_known(n, roads, intent.name)] for n in intent.roads],
            setting,
            gsd_m=intent.gsd_m,
            height_m=intent.height_m,
            front_overlap=intent.front_overlap,
            side_overlap=intent.side_overlap,
            name=intent.name,
        )
    if isinstance(intent, SitesIntent):
        return plan_sites([_site(s, intent, config) for s in intent.sites], setting, name=intent.name)
    place = LatLon(intent.at[1], intent.at[0])
    if isinstance(intent, OrbitIntent):
        return plan_orbit(FireScene(place, intent.flame_m, intent.name), setting)
    return plan_recheck(Pose(place, intent.height_m, intent.yaw_deg, intent.pitch_deg, intent.name), setting)


def plan_fleet_intent(intent: FleetIntent, config: Config, settings: tuple[Setting, ...]) -> FleetPlan:
    """The flights of a fleet. `settings` belong to `intent.drones` in order. Raises PlanRefused."""
    sites = [_site(s, intent, config) for s in intent.sites]
    return plan_fleet(sites, settings, charge_s=intent.charge_s, name=intent.name)


def _known(name: str, known: Mapping[str, object], intent: str) -> str:
    if name not in known:
        have = ", ".join(known)
        cause = Text(f"there is no '{name}' among {have}", f"没有“{name}”，已有：{have}")
        raise refuse("intent-invalid", name=intent, cause=cause)
    return name


def _survey(intent: SurveyIntent, config: Config, files: Mapping[str, str]) -> AreaSurvey:
    areas: list[tuple[tuple[LatLon, ...], ...]] = []
    for source in intent.areas:
        if source == "district":
            areas.append((config.district.boundary,))
        elif source in files:
            areas += read_areas(files[source], source)
        else:
            cells = {cell.id: (cell.area,) for cell in config.grid}
            areas.append(cells[_known(source, cells, intent.name)])
    return AreaSurvey(
        tuple(areas),
        intent.gsd_m,
        intent.height_m,
        intent.front_overlap,
        intent.side_overlap,
        intent.bearing_deg,
        intent.cross,
        intent.speed_ms,
        intent.name,
    )


def _site(site: SiteIntent | str, intent: SitesIntent | FleetIntent, config: Config) -> Site:
    if isinstance(site, str):
        site = SiteIntent(id=site)
    places = {p.id: p.at for p in config.ponding_points}
    places |= {lane.id: _middle(lane.area) for lane in config.fire_lanes}
    places |= {b.id: _middle(b.footprint) for b in config.buildings}
    at = LatLon(site.at[1], site.at[0]) if site.at is not None else places[_known(site.id, places, intent.name)]
    return Site(
        site.id,
        at,
        intent.height_m if site.height_m is None else site.height_m,
        intent.pitch_deg if site.pitch_deg is None else site.pitch_deg,
        site.yaw_deg,
        intent.dwell_s if site.dwell_s is None else site.dwell_s,
        site.deadline_s,
        site.priority,
        next((b.height_m for b in config.buildings if b.id == site.id and site.at is None), 0.0),
    )


def _middle(ring: tuple[LatLon, ...]) -> LatLon:
    """A point inside a small polygon."""
    inside = shapely.Polygon([(p.lon_deg, p.lat_deg) for p in ring]).representative_point()
    return LatLon(inside.y, inside.x)
