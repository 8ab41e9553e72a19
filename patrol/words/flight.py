"""Chinese for the commands of flying: patrol/commands/sim.py, flight.py, fly.py."""

CHINESE = {
    "Fly simulated drones that any ground station can talk to, until stopped.": "放飞模拟无人机，任何地面站都能与之通信，直到停止。",
    "Whose words and ways it has.": "模仿哪种飞控的应答和习性。",
    "Where it speaks MAVLink.": "在哪里收发 MAVLink。",
    "Latitude and longitude.": "纬度和经度。",
    "How many, numbered from 1, on one link each.": "数量，从 1 编号，各用一条链路。",
    "How much faster than real time.": "比实际时间快多少倍。",
    "Speed in m/s and where it comes from in degrees.": "风速（米/秒）和来向（度）。",
    "Share of frames lost each way.": "每个方向丢帧的比例。",
    "Seconds until it knows where it is.": "多少秒后才有定位。",
    "Look at flights that were flown: list them, show one, draw it as a page.": "查看飞过的航次：列出、显示、画成页面。",
    "The folder of flight records.": "飞行记录的文件夹。",
    "The language. [default: that of the terminal]": "语言。[默认：终端的语言]",
    "List the kept flights, the oldest first.": "列出保存的航次，最早的在前。",
    "One JSON object a line.": "每行一个 JSON 对象。",
    "Show one flight: how it ended, planned against flown, what happened.": "显示一个航次：结局、规划与实飞对比、经过。",
    "The whole record as JSON.": "整份记录，JSON。",
    "Draw the flight as a page that needs no network.": "把航次画成无需网络的页面。",
}
