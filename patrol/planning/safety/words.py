"""What the judge says, in both languages: one sentence a kind of violation."""

from __future__ import annotations

from dataclasses import dataclass

from patrol.errors import Language, Text
from patrol.errors.translate import translator
from patrol.geo import LatLon


@dataclass(frozen=True)
class Violation:
    """One thing that must not be flown.

    item      index of the mission item on whose way it happens, from 0; -1: the mission as a whole
    place     where it is worst, or first; None where it has no place
    height_m  above home there
    time_s    from take-off, None where it has no time
    amount    how far the rule is broken, in `unit`
    """

    kind: str
    item: int
    subject: str
    amount: float
    unit: str
    place: LatLon | None = None
    height_m: float | None = None
    time_s: float | None = None

    def explain(self, language: Language) -> str:
        """One line: what, by how much, where and when."""
        zh = language == "zh-CN"
        subject = _subject_in_chinese(self.subject) if zh else self.subject
        said = KINDS[self.kind].render(language, subject=subject, amount=f"{self.amount:.1f} {self.unit}".strip())
        where = ""
        if self.place is not None:
            where += f" @ {self.place.lat_deg:.7f}, {self.place.lon_deg:.7f}"
        if self.height_m is not None:
            where += f", {self.height_m:.1f} m"
        if self.time_s is not None:
            where += f", t+{self.time_s:.0f} s"
        head = (
            (f"第 {self.item + 1} 项" if zh else f"item {self.item + 1}")
            if self.item >= 0
            else ("全程" if zh else "mission")
        )
        return f"[{self.kind}] {head}: {said}{where}"  # fmt: skip


KINDS: dict[str, Text] = {
    "zone": Text("flies into or too near to no-fly zone {subject}, by {amount}", "进入或过于接近禁飞区 {subject}，超出 {amount}"),
    "fence": Text("leaves the {subject} or comes too near to its edge, by {amount}", "越出 {subject} 或过于接近其边缘，超出 {amount}"),
    "building": Text("comes too near to building {subject}, by {amount}", "过于接近建筑 {subject}，超出 {amount}"),
    "height": Text("is {amount} above the highest allowed height", "超过允许高度 {amount}"),
    "ground": Text("is {amount} too low over the ground", "离地过低 {amount}"),
    "return-zone": Text("the way home from here passes no-fly zone {subject} too near, by {amount}", "由此返航会过于接近禁飞区 {subject}，超出 {amount}"),
    "return-fence": Text("the way home from here leaves the {subject}, by {amount}", "由此返航会越出 {subject}，超出 {amount}"),
    "return-building": Text("the way home from here passes building {subject} too near, by {amount}", "由此返航会过于接近建筑 {subject}，超出 {amount}"),
    "return-height": Text("the way home from here is {amount} above the highest allowed height", "由此返航超过允许高度 {amount}"),
    "return-ground": Text("the way home from here is {amount} too low over the ground", "由此返航离地过低 {amount}"),
    "energy": Text("lands with the reserve used up by {amount}", "降落时已动用储备电量 {amount}"),
    "return-energy": Text("from here the battery does not reach a landing point: {amount} of the reserve is used", "由此返航电量不足：动用储备 {amount}"),
    "wind": Text("the drone cannot hold this leg in the wind: {amount} too slow", "风中无法保持该航段：缺 {amount}"),
    "speed": Text("asks for {amount} more than the drone can fly", "要求的速度超出能力 {amount}"),
    "endless": Text("never ends: {subject}", "不会结束：{subject}"),
    "no-takeoff": Text("does not begin with a take-off", "没有以起飞开始"),
    "no-landing": Text("does not end with a landing or return", "没有以降落或返航结束"),
    "place": Text("is no place on earth: {subject}", "不是有效坐标：{subject}"),
    "swapped": Text("is {amount} from home; with latitude and longitude exchanged it would be near", "距起飞点 {amount}；若经纬度对调则在附近"),
    "far": Text("is {amount} from home", "距起飞点 {amount}"),
    "frame": Text("uses frame {subject}, which this autopilot refuses or which cannot be judged", "使用了该自驾仪拒绝或无法判定的坐标系 {subject}"),
    "command": Text("command {subject} cannot be judged, so it is not passed", "命令 {subject} 无法判定，因此不予通过"),
    "parameter": Text("a parameter is not what this autopilot takes: {subject}", "参数不被该自驾仪接受：{subject}"),
    "jump": Text("jumps to an item that is not there: {subject}", "跳转到不存在的项：{subject}"),
    "items": Text("has {amount} items more than this autopilot stores", "项数超出该自驾仪容量 {amount}"),
    "leg": Text("the leg is {amount} longer than this autopilot accepts", "航段超出该自驾仪允许长度 {amount}"),
    "fence-size": Text("the fence has {amount} corners more than this autopilot stores", "围栏角点超出该自驾仪容量 {amount}"),
    "fence-shape": Text("the fence is not one that this autopilot keeps: {subject}", "围栏无效：{subject}"),
    "rally-size": Text("has {amount} rally points more than this autopilot stores", "备降点超出该自驾仪容量 {amount}"),
    "empty": Text("holds nothing to fly", "没有可飞的内容"),
}  # fmt: skip
# subjects that are words of ours, not names of somebody's zones
SUBJECTS: dict[str, str] = {
    "boundary": "边界",
    "fence": "围栏",
    "fence {n}": "第 {n} 个围栏",
    "home": "起飞点",
    "altitude": "高度",
    "{count} corners": "{count} 个角点",
    "radius {radius_m}": "半径 {radius_m}",
    "autopilot {name}": "自驾仪 {name}",
    "NAV_LOITER_TURNS without radius or turns": "NAV_LOITER_TURNS 缺少半径或圈数",
}

_subject_in_chinese = translator(SUBJECTS)
