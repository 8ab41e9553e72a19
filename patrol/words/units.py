"""The units that stand at the end of names (`height_m`), in words."""

from patrol.errors import Text

UNITS: dict[str, Text] = {
    "m": Text("metres", "米"),
    "km": Text("kilometres", "千米"),
    "cm": Text("centimetres", "厘米"),
    "mm": Text("millimetres", "毫米"),
    "ft": Text("feet", "英尺"),
    "s": Text("seconds", "秒"),
    "ms": Text("milliseconds", "毫秒"),
    "min": Text("minutes", "分钟"),
    "h": Text("hours", "小时"),
    "days": Text("days", "天"),
    "deg": Text("degrees", "度"),
    "rad": Text("radians", "弧度"),
    "c": Text("degrees Celsius", "摄氏度"),
    "m2": Text("square metres", "平方米"),
    "px": Text("pixels", "像素"),
    "bytes": Text("bytes", "字节"),
}


def unit_of(name: str) -> Text | None:
    """The unit that `name` carries at its end, or None: `height_m` is in metres, `name` in nothing."""
    stem, _, suffix = name.rpartition("_")
    return UNITS.get(suffix) if stem else None
