"""Every error this product raises on purpose.

A message says what happened, a remedy says what to do; both exist in English and Chinese, and both
may name facts given at the raise (`{path}`, `{found}`). docs/errors.md is generated from this file.

    PatrolError
    ├── ConfigError                a configuration file is refused, with every problem in it
    │   └── SecretNotSet           ${NAME} is not in the environment
    ├── UsageError                 the command line asks for what does not exist
    ├── SourceError                pictures do not come
    │   ├── SourceMissing          no such clip, folder or device
    │   ├── SourceUnreadable       it is there but cannot be decoded
    │   └── SourceLost             it was there and went away
    ├── ModelError                 a model must not be used
    │   ├── ModelNotRegistered     models/registry.yaml does not name it
    │   ├── ModelMissing           the file is not there
    │   ├── ModelAltered           its SHA-256 is not the registered one
    │   └── ModelMismatch          its classes, shape or format are not what the rules need
    ├── WireError                  a message must not be believed
    │   ├── MessageMalformed       not JSON, not a CloudEvent, or a field is wrong
    │   ├── MessageOversized       longer than the wire table allows
    │   ├── MessageFromFuture      a newer major version than this program reads
    │   ├── MessageUnknown         a type the wire table does not name
    │   └── MessageMisplaced       it came on a topic that its sender may not use
    ├── LinkError                  the broker or the centre is out of reach
    │   ├── BrokerUnreachable      nothing answers there
    │   ├── BrokerRefused          it answers and says no
    │   ├── CenterUnreachable      the centre's HTTP side does not answer
    │   └── CenterRefused          it answers and does not accept who we are
    ├── EvidenceError              a picture or clip cannot serve as evidence
    │   ├── EvidenceMissing        the file is gone from the box
    │   ├── EvidenceAltered        its bytes are not those that were recorded
    │   └── EvidenceRefused        the centre will not take it
    ├── StorageError               the disk or the database will not keep it
    │   ├── DiskFull               no room left
    │   ├── OutboxUnusable         the outbox file cannot be opened or is damaged
    │   ├── EvidenceUnwritable     the centre's evidence folder cannot be used
    │   └── DatabaseUnusable       the centre's database does not answer or does not fit
    │       └── DatabaseFromFuture its tables were made by a newer program
    ├── PlanError                  a flight plan is refused; a PlanRefused carries every reason
    │   ├── MissionUnreadable      the file is no mission that can be read whole
    │   └── GeodataUnreadable      terrain, zones or areas cannot be read
    └── ProgramError               a program could not be started
        ├── PortTaken              something else listens there
        ├── ProgramMissing         an optional part is not installed
        └── StartTimeout           it did not become ready in time
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

Language = Literal["en", "zh-CN"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-CN")


class Text(NamedTuple):
    """One sentence in both languages. Placeholders are the same in each."""

    en: str
    zh: str

    def render(self, language: Language, **facts: object) -> str:
        """The sentence in `language` with `facts` filled in. KeyError names a fact that was not given.

        A fact may itself be a Text (without placeholders); it is then said in the same language.
        """
        said = {name: fact.said_in(language) if isinstance(fact, Text) else fact for name, fact in facts.items()}
        return self.said_in(language).format(**said)

    def said_in(self, language: Language) -> str:
        """The template in `language`."""
        return self.zh if language == "zh-CN" else self.en


class PatrolError(Exception):
    """The root: catch this to catch everything the product raises on purpose."""

    message: ClassVar[Text] = Text("Something went wrong.", "出错了。")
    remedy: ClassVar[Text] = Text("Read the cause below.", "请看下面的原因。")

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.explain("en"))

    def explain(self, language: Language) -> str:
        """What happened and what to do about it, in one line unless the message is a report of many."""
        message, remedy = self.message.render(language, **self.facts), self.remedy.render(language, **self.facts)
        return message + ("" if message.endswith("\n") else " ") + remedy


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


class SourceError(PatrolError):
    """Pictures do not come from a camera, clip or folder."""


class SourceMissing(SourceError):
    """No such clip, folder or device."""

    message = Text("There is nothing at {source}.", "{source} 不存在。")
    remedy = Text("Check the path or address; nothing was read.", "请检查路径或地址；没有读取任何内容。")


class SourceUnreadable(SourceError):
    """It is there, but no picture can be decoded from it."""

    message = Text(
        "{source} cannot be read as video or pictures: {cause}.", "{source} 无法作为视频或图片读取：{cause}。"
    )
    remedy = Text(
        "Play it elsewhere to see whether it is damaged; H.264, H.265, MJPEG, JPEG and PNG are known to work.",
        "请用其他播放器确认是否损坏；已知可用：H.264、H.265、MJPEG、JPEG、PNG。",
    )


class SourceLost(SourceError):
    """It delivered pictures and then stopped."""

    message = Text("{source} stopped delivering pictures: {cause}.", "{source} 不再送来画面：{cause}。")
    remedy = Text(
        "The box keeps trying, and counts the time as not watched; check power, cable and network.",
        "盒子会一直重试，并把这段时间记为未看守；请检查电源、线缆和网络。",
    )


class ModelError(PatrolError):
    """A model must not be used."""


class ModelNotRegistered(ModelError):
    """The registry does not name this model."""

    message = Text("{registry} names no model '{name}'.", "{registry} 里没有模型“{name}”。")
    remedy = Text("Known: {known}.", "已登记：{known}。")


class ModelMissing(ModelError):
    """The model's file is not there."""

    message = Text("The model file {path} is missing.", "缺少模型文件 {path}。")
    remedy = Text("Restore it: git checkout -- models", "请恢复：git checkout -- models")


