"""Plans that are refused, and drones that do not do what they should."""

from __future__ import annotations

from patrol.errors.root import PatrolError, Text


class PlanError(PatrolError):
    """A flight plan is refused. planning.refusals.PlanRefused carries the reasons, each with its remedy."""

    message = Text("No plan is made.\n{report}\n", "没有生成规划。\n{report}\n")
    remedy = Text("Mend what is named and plan again.", "请改好所列问题后重新规划。")


class MissionUnreadable(PlanError):
    """The file is no mission, or has a part that this program does not understand."""

    message = Text("{name} cannot be read as a mission: {cause}.", "{name} 无法作为任务读取：{cause}。")
    remedy = Text(
        "Save it again in QGroundControl or Mission Planner; no part of it was used.",
        "请用 QGroundControl 或 Mission Planner 重新保存；没有使用其中任何部分。",
    )


class GeodataUnreadable(PlanError):
    """Terrain, zones or areas cannot be read."""

    message = Text("{name} cannot be read: {cause}.", "{name} 无法读取：{cause}。")
    remedy = Text(
        "Known are GeoJSON, ED-269 and ED-318 JSON, KML, KMZ, and GeoTIFF with a coordinate system; nothing of it was used.",
        "支持 GeoJSON、ED-269 与 ED-318 JSON、KML、KMZ 和带坐标系的 GeoTIFF；没有使用其中任何部分。",
    )


class PlanUnsafe(PlanError):
    """The judge found what must not be flown."""

    message = Text("{name}: {count} violation(s).\n{report}\n", "{name}：{count} 处违规。\n{report}\n")
    remedy = Text("Do not fly it; mend the plan and judge it again.", "不要飞行；请修改规划后再次判定。")


class PlanDrifted(PlanError):
    """A built plan is not what its intent gives today."""

    message = Text("Built plans differ from their intents: {names}.", "已生成的规划与任务不一致：{names}。")
    remedy = Text("Build them again: patrol plan {intents}", "请重新生成：patrol plan {intents}")


class FlightError(PatrolError):
    """A drone does not do what it should, or must not."""


class DroneLinkUnusable(FlightError):
    """The port or address of a drone's link cannot be opened."""

    message = Text("The drone link {link} cannot be opened: {cause}.", "无人机链路 {link} 打不开：{cause}。")
    remedy = Text(
        "Known forms: udp://host:port (we listen), udpout://host:port, tcp://host:port, serial:/dev/ttyUSB0:57600.",
        "可用形式：udp://主机:端口（本机监听）、udpout://主机:端口、tcp://主机:端口、serial:/dev/ttyUSB0:57600。",
    )


class DroneSilent(FlightError):
    """Nothing is heard of the drone."""

    message = Text(
        "Nothing was heard of {drone} for {seconds} s on {link}.",
        "在 {link} 上 {seconds} 秒没有收到{drone}的任何消息。",
    )
    remedy = Text(
        "Check power, radio and the link's address; with signing on, both ends need the same key.",
        "请检查电源、电台和链路地址；若启用签名，两端密钥必须相同。",
    )


class DroneLinkLost(FlightError):
    """The link to the drones ended while it was in use."""

    message = Text("The drone link {link} ended: {cause}.", "无人机链路 {link} 断开：{cause}。")
    remedy = Text(
        "A drone in the air goes on by itself or returns, as its own failsafe says; open the link again to take it over.",
        "空中的无人机会继续飞行或按自身保护返航；重新打开链路即可接管。",
    )


class DronesSeveral(FlightError):
    """More than one drone is heard, and none was named."""

    message = Text("{count} drones are heard on {link}: {systems}.", "{link} 上有 {count} 架无人机：{systems}。")
    remedy = Text("Say which one is meant: --system N.", "请指明是哪一架：--system N。")


class DroneForeign(FlightError):
    """The autopilot is neither ArduPilot nor PX4."""

    message = Text(
        "Drone {drone} on {link} has autopilot {autopilot}, which is neither ArduPilot nor PX4.",
        "{link} 上的无人机 {drone} 的飞控编号为 {autopilot}，既不是 ArduPilot 也不是 PX4。",
    )
    remedy = Text("It cannot be flown from here.", "无法从这里飞行它。")


