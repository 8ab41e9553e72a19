"""Chinese for the commands of flying: patrol/commands/sim.py."""

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
}
