"""What was asked for cannot be done: configuration and command line."""

from __future__ import annotations

from patrol.errors.root import PatrolError, Text


class ConfigError(PatrolError):
    """A configuration file is refused; the report lists every problem in it."""

    message = Text("{path}: {count} problem(s).\n{report}\n", "{path}:{count} 处问题。\n{report}\n")
    remedy = Text(
        "Mend them and run `patrol check-config {path}` again.", "改好后再运行 `patrol check-config {path}`。"
    )


class SecretNotSet(ConfigError):
    """A `${NAME}` in the configuration is not in the environment."""

    message = Text("{field} needs ${{{name}}}, which is not set.", "{field} 需要 ${{{name}}}，但环境里没有。")
    remedy = Text(
        "Set it before starting, for example: export {name}=$(openssl rand -hex 32)",
        "启动前先设置，例如：export {name}=$(openssl rand -hex 32)",
    )


class OneOf(PatrolError):
    """Of two things that exclude each other both or neither was given."""

    message = Text("Give either {one} or {other}.", "{one} 与 {other} 必须且只能给出一个。")
    remedy = Text("See --help.", "见 --help。")


class UsageError(PatrolError):
    """The command line names something that the configuration does not have."""

    message = Text("There is no {kind} called '{name}'.", "没有名为“{name}”的{kind}。")
    remedy = Text("Known: {known}.", "已有：{known}。")


class CalibrationRefused(PatrolError):
    """No pose of the camera follows from the points that were given."""

    message = Text(
        "The camera's pose does not follow from these points: {cause}.", "这些点无法确定摄像头位姿：{cause}。"
    )
    remedy = Text(
        "Pick at least six points that are easy to find on a map, spread over the picture, near and far, not on one line.",
        "请选至少六个在地图上容易找到的点，分布在画面各处，有远有近，不在一条直线上。",
    )


class PointsUnreadable(PatrolError):
    """A file of known points cannot be read."""

    message = Text("{path}, line {line}: {cause}.", "{path} 第 {line} 行：{cause}。")
    remedy = Text(
        "One point a line under the heading x_px,y_px,longitude_deg,latitude_deg,height_m; the height may be left out.",
        "表头为 x_px,y_px,longitude_deg,latitude_deg,height_m，每行一个点；高度可以省略。",
    )