class DroneTaken(FlightError):
    """Another station on this machine has the drone or the state folder."""

    message = Text("{what} is held by another station ({cause}).", "{what} 已被另一个机场程序占用（{cause}）。")
    remedy = Text(
        "One drone has one station: stop the other, or give this one drones and a state_dir of its own.",
        "一架无人机只归一个机场程序：请停掉另一个，或为本程序另设无人机和 state_dir。",
    )


class StationStateUnusable(FlightError):
    """The station cannot keep what it must not forget."""

    message = Text("The station's state {path} cannot be used: {cause}.", "机场状态文件 {path} 无法使用：{cause}。")
    remedy = Text(
        "Check permissions and disk; do not delete it while a drone is in the air.",
        "请检查权限和磁盘；有无人机在空中时不要删除它。",
    )


class SigningKeyUnusable(FlightError):
    """The secret of a signed link protects nothing."""

    message = Text(
        "The signing secret has {length} characters; at least 12 are needed.",
        "签名密钥只有 {length} 个字符，至少需要 12 个。",
    )
    remedy = Text("Make one: openssl rand -hex 32", "请生成一个：openssl rand -hex 32")


class FrameUnsendable(FlightError):
    """A message, or a field of one, that MAVLink does not have."""

    message = Text("{name} cannot be sent: {cause}.", "{name} 无法发送：{cause}。")
    remedy = Text("This is a mistake in the program; please report it.", "这是程序错误，请报告。")


class MissionNotAboard(FlightError):
    """What was uploaded does not read back as it was sent; nothing may be armed."""

    message = Text("The {what} is not aboard {drone}: {cause}.", "{what} 没有装上 {drone}：{cause}。")
    remedy = Text(
        "Nothing is armed. Check the link and the reasons, and try again.", "没有解锁。请检查链路和原因后再试。"
    )


class MissionUncompilable(FlightError):
    """A plan cannot be put into this autopilot's items."""

    message = Text(
        "Item {item} of the mission cannot be given to {autopilot}: {cause}.",
        "任务第 {item} 项无法交给 {autopilot}：{cause}。",
    )
    remedy = Text("Change the plan or use another drone.", "请修改规划或换一架无人机。")


class CommandRefused(FlightError):
    """The drone answers and says no, or does not answer."""

    message = Text("{drone} did not {what}: {cause}.", "{drone} 没有执行“{what}”：{cause}。")
    remedy = Text("Read the drone's own texts in the flight record.", "请看飞行记录里无人机自己的提示。")


class FlightRefused(FlightError):
    """Pre-flight found reasons not to fly."""

    message = Text("{drone} does not fly.\n{report}\n", "{drone} 不起飞。\n{report}\n")
    remedy = Text("Mend what is named; nothing was armed.", "请处理所列问题；没有解锁。")


class FlightRecordUnreadable(FlightError):
    """A flight record is missing or damaged."""

    message = Text("The flight record {path} cannot be read: {cause}.", "飞行记录 {path} 无法读取：{cause}。")
    remedy = Text("Known flights: patrol flight list", "已有飞行：patrol flight list")


class FlightUnfinished(FlightRecordUnreadable):
    """A flight has frames but no summary."""

    message = Text(
        "Flight {flight_id} has no summary: it is in the air, or its program was interrupted. Frames: {path}, "
        "{size_kb} kB, the last written at {last}.",
        "飞行 {flight_id} 没有摘要：仍在空中，或程序被中断。数据帧：{path}，{size_kb} kB，最后写入于 {last}。",
    )
    remedy = Text(
        "In the air: wait for its end. Interrupted: Mission Planner, QGroundControl and MAVProxy replay its frames.",
        "仍在空中：请等它结束。被中断：可用 Mission Planner、QGroundControl 或 MAVProxy 回放数据帧。",
    )


class FlightRecordUnwritable(FlightError):
    """A flight record cannot be written."""

    message = Text("The flight record {path} cannot be written: {cause}.", "飞行记录 {path} 无法写入：{cause}。")
    remedy = Text(
        "Choose another folder with --kept, or free some space; nothing was armed for it.",
        "请用 --kept 换一个文件夹，或腾出空间；没有为此解锁。",
    )