class ModelAltered(ModelError):
    """The file is not the one the registry describes."""

    message = Text(
        "{path} has SHA-256 {found}, but the registry says {expected}.",
        "{path} 的 SHA-256 是 {found}，登记的却是 {expected}。",
    )
    remedy = Text(
        "Restore the file (git checkout -- models) or register the new one; the box will not guess.",
        "请恢复文件(git checkout -- models)或登记新文件；盒子不会猜。",
    )


class ModelMismatch(ModelError):
    """Classes, shape or format are not what is needed."""

    message = Text("{path} does not fit: {cause}.", "{path} 不适用：{cause}。")
    remedy = Text("Export it again with the recipe in models/.", "请用 models/ 里的流程重新导出。")


class WireError(PatrolError):
    """A message must not be believed; the centre keeps it as a dead letter."""


class MessageMalformed(WireError):
    """Not JSON, not a CloudEvent, or a field is missing or wrong."""

    message = Text("The message on {topic} cannot be read: {cause}.", "{topic} 上的消息无法读取：{cause}。")
    remedy = Text("Compare it with docs/wire.md; its sender has to be mended.", "请对照 docs/wire.md；需要修正发送方。")


class MessageOversized(WireError):
    """Longer than the wire table allows."""

    message = Text(
        "The message on {topic} has {size} bytes, allowed are {limit}.",
        "{topic} 上的消息有 {size} 字节，上限是 {limit}。",
    )
    remedy = Text("Pictures and clips go by upload, not inside a message.", "图片和视频应走上传通道，不放在消息里。")


class MessageFromFuture(WireError):
    """A newer major version than this program reads."""

    message = Text(
        "The message on {topic} is {type} version {found}; this program reads up to {known}.",
        "{topic} 上的消息是 {type} 版本 {found}，本程序只认识到 {known}。",
    )
    remedy = Text("Update this program; the message is kept.", "请升级本程序；消息已保留。")


class MessageUnknown(WireError):
    """A type that the wire table does not name."""

    message = Text("The message on {topic} has the unknown type '{type}'.", "{topic} 上的消息类型“{type}”未知。")
    remedy = Text(
        "Update this program or mend the sender; the message is kept.", "请升级本程序或修正发送方；消息已保留。"
    )


class MessageMisplaced(WireError):
    """It came on a topic that its sender may not use."""

    message = Text(
        "A message that says it comes from '{sender}' came on {topic}.", "自称来自“{sender}”的消息出现在 {topic}。"
    )
    remedy = Text(
        "Give each box its own broker account, limited to its own topics.",
        "请给每个盒子单独的账号，并限定只能用自己的主题。",
    )


class LinkError(PatrolError):
    """The broker or the centre is out of reach; what was to be sent stays on disk."""


