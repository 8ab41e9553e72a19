"""What must be kept cannot be: evidence, disk, database."""

from __future__ import annotations

from patrol.errors.root import PatrolError, Text


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


class ClipNotWritten(StorageError):
    """A rendered film cannot be kept."""

    message = Text("The film {path} cannot be written: {cause}.", "影片 {path} 无法写入：{cause}。")
    remedy = Text(
        "Check room and rights in its folder; nothing half-written is left behind.",
        "请检查其文件夹的空间和权限；不会留下写了一半的文件。",
    )


class FileUnusable(StorageError):
    """A file or folder that a command was to read or write."""

    message = Text("{path} cannot be used: {cause}.", "{path} 无法使用：{cause}。")
    remedy = Text(
        "Check that its folder exists, and rights and room there, or choose another one.",
        "请检查其文件夹是否存在以及权限和空间，或换一个文件夹。",
    )


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
