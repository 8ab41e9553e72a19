"""What can be wrong in a configuration file, in both languages, each with its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from patrol.errors import ConfigError, Language, Text


@dataclass(frozen=True)
class Problem:
    """One thing to mend. `facts` fill the placeholders of the texts under `code`."""

    code: str
    line: int
    place: str  # dotted path of the field, e.g. cameras[2].zones[0].polygon_px
    facts: Mapping[str, object] = field(default_factory=dict)

    def explain(self, path: str, language: Language) -> str:
        """`file:line: field: what is wrong. What to do.`"""
        message, remedy = PROBLEMS[self.code]
        said = f"{message.render(language, **self.facts)} {remedy.render(language, **self.facts)}"
        return f"{path}:{self.line}: {self.place}: {said}" if self.place else f"{path}:{self.line}: {said}"


class ConfigProblems(ConfigError):
    """The file is refused; `problems` holds everything that is wrong with it, in the order of its lines."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.line, p.place, p.code))
        report = self._report(path, "en")
        super().__init__(path=path, count=len(problems), report=report)

    def _report(self, path: str, language: Language) -> str:
        return "\n".join(problem.explain(path, language) for problem in self.problems)

    def explain(self, language: Language) -> str:
        """All problems, one a line, then what to do."""
        self.facts["report"] = self._report(str(self.facts["path"]), language)
        return super().explain(language)


PROBLEMS: dict[str, tuple[Text, Text]] = {
    "unreadable": (
        Text("the file cannot be read: {cause}.", "文件无法读取：{cause}。"),
        Text("Check the path and permissions.", "请检查路径和权限。"),
    ),
    "not-yaml": (
        Text("this is not YAML: {cause}.", "不是合法的 YAML:{cause}。"),
        Text("Look at the indentation and quotes near this line.", "请检查这一行附近的缩进和引号。"),
    ),
    "duplicate-key": (
        Text("the key '{key}' stands here twice.", "键“{key}”重复出现。"),
        Text("Remove one; the first is at line {first_line}.", "请删掉一个；第一个在第 {first_line} 行。"),
    ),
    "missing": (
        Text("'{key}' is missing.", "缺少“{key}”。"),
        Text("Add it: {about}.", "请补上：{about}。"),
    ),
    "unknown-key": (
        Text("there is no field '{key}' here.", "这里没有字段“{key}”。"),
        Text("Known: {known}.", "可用：{known}。"),
    ),
    "misspelt-key": (
        Text("there is no field '{key}' here.", "这里没有字段“{key}”。"),
        Text("Did you mean '{guess}'?", "是不是“{guess}”？"),
    ),
    "wrong-unit": (
        Text("'{key}' is in the wrong unit.", "“{key}”的单位不对。"),
        Text("This field is '{guess}': convert the number to {unit}.", "此字段是“{guess}”：请把数值换算成{unit}。"),
    ),
    "unit-in-value": (
        Text("{value} carries a unit.", "{value} 带了单位。"),
        Text("Write the bare number, in {unit}.", "请只写数字，单位为{unit}。"),
    ),
    "wrong-type": (
        Text("{value} is not what belongs here.", "{value} 不是这里该有的内容。"),
        Text("Expected: {expected}.", "应为：{expected}。"),
    ),
    "out-of-range": (
        Text("{value} is out of range.", "{value} 超出范围。"),
        Text("It must be: {expected}.", "要求：{expected}。"),
    ),
    "wrong-choice": (
        Text("{value} is not one of the choices.", "{value} 不在可选项内。"),
        Text("Choose from: {expected}.", "请从中选择：{expected}。"),
    ),
    "bad-id": (
        Text("'{value}' cannot be an id.", "“{value}”不能作为编号。"),
        Text("Use lower-case letters, digits and hyphens, up to 63.", "请用小写字母、数字和连字符，最多 63 个。"),
    ),
    "bad-hours": (
        Text("'{value}' is not a span of hours.", "“{value}”不是时段。"),
        Text("Write for example 22:00-06:00, or 00:00-24:00 for always.", "写法如 22:00-06:00；全天写 00:00-24:00。"),
    ),
    "bad-cron": (
        Text("'{value}' is not a cron expression.", "“{value}”不是 cron 表达式。"),
        Text(
            "Five fields: minute hour day month weekday, e.g. 30 6 * * 1-5.",
            "五段：分 时 日 月 周，例如 30 6 * * 1-5。",
        ),
    ),
    "bad-days": (
        Text("'{value}' is neither a day nor a span of days.", "“{value}”不是日期，也不是日期区间。"),
        Text("Write for example 2026-10-01, or 2026-10-01/2026-10-07.", "写法如 2026-10-01 或 2026-10-01/2026-10-07。"),
    ),
    "bad-timezone": (
        Text("'{value}' is not a time zone.", "“{value}”不是时区。"),
        Text("Use an IANA name such as Asia/Shanghai.", "请用 IANA 名称，例如 Asia/Shanghai。"),
    ),
    "bad-url": (
        Text("'{value}' is not an address for this.", "“{value}”不是合适的地址。"),
        Text("Expected: {expected}.", "应为：{expected}。"),
    ),
    "self-crossing": (
        Text("the polygon crosses itself near {x}, {y}.", "多边形在 {x}, {y} 附近自相交。"),
        Text("Put its corners in order around the edge.", "请按边界顺序排列各角点。"),
    ),
    "too-few-corners": (
        Text(
            "a polygon needs at least 3 different corners that enclose an area.",
            "多边形至少需要 3 个能围出面积的不同角点。",
        ),
        Text("Add corners.", "请补充角点。"),
    ),
    "zone-outside-image": (
        Text(
            "the corner {x}, {y} lies outside the camera's {width} x {height} picture.",
            "角点 {x}, {y} 在摄像头 {width} x {height} 画面之外。",
        ),
        Text(
            "Move it inside, or correct lens.width_px and lens.height_px.",
            "请移到画面内，或修正 lens.width_px 和 lens.height_px。",
        ),
    ),
    "duplicate-id": (
        Text("the id '{value}' is used twice among {kind}.", "{kind} 中编号“{value}”重复。"),
        Text("Rename one; the first is at line {first_line}.", "请改名；第一个在第 {first_line} 行。"),
    ),
    "reserved-id": (
        Text("boxes already call {meaning} '{value}'.", "盒子已用“{value}”称呼{meaning}。"),
        Text("Give it another id.", "请换一个编号。"),
    ),
    "unknown-reference": (
        Text("there is no '{value}' among {kind}.", "{kind} 中没有“{value}”。"),
        Text("Known: {known}.", "已有：{known}。"),
    ),
    "swapped": (
        Text("{value} looks like latitude and longitude swapped.", "{value} 的经纬度看来写反了。"),
        Text("Write [longitude, latitude], as GeoJSON does.", "请写成 [经度, 纬度]，与 GeoJSON 相同。"),
    ),
    "far-away": (
        Text("{value} is {distance_km} km from the district's origin.", "{value} 距辖区原点 {distance_km} 公里。"),
        Text(
            "Everything of a district lies within 60 km of district.origin.",
            "辖区内一切都应在 district.origin 60 公里以内。",
        ),
    ),
    "secret-in-file": (
        Text("a secret stands in the file.", "文件里直接写了机密。"),
        Text("Write ${{NAME}} here and set NAME in the environment.", "请写 ${{NAME}}，并在环境变量里设置 NAME。"),
    ),
}