class BrokerUnreachable(LinkError):
    """Nothing answers at the broker's address."""

    message = Text("The broker at {url} does not answer: {cause}.", "消息代理 {url} 没有应答：{cause}。")
    remedy = Text("Start it (patrol broker) or mend broker.url.", "请启动它(patrol broker)或修正 broker.url。")


class BrokerRefused(LinkError):
    """The broker answers and says no."""

    message = Text("The broker at {url} refused the connection: {cause}.", "消息代理 {url} 拒绝连接：{cause}。")
    remedy = Text("Check user name, password and access list.", "请检查用户名、密码和访问列表。")


class CenterUnreachable(LinkError):
    """The centre's HTTP side does not answer."""

    message = Text("The centre at {url} does not answer: {cause}.", "中心 {url} 没有应答：{cause}。")
    remedy = Text("Nothing is lost: it is tried again later.", "不会丢失：稍后会重试。")


class CenterRefused(LinkError):
    """The centre answers and does not accept who we are."""

    message = Text("The centre at {url} does not accept this box's token.", "中心 {url} 不接受这个盒子的令牌。")
    remedy = Text(
        "Set the same token on both sides; uploads wait and continue by themselves.",
        "请在两边设置相同的令牌；上传会等待并自动继续。",
    )


class EvidenceError(PatrolError):
    """A picture or clip cannot serve as evidence."""


class EvidenceMissing(EvidenceError):
    """The file is gone from the box."""

    message = Text("The evidence file {path} is missing.", "证据文件 {path} 不见了。")
    remedy = Text("The alert stands and says so; check the box's disk.", "警报仍然有效并会注明；请检查盒子的磁盘。")


class EvidenceAltered(EvidenceError):
    """Its bytes are not those that were recorded."""

    message = Text(
        "Evidence {sha256} does not have the bytes it had when it was recorded.",
        "证据 {sha256} 的内容与记录时不一致。",
    )
    remedy = Text(
        "It is kept aside as it is; check the disk and who has access.", "已原样另存；请检查磁盘以及谁能接触它。"
    )


class EvidenceRefused(EvidenceError):
    """The centre will not take this upload."""

    message = Text("The centre refused evidence {sha256}: {cause}.", "中心拒收证据 {sha256}:{cause}。")
    remedy = Text("Check the box's token and the centre's log.", "请检查盒子的令牌和中心的日志。")


class StorageError(PatrolError):
    """The disk or the database will not keep what must be kept."""


class DiskFull(StorageError):
    """No room left."""

    message = Text("No room left on the disk that holds {path}.", "{path} 所在磁盘已满。")
    remedy = Text("Free some space; what is already stored is safe.", "请腾出空间；已存内容是安全的。")


class OutboxUnusable(StorageError):
    """The outbox file cannot be opened or is damaged."""

    message = Text("The outbox {path} cannot be used: {cause}.", "发件箱 {path} 无法使用：{cause}。")
    remedy = Text(
        "Check permissions and disk; do not delete it: unsent alerts are inside.",
        "请检查权限和磁盘；不要删除：里面有未发出的警报。",
    )


class DatabaseUnusable(StorageError):
    """The centre's database does not answer or does not fit this program."""

    message = Text("The database {url} cannot be used: {cause}.", "数据库 {url} 无法使用：{cause}。")
    remedy = Text("Check center.database and that the server runs.", "请检查 center.database 以及服务器是否在运行。")


class DatabaseFromFuture(DatabaseUnusable):
    """A newer program made these tables; waiting does not help."""

    message = Text(
        "The database {url} has tables of version {found}; this program knows version {known}.",
        "数据库 {url} 的表结构版本是 {found}，本程序只认识版本 {known}。",
    )
    remedy = Text("Update this program; nothing was changed.", "请升级本程序；没有改动任何内容。")


class EvidenceUnwritable(StorageError):
    """The centre's evidence folder cannot be written or read."""

    message = Text("The evidence folder {path} cannot be used: {cause}.", "证据文件夹 {path} 无法使用：{cause}。")
    remedy = Text("Check permissions and disk; boxes try again.", "请检查权限和磁盘；盒子会再试。")


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
        "Known are GeoJSON, ED-269 JSON and GeoTIFF with a coordinate system; nothing of it was used.",
        "支持 GeoJSON、ED-269 JSON 和带坐标系的 GeoTIFF；没有使用其中任何部分。",
    )


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
