"""Chinese for the help of `patrol` and `patrol-edge`."""

CHINESE: dict[str, str] = {
    "Sky-Ground Patrol: see a hazard, prove it, place it on the map, stay with it until it is dealt with.": "空地巡查：发现隐患，留下证据，标上地图，跟到处置完毕。",
    "Show the version and exit.": "显示版本并退出。",
    "Log as JSON lines, for machines.": "日志写成 JSON 行，供机器读取。",
    "The district.": "辖区配置。",
    "The district. [default: config.yaml]": "辖区配置。[默认：config.yaml]",
    # patrol
    "Run the embedded broker at the configuration's broker.url until stopped.": "在配置的 broker.url 上运行内置消息代理，直到停止。",
    "Folder for its queues and log. [default: var/broker beside the configuration]": "队列和日志的文件夹。[默认：配置旁的 var/broker]",
    "Run the centre: take alerts from the broker, make cases, serve the pages and the API, until stopped.": "运行中心：从消息代理接收警报，形成案件，提供页面和接口，直到停止。",
    "Check a configuration and list all of its problems, each with its line and what to do.": "检查配置并列出全部问题，每个都有行号和改法。",
    "Run broker, centre and one box on this machine, and watch cases appear on the page.": "在本机运行消息代理、中心和一个盒子，看案件出现在页面上。",
    "Watch this video file, folder of pictures or rtsp:// address instead of the rendered street.": "看守这个视频文件、图片文件夹或 rtsp:// 地址，而不是渲染的街道。",
    "End after this time. [default: until Ctrl-C]": "运行这么久后结束。[默认：直到 Ctrl-C]",
    "Print nothing but one summary line, as JSON, at the end.": "最后只打印一行 JSON 总结。",
    # patrol-edge
    "Watch cameras, find hazards, and get every alert to the centre.": "看守摄像头，发现隐患，把每条警报送到中心。",
    "Run this box: watch all of its cameras until stopped.": "运行这个盒子：看守它的全部摄像头，直到停止。",
    "Run the box's pipeline on a video file or a folder of pictures, faster than real time.": "对视频文件或图片文件夹运行盒子的流水线，快于实时。",
    "The camera whose zones and rules apply.": "采用哪个摄像头的区域和规则。",
    "One JSON object a line for each alert and each end, then a summary.": "每条警报和每次解除各一行 JSON，最后是总结。",
    "When the film begins, district time. [default: now]": "影片开始的时间，辖区时间。[默认：现在]",
}  # fmt: skip
