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


class UsageError(PatrolError):
    """The command line names something that the configuration does not have."""

    message = Text("There is no {kind} called '{name}'.", "没有名为“{name}”的{kind}。")
    remedy = Text("Known: {known}.", "已有：{known}。")
