"""Programs that could not be started."""

from __future__ import annotations

from patrol.errors.root import PatrolError, Text


class ProgramError(PatrolError):
    """A program could not be started."""


class PortTaken(ProgramError):
    """Something else listens there."""

    message = Text("Port {port} on {host} is taken.", "{host} 的端口 {port} 已被占用。")
    remedy = Text("Stop what listens there or choose another port.", "请停掉占用者或换一个端口。")


class ProgramMissing(ProgramError):
    """An optional part is not installed."""

    message = Text("{program} is not installed.", "没有安装 {program}。")
    remedy = Text(
        "Install it: pip install 'sky-ground-patrol[{extra}]'", "请安装：pip install 'sky-ground-patrol[{extra}]'"
    )


class StartTimeout(ProgramError):
    """A program did not become ready in time."""

    message = Text("{program} was not ready within {seconds} s.", "{program} 在 {seconds} 秒内没有就绪。")
    remedy = Text("Its log is at {log}.", "日志在 {log}。")
