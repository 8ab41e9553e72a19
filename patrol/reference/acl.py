"""docs/mosquitto.acl: who may say and hear what, as Mosquitto's access list, from the wire table."""

from __future__ import annotations

from patrol.topics import NAMES, TOPICS, Program, Topic

ACCOUNTS: dict[Program, str] = {
    "center": "center",
    "station": "station",
    "case system": "case-system",
    "weather service": "weather",
}


def _lines(program: Program, district: str) -> list[str]:
    if program == "box":
        # %u is the account's name: a box can use its own topics only, so its account is called as the box is
        rule, box = "pattern", "%u"
        lines = ["# Every box: its account has the name of the box."]
    else:
        rule, box = "topic", "+"
        lines = [f"user {ACCOUNTS[program]}"]

    def path(row: Topic) -> str:
        return row.path(district, **(dict.fromkeys(NAMES, "+") | {"box": box}))

    lines += [f"{rule} write {path(row)}" for row in TOPICS if row.sender == program]
    lines += [f"{rule} read {path(row)}" for row in TOPICS if program in row.readers]
    return [*lines, ""]


def sensor_lines(district: str) -> list[str]:
    """Vendors' devices share one account that may publish nothing else; boxes only listen to them."""
    return [
        f"# Sensors of other vendors publish below sensors/{district}/; a topic elsewhere needs two lines like these.",
        "user sensors",
        f"topic write sensors/{district}/#",
        f"pattern read sensors/{district}/#",
    ]


def mosquitto_acl(district: str) -> str:
    """The access list for one district. What is not named is forbidden."""
    parts = [
        "# Made from the wire table by docs/build.py. For another district, replace its name:",
        f"#   sed 's#/{district}/#/mydistrict/#' docs/mosquitto.acl > /etc/mosquitto/patrol.acl",
        "",
    ]
    for program in ACCOUNTS:
        parts += _lines(program, district)
    return "\n".join([*parts, *_lines("box", district), *sensor_lines(district)]) + "\n"
