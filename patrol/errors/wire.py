"""Messages that must not be believed, and links that do not hold."""

from __future__ import annotations

from patrol.errors.root import PatrolError, Text


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
