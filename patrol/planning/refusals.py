"""Why no plan is made, or what the pilot should know about one: in both languages, each with a remedy."""

from __future__ import annotations

from dataclasses import dataclass, field

from patrol.errors import Language, PlanError, Text


@dataclass(frozen=True)
class Reason:
    """One thing. `facts` fill the placeholders of the texts under `code`."""

    code: str
    facts: dict[str, object] = field(default_factory=dict)

    def explain(self, language: Language) -> str:
        """What is wrong. What to do."""
        message, remedy = REASONS[self.code]
        return f"{message.render(language, **self.facts)} {remedy.render(language, **self.facts)}"


class PlanRefused(PlanError):
    """No plan; `reasons` holds every reason that was found."""

    def __init__(self, *reasons: Reason) -> None:
        self.reasons = reasons
        super().__init__(report=self._report("en"))

    def _report(self, language: Language) -> str:
        return "\n".join(reason.explain(language) for reason in self.reasons)

    def explain(self, language: Language) -> str:
        """All reasons, one a line."""
        self.facts["report"] = self._report(language)
        return super().explain(language)


def refuse(code: str, **facts: object) -> PlanRefused:
    """A refusal with one reason, to be raised."""
    return PlanRefused(Reason(code, facts))


REASONS: dict[str, tuple[Text, Text]] = {
    "not-a-number": (
        Text("{place} holds a value that is not a finite number.", "{place} 含有非有限数值。"),
        Text("Mend the file; nothing was guessed.", "请修正文件；没有猜测任何值。"),
    ),
    "wrong-crs": (
        Text(
            "{place} holds {value}: these are no degrees, rather metres of a projected system.",
            "{place} 的值是 {value}：不是经纬度，像是投影坐标(米)。",
        ),
        Text("Export it in WGS 84 (EPSG:4326).", "请以 WGS 84(EPSG:4326)导出。"),
    ),
    "swapped": (
        Text(
            "{place} is {distance_km} km from home; with latitude and longitude exchanged it would be near.",
            "{place} 距起飞点 {distance_km} 公里；若把经纬度对调则在附近。",
        ),
        Text("GeoJSON wants [longitude, latitude].", "GeoJSON 的顺序是 [经度， 纬度]。"),
    ),
    "far-from-home": (
        Text(
            "{place} is {distance_km} km from home; plans reach {limit_km} km.",
            "{place} 距起飞点 {distance_km} 公里；规划最远 {limit_km} 公里。",
        ),
        Text("Start nearer to it, or check the coordinates.", "请从更近处起飞，或检查坐标。"),
    ),
    "area-empty": (
        Text("The area has no extent: {count} different corner(s).", "区域没有面积：只有 {count} 个不同的角点。"),
        Text("Draw at least three corners that are not on one line.", "请画出至少三个不共线的角点。"),
    ),
    "area-self-crossing": (
        Text("The edge of the area crosses itself near {lat:.6f}, {lon:.6f}.", "区域边界在 {lat:.6f}, {lon:.6f} 附近自相交。"),
        Text("Put the corners in order around the area.", "请按顺序排列角点。"),
    ),
    "area-tiny": (
        Text("The area measures {area_m2:.2f} m2, less than one photograph shows.", "区域只有 {area_m2:.2f} 平方米，小于一张照片的范围。"),
        Text("Use a site instead of an area, or check the units.", "请改用点位任务，或检查单位。"),
    ),
    "area-huge": (
        Text("The area measures {area_km2:.0f} km2; one plan takes at most {limit_km2:.0f} km2.", "区域有 {area_km2:.0f} 平方公里；单个规划最多 {limit_km2:.0f} 平方公里。"),
        Text("Divide it, for example along the grid cells.", "请分割，例如按网格。"),
    ),
    "too-many-photos": (
        Text("This needs about {count:.0f} photographs; one plan takes at most {limit}.", "约需 {count:.0f} 张照片；单个规划最多 {limit} 张。"),
        Text("Allow a coarser ground sample distance, less overlap, or divide the area.", "请放宽分辨率、降低重叠率或分割区域。"),
    ),
    "overlap-impossible": (
        Text("An overlap of {value} is not possible.", "重叠率 {value} 不可能。"),
        Text("Give {axis} overlap between 0 and 0.95.", "请将{axis}重叠率设在 0 到 0.95 之间。"),
    ),
    "gsd-impossible": (
        Text("A ground sample distance of {value} m is not possible.", "地面分辨率 {value} 米不可能。"),
        Text("Give a positive number of metres, for example 0.03.", "请给出正数(米)，例如 0.03。"),
    ),
    "height-impossible": (
        Text("A height of {height_m:.1f} m cannot be flown: allowed is {low_m:.1f} to {high_m:.1f} m above ground.", "无法在 {height_m:.1f} 米高度飞行：允许离地 {low_m:.1f} 到 {high_m:.1f} 米。"),
        Text("With this camera, {gsd_low_m:.3f} to {gsd_high_m:.3f} m per pixel can be had.", "用这台相机可得到每像素 {gsd_low_m:.3f} 到 {gsd_high_m:.3f} 米。"),
    ),
    "wind-too-strong": (
        Text("A wind of {wind_ms:.1f} m/s is too strong: {drone} may fly in up to {limit_ms:.1f} m/s.", "风速 {wind_ms:.1f} 米/秒过大：{drone} 允许 {limit_ms:.1f} 米/秒。"),
        Text("Wait for less wind or take another drone.", "请等风变小或换一架无人机。"),
    ),
    "camera-too-slow": (
        Text("The camera needs {interval_s:.2f} s between photographs, so that {spacing_m:.2f} m apart means {speed_ms:.2f} m/s.", "相机两张照片间需 {interval_s:.2f} 秒，间距 {spacing_m:.2f} 米意味着速度只有 {speed_ms:.2f} 米/秒。"),
        Text("Fly higher, allow less front overlap, or take a faster camera.", "请提高高度、降低航向重叠率，或换更快的相机。"),
    ),
    "home-blocked": (
        Text("Home lies inside or within {standoff_m:.0f} m of {zone}.", "起飞点位于 {zone} 内或其 {standoff_m:.0f} 米范围内。"),
        Text("Start elsewhere, or at a time when the zone is not active.", "请换起飞点，或在该区域不生效时起飞。"),
    ),
    "home-outside": (
        Text("Home lies outside the boundary or within {standoff_m:.0f} m of it.", "起飞点在边界外，或离边界不足 {standoff_m:.0f} 米。"),
        Text("Start inside, or widen district.boundary.", "请在边界内起飞，或扩大 district.boundary。"),
    ),
    "return-too-low": (
        Text("The way home at {rtl_m:.0f} m does not clear {what}, which needs {needed_m:.0f} m.", "返航高度 {rtl_m:.0f} 米越不过 {what}，需要 {needed_m:.0f} 米。"),
        Text("Raise rtl_altitude_m of the drone (and on its autopilot).", "请提高无人机的 rtl_altitude_m(自动驾驶仪上也要改)。"),
    ),
    "return-too-high": (
        Text("The way home at {rtl_m:.0f} m above home is {above_m:.0f} m above the ground at its lowest; allowed are {ceiling_m:.0f} m.", "返航高度(相对起飞点){rtl_m:.0f} 米，在最低处离地 {above_m:.0f} 米；允许 {ceiling_m:.0f} 米。"),
        Text("Lower rtl_altitude_m, or start from higher ground.", "请降低 rtl_altitude_m，或从更高处起飞。"),
    ),
    "no-terrain-there": (
        Text("The terrain model {name} knows no height at {lat:.6f}, {lon:.6f}.", "地形模型 {name} 在 {lat:.6f}, {lon:.6f} 没有高程。"),
        Text("Take one that covers home, the area and the way between.", "请使用覆盖起飞点、区域及途中的地形模型。"),
    ),
    "nothing-reachable": (
        Text("Nothing of {what} can be reached: {why}.", "{what} 全部无法到达：{why}。"),
        Text("Move home, add a landing point with free sight, or change the zone's heights or times.", "请移动起飞点，增加视线无遮挡的降落点，或更改区域的高度或时间。"),
    ),
    "site-unreachable": (
        Text("{what} cannot be reached: {why}.", "{what} 无法到达：{why}。"),
        Text("Leave it out, move home, or add a landing point.", "请去掉它、移动起飞点，或增加降落点。"),
    ),
    "battery-too-small": (
        Text("{what} needs {needed_wh:.0f} Wh even alone, there and back; {drone} may use {usable_wh:.0f} Wh.", "{what} 单独往返也需 {needed_wh:.0f} 瓦时；{drone} 可用 {usable_wh:.0f} 瓦时。"),
        Text("Start nearer, take a larger battery, or fly slower.", "请从更近处起飞、换更大电池，或降低速度。"),
    ),
    "intent-invalid": (
        Text("The intent {name} is not right: {cause}.", "任务 {name} 有误：{cause}。"),
        Text("docs/flightplans.md lists every field.", "全部字段见 docs/flightplans.md。"),
    ),
    "drone-without-model": (
        Text("{drone} has no model in the configuration.", "配置中 {drone} 没有机型。"),
        Text("Give it `model:` with the id of one of drone_models.", "请用 `model:` 指定 drone_models 中的一个。"),
    ),
    "flights-too-near": (
        Text("The flights of {drone} cannot be kept apart from the others.", "{drone} 的飞行无法与其他飞行保持间隔。"),
        Text("Move the docks apart, or raise the ceiling so that each drone has its own height.", "请拉开机场距离，或提高高度上限，使每架无人机有自己的高度层。"),
    ),
    "nothing-to-do": (
        Text("The intent names nothing to look at.", "任务没有指定要看的对象。"),
        Text("Give it areas, sites, roads or buildings.", "请给出区域、点位、道路或建筑。"),
    ),
    "deadline-missed": (
        Text("No plan reaches {sites} in time.", "没有规划能按时到达 {sites}。"),
        Text("Add a drone, allow more time, or lower their priority.", "请增加无人机、放宽时限，或降低其优先级。"),
    ),
    "stand-off-impossible": (
        Text("No circle around {what} keeps {needed_m:.0f} m of distance and clears the buildings.", "围绕 {what} 没有既保持 {needed_m:.0f} 米又避开建筑的圆。"),
        Text("Fly higher, or look at it from single sites.", "请提高高度，或改用单个点位观察。"),
    ),
    "part-unreachable": (
        Text("{share:.1%} of {what} cannot be seen from where flying is allowed: {why}.", "{what} 的 {share:.1%} 从允许飞行处看不到：{why}。"),
        Text("The rest is planned; a landing point with free sight, or other heights, may help.", "其余部分已规划；增加视线无遮挡的降落点或改变高度可能有帮助。"),
    ),
    "flat-ground": (
        Text("No terrain model: the ground is taken as flat.", "没有地形模型：地面按平地处理。"),
        Text("Give --dem to follow the ground.", "请用 --dem 提供地形。"),
    ),
    "landing-point-unusable": (
        Text("The landing point at {lat:.6f}, {lon:.6f} lies inside or too near to {zone} and is not used.", "位于 {lat:.6f}, {lon:.6f} 的降落点在 {zone} 内或过近，未使用。"),
        Text("Move it.", "请移动它。"),
    ),
    "split": (
        Text("One battery is not enough: {count} sorties.", "一块电池不够：分 {count} 个架次。"),
        Text("Change the battery between them.", "架次之间请更换电池。"),
    ),
}  # fmt: skip
