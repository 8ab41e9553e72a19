"""Pictures do not come, or the network that should judge them must not."""

from __future__ import annotations

from patrol.errors.root import PatrolError, Text


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


class ThermogramUnusable(SourceUnreadable):
    """A file or stream with temperatures cannot be decoded, or holds none that a scene can have."""

    message = Text("{source} gives no temperatures: {cause}.", "{source} 得不到温度：{cause}。")
    remedy = Text(
        "Take the file as the camera wrote it: copies that were edited, sent by messenger or cut short lose their readings. "
        "For 16-bit counts check thermal.gain_c and thermal.offset_c of the camera.",
        "请使用相机原始文件：编辑过、经聊天软件转发或被截断的副本会丢失读数。16 位计数请检查摄像头的 thermal.gain_c 和 thermal.offset_c。",
    )


class DecoderMissing(SourceError):
    """The optional decoder of a vendor's thermal pictures is not installed."""

    message = Text("The decoder {package} is not installed.", "没有安装解码器 {package}。")
    remedy = Text(
        "pip install 'sky-ground-patrol[thermal]'; on Python 3.11 also: "
        "pip install --no-deps --ignore-requires-python dji-thermal-cli",
        "pip install 'sky-ground-patrol[thermal]'；Python 3.11 还需：pip install --no-deps --ignore-requires-python dji-thermal-cli",
    )


class SceneUnreadable(SourceError):
    """A scene file of the replay bench is missing or wrong."""

    message = Text("The scene {path} cannot be used: {cause}.", "场景 {path} 无法使用：{cause}。")
    remedy = Text(
        "Compare it with those in tests/replay/scenes; camera is written as in config.yaml.",
        "请对照 tests/replay/scenes 里的场景；camera 的写法与 config.yaml 相同。",
    )


class NothingToAccept(SourceError):
    """No picture of a changed roof waits for a person."""

    message = Text(
        "No changed picture of the roof of {building} waits in {folder}.",
        "{folder} 里没有 {building} 屋顶待认可的变化画面。",
    )
    remedy = Text(
        "Name a building whose roof has alerted on this box; what was accepted once need not be accepted again.",
        "请写明在该盒子上报过警的屋顶所属建筑物；已认可过的无需再认可。",
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


class RecipesMissing(ModelError):
    """The recipes are part of the repository, not of the installed program."""

    message = Text("The recipes are not at {path}.", "{path} 处没有训练流程。")
    remedy = Text("Run this from a checkout of the repository.", "请在仓库的检出目录里运行。")


class TrainingEnvironmentMissing(ModelError):
    """What needs torch runs in an environment of its own, which is not there."""

    message = Text(
        "`{command}` needs the training environment: {python} is missing.", "`{command}` 需要训练环境：缺少 {python}。"
    )
    remedy = Text(
        "`make models NAME=street` makes it, or name its Python in PATROL_TRAIN_PYTHON.",
        "`make models NAME=street` 会建立它，或用 PATROL_TRAIN_PYTHON 指明其 Python。",
    )


class ModelCheckFailed(ModelError):
    """A recipe's command ended with an error, found a problem, or said no."""

    message = Text("`{command}` ended with status {status}.", "`{command}` 以状态 {status} 结束。")
    remedy = Text("Its reasons stand above.", "原因见上文。")
