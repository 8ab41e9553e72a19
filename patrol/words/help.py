"""Chinese for the paragraphs below the first sentence of a command's help. Keys are the paragraphs on one line; blocks that
keep their lines (after `\\b`) are keyed by their first line.
"""

BODIES: dict[str, str] = {
    "A box has a program of its own: patrol-edge. Messages are in Chinese where LANG (or PATROL_LANG) begins with zh, else in English.": "盒子有自己的程序：patrol-edge。LANG（或 PATROL_LANG）以 zh 开头时消息为中文，否则为英文。",
    "It is the NATS server with its MQTT 3.1.1 side switched on; queues are kept on disk. In service another broker may take its place: name it in broker.url and do not start this one.": "它是打开了 MQTT 3.1.1 的 NATS 服务器；队列保存在磁盘上。正式使用时可换成其他消息代理：写在 broker.url 里，不要启动这一个。",
    "POINTS is a CSV file: x_px,y_px,longitude_deg,latitude_deg,height_m (above the ground that the camera watches; 0 when left out). Good points are corners of kerbs, drains, wall feet: six or more, near and far, not on one line. Prints how far each point is off, and the pose to put into the configuration with how well it is known.": "POINTS 是 CSV 文件：x_px,y_px,longitude_deg,latitude_deg,height_m（高于所看地面的高度，缺省为 0）。好的点是路缘角、井盖、墙脚：六个以上，远近都有，不在一条直线上。输出每个点的偏差，以及可写入配置的位姿和其精度。",
    "It listens on center.host and center.port of the configuration: loopback unless told otherwise. Tokens of boxes and passwords come from the environment.": "监听配置中的 center.host 和 center.port：未另行指定时只监听本机。盒子令牌和密码取自环境变量。",
    "Nothing is connected to, opened or downloaded. Exit status: 0 when all is well, 2 when not.": "不连接、不打开、不下载任何东西。退出码：一切正常为 0，否则为 2。",
    "Without --clip the street of the demo district is rendered first (once; it is kept in var/demo). A minute or so after the start a simulated drone flies a patrol; the box watches its camera too. Everything listens on loopback only, and everything it writes lies in var/demo.": "不加 --clip 时先渲染演示区的街道（只一次，保存在 var/demo）。启动约一分钟后，一架模拟无人机开始巡查，盒子也看它的画面。一切只监听本机，所写内容都在 var/demo 下。",
    "A flight that has frames but no summary is in the air, or its program was interrupted; a damaged summary is named.": "有数据帧而没有摘要的飞行仍在空中，或其程序被中断；损坏的摘要会被指出。",
    "ID may be shortened to its beginning or its end. The frames themselves are in flight.tlog beside it, which Mission Planner, QGroundControl and MAVProxy replay.": "ID 可只写开头或结尾。数据帧在旁边的 flight.tlog 里，可用 Mission Planner、QGroundControl 和 MAVProxy 回放。",
    "First the safety judge; then upload, read-back and comparison; then the vehicle's health and its own failsafes; then arming and take-off. It ends with exactly one outcome: landed, returned, or aborted with a reason. Ctrl-C once orders it home and goes on following; twice leaves it, and says what it is doing. Signed with ${PATROL_SIGNING_KEY} if that is set.": "先由安全判定；再上传、回读、比对；再查无人机状态及其自身保护；然后解锁起飞。结局只有一个：降落、返航，或注明原因的中止。按一次 Ctrl-C 命令返航并继续跟踪；按两次则不再跟踪，并说明它在做什么。若设有 ${PATROL_SIGNING_KEY} 则签名。",
    "Exit status: 0 landed or returned with the whole mission flown (with --dry-run: all is well)": "\b\n退出码：0  降落或返航，任务全部飞完（加 --dry-run 时：一切正常）\n        2  起飞前被拒：安全判定、无人机或其参数；没有解锁\n        3  已落地，但不合计划：被命令返航、自行返航、中止\n        4  没有跟踪到结束：被 Ctrl-C 放弃或链路中断；可能仍在空中",
    "Names every violation with place, time and amount: fence, no-fly zones, heights, buildings, the way home from every point, battery, and what the autopilot would refuse. Exit status: 0 when it may be flown, 2 when not.": "逐一指出违规的地点、时间和程度：围栏、禁飞区、高度、建筑、任一点的返航路线、电量，以及飞控会拒绝的内容。退出码：可以飞为 0，否则为 2。",
    "Of each picture only the piece around the alert is taken. Look at them before you add them: what is left in them and should be found must be labelled.": "每幅图只取警报周围的部分。加入前请先查看：其中仍应被发现的东西必须标注。",
    "A plan that the independent judge does not pass is not written. Exit status: 0 when all is well, 2 when not.": "独立判定没有通过的计划不会写出。退出码：一切正常为 0，否则为 2。",
    "They answer as recorded ArduCopter and PX4 did. With ${PATROL_SIGNING_KEY} set, frames are signed and unsigned ones refused.": "它们的应答与录下的 ArduCopter 和 PX4 一致。设有 ${PATROL_SIGNING_KEY} 时数据帧带签名，未签名的被拒绝。",
    "Every plan is judged before it is uploaded, and every upload is read back before anything is armed. What may not be flown is refused on the wire with its reasons. One line is printed whenever something changes.": "每个计划上传前都经判定，每次上传都先回读再解锁。不可飞的会在线上注明原因予以拒绝。状态一有变化就输出一行。",
    "Ctrl-C calls drones in the air home and waits for them; a second one, or SIGTERM, leaves at once: then a drone in the air goes on, and returns by its own failsafe unless the station is started again and takes over.": "Ctrl-C 召回空中无人机并等它们落地；再按一次或 SIGTERM 则立即退出：空中无人机继续飞行，除非机场重新启动并接管，否则按自身保护返航。",
    "Secrets come from the environment: each box has a token, named in the configuration. Messages are in Chinese where LANG (or PATROL_LANG) begins with zh, else in English.": "密钥取自环境变量：每个盒子有一个令牌，名称写在配置里。LANG（或 PATROL_LANG）以 zh 开头时消息为中文，否则为英文。",
    "Reads float and 16-bit TIFF, FLIR and DJI R-JPEG. Pictures that hold only colours are compared, not measured. A damaged file is named with its remedy and the others go on; the exit code is then 2.": "可读浮点和 16 位 TIFF、FLIR 与大疆 R-JPEG。只有颜色的图片只比较，不测温。损坏的文件会连同改法一起指出，其余继续；此时退出码为 2。",
    "A scene is a YAML file with film, camera and incidents; tests/replay/scenes has some. A scene that cannot be read, or whose film is missing, is named and the others go on; the exit code is then 2.": "场景是写明影片、摄像头和事件的 YAML 文件；tests/replay/scenes 里有一些。无法读取或缺少影片的场景会被指出，其余继续；此时退出码为 2。",
    "To be run on the box; a running box goes on with the new baseline at its next look. The alert ends when the roof has been seen again.": "在盒子上运行；运行中的盒子下次查看时即用新的基准图。再次看到该屋顶后，警报结束。",
    "Time is the film's own: a dwell of 60 s is 60 s of film. Nothing is sent or stored. Zones that hold only at certain hours go by --starts-at.": "时间以影片为准：停留 60 秒即影片中的 60 秒。不发送也不保存。只在某些时段有效的区域以 --starts-at 为准。",
    "See it work: patrol demo": "\b\n看它工作：      patrol demo\n检查辖区配置：  patrol check-config config.yaml\n运行中心：      patrol broker & patrol center\n执行巡查：      patrol broker & patrol station --sim",
    "Run a box: patrol-edge --box street --config config.yaml": "\b\n运行盒子：  patrol-edge --box street --config config.yaml\n试一段影片：patrol-edge watch clip.mp4 --camera yard\n找热点：    patrol-edge hotspots flight/*.JPG",
}


def key_of(paragraph: str) -> str:
    """Under what a paragraph of help stands here."""
    if paragraph.startswith("\b"):
        return " ".join(paragraph[1:].strip().split("\n")[0].split())
    return " ".join(paragraph.split())


def body(paragraph: str) -> str:
    """The Chinese for a paragraph, or the paragraph."""
    return BODIES.get(key_of(paragraph), paragraph)
