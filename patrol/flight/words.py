"""What flights say to people, in both languages: outcomes, phases, happenings, headings."""

from __future__ import annotations

from patrol.errors import Language, Text
from patrol.errors.translate import translator
from patrol.flight.record import FlightSummary

WORDS: dict[str, Text] = {
    "planned": Text("planned", "规划航线"),
    "flown": Text("flown", "实飞航迹"),
    "keep-in": Text("keep-in", "允许范围"),
    "no-fly": Text("no-fly", "禁飞区"),
    "photographs": Text("photographs", "拍照点"),
    "map": Text("Map", "地图"),
    "height": Text("Height above home, metres", "相对起飞点高度（米）"),
    "battery": Text("Battery, %", "电量（%）"),
    "events": Text("Events", "事件"),
    "time": Text("time", "时间"),
    "what": Text("what", "事项"),
    "detail": Text("detail", "详情"),
    "no-track": Text("Nothing was recorded.", "没有记录。"),
    "vehicle": Text("vehicle", "无人机"),
    "began": Text("began", "开始"),
    "distance": Text("distance planned / flown", "距离：规划 / 实飞"),
    "duration": Text("time planned / flown", "时长：规划 / 实飞"),
    "cross-track": Text("farthest from its way", "最大偏航"),
    "height-off": Text("farthest from its height", "最大高度偏差"),
    "shots": Text("photographs / missing", "照片 / 缺失"),
    "breaches": Text("samples where nobody may be", "越界采样数"),
    "frames": Text("frames heard / lost", "收到 / 丢失帧数"),
    "plan-hash": Text("plan hash", "规划哈希"),
}
HAPPENINGS: dict[str, Text] = {
    "phase": Text("phase", "阶段"),
    "order": Text("order", "指令"),
    "answer": Text("answer", "应答"),
    "jump": Text("jump", "跳转"),
    "text": Text("text", "飞控提示"),
    "link lost": Text("link lost", "链路中断"),
    "link back": Text("link back", "链路恢复"),
    "start refused": Text("start refused", "拒绝起飞"),
    "photographs missing": Text("photographs missing", "照片缺失"),
    "turned back": Text("turned back", "自行返航"),
    "look": Text("camera turned", "转动云台"),
    "watch": Text("camera on a place", "镜头盯住地点"),
    "landed": Text("landed", "已降落"),
    "returned": Text("returned", "已返航"),
    "aborted": Text("aborted", "已中止"),
    "unknown": Text("not known how it ended", "结局未知"),
}
PHASES: dict[str, Text] = {
    "installing": Text("uploading and reading back", "上传并回读"),
    "streaming": Text("asking for telemetry", "请求遥测"),
    "checking": Text("reading failsafe parameters", "读取保护参数"),
    "waiting": Text("waiting for position and battery", "等待定位和电量"),
    "mode": Text("setting the mode", "设置模式"),
    "arming": Text("arming", "解锁"),
    "starting": Text("starting", "起飞"),
    "flying": Text("flying", "飞行"),
}


STATES: dict[str, Text] = {
    "free": Text("free", "待命"),
    "charging": Text("charging", "充电"),
    "flying": Text("flying", "飞行"),
    "silent": Text("silent", "无应答"),
    "unfit": Text("unfit", "不适飞"),
    "launching": Text("launching", "起飞中"),
    "recalled": Text("recalled", "召回中"),
    "waiting": Text("waiting", "等待"),
    "orbit": Text("orbit", "环绕"),
    "re-check": Text("re-check", "复核"),
    "verification": Text("verification", "核实"),
}


def state_said(word: str, language: Language) -> str:
    """The state of a drone or a flight; a name of the configuration as it is."""
    text = STATES.get(word)
    return word if text is None else text.said_in(language)


# how a flight ended, as pilots say it, and the station of flights that it did not see end
REASONS: dict[str, str] = {
    "pre-flight": "飞前检查未通过",
    "by order": "按指令",
    "rehearsed: all is aboard and well, nothing was armed": "演练：全部上传，状态良好，没有解锁",
    "{a} not aboard: {b}": "{a} 没有上传成功：{b}",
    "not everything is aboard": "没有全部上传",
    "mode refused: {a}": "拒绝切换模式：{a}",
    "arming refused: {a}": "拒绝解锁：{a}",
    "arming refused": "拒绝解锁",
    "start refused: {a}": "拒绝起飞：{a}",
    "nothing heard for {a} s in flight": "飞行中 {a} 秒没有任何消息",
    "disarmed on the ground": "在地面上锁",
    "it never took off": "没有起飞",
    "battery low": "电量低",
    "link lost": "链路中断",
    "fence breached": "越过围栏",
    "position lost": "失去定位",
    "by itself": "自行返航",
    "at a safe point": "在备降点",
    "{a}, at a safe point": "{a}，在备降点",
    "{a}, landed at home": "{a}，已在起飞点降落",
    "{a}, landed at a safe point": "{a}，已在备降点降落",
    "{a}, landed {b}": "{a}，已降落：{b}",
    "{a}, landed away": "{a}，已在别处降落",
    "came down {a} m from home: {b}": "落在离起飞点 {a} 米处：{b}",
    "came down {a} m from home": "落在离起飞点 {a} 米处",
    "its number on the link is not known": "不知道它在链路上的编号",
    "The flight ended while the station was away.": "飞行在机场停机期间结束。",
    "The station was started anew before take-off.": "机场在起飞前重启。",
    "Nothing is heard of {a}.": "收不到 {a} 的消息。",
}
_reason_in_chinese = translator(REASONS)


def reason_said(reason: str, language: Language) -> str:
    """Why a flight ended; what the vehicle itself said in it stays as it is."""
    return _reason_in_chinese(reason) if language == "zh-CN" else reason


def said(what: str, language: Language) -> str:
    """A happening's name."""
    text = HAPPENINGS.get(what) or PHASES.get(what)
    return what if text is None else text.zh if language == "zh-CN" else text.en


def outcome_said(flight: FlightSummary, language: Language) -> str:
    """How a flight ended, with the reason in the program's words."""
    outcome = said(flight.outcome, language)
    if not flight.reason:
        return outcome
    return f"{outcome}{'：' if language == 'zh-CN' else ': '}{reason_said(flight.reason, language)}"
