import type { Answer, DroneState, Phase } from "../flights.ts";
import type { CaseState, Evidence, FeatureKind, Hazard } from "../model.ts";

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const hazard: Record<Hazard, string> = {
  "rooftop-violation": "Rooftop violation",
  flooding: "Flooding",
  "fire-hotspot": "Fire hotspot",
  "flame-smoke": "Flame or smoke",
  "blocked-fire-lane": "Blocked fire lane",
  "perimeter-intrusion": "Perimeter intrusion",
  "falling-object": "Falling object",
  "smoke-alarm": "Smoke alarm",
  "charging-pile": "Charging pile",
};

const caseState: Record<CaseState, string> = {
  found: "Found",
  assigned: "Assigned",
  handled: "Handled",
  fed_back: "Fed back",
  checked: "Checked",
  closed: "Closed",
};

const role: Record<Evidence["role"], string> = {
  frame: "Picture as taken",
  marked: "Picture with the finding marked",
  clip: "Video clip",
};

const feature: Record<FeatureKind, string> = {
  boundary: "District boundary",
  cell: "Grid cell",
  building: "Building",
  road: "Road",
  fire_lane: "Fire lane",
  ponding_point: "Known ponding point",
  camera: "Camera",
};

const cameraState: Record<"starting" | "watching" | "lost" | "ended", string> = {
  starting: "starting",
  watching: "watching",
  lost: "picture lost",
  ended: "ended",
};

const boxState: Record<"online" | "stale" | "offline" | "never", string> = {
  online: "online",
  stale: "silent",
  offline: "offline",
  never: "never heard of",
};

const lostReason: Record<"missing" | "altered" | "refused", string> = {
  missing: "the file is gone from the box",
  altered: "its bytes are no longer those that were recorded",
  refused: "the centre did not take it",
};

const phase: Record<Phase, string> = {
  launching: "launching",
  flying: "flying",
  "taken-over": "taken over",
  "link-lost": "link lost",
  "link-back": "flying",
  recalled: "called back",
  landed: "landed",
  returned: "returned early",
  aborted: "aborted",
};

const phaseSaid: Record<Phase, string> = {
  launching: "preparing to launch",
  flying: "in the air",
  "taken-over": "taken over by a station that was started anew",
  "link-lost": "link to the drone lost",
  "link-back": "link is back",
  recalled: "ordered home",
  landed: "landed, flown to its end",
  returned: "landed before its end",
  aborted: "aborted",
};

const answer: Record<Answer, string> = {
  waiting: "waiting",
  flying: "flying",
  done: "done",
  refused: "refused",
  "given-up": "given up",
};

const droneState: Record<DroneState, string> = {
  free: "ready",
  charging: "charging",
  flying: "flying",
  silent: "not heard",
  unfit: "not fit to fly",
};

/** Classes of the models, as the end of “… has been seen”. Anything else is shown as the model names it. */
const label: Record<string, string> = {
  person: "a person",
  bicycle: "a bicycle",
  car: "a car",
  motorcycle: "a motorcycle",
  bus: "a bus",
  truck: "a truck",
};

/** Measurements by their name on the wire; one that is not here is shown by that name. */
const measure: Record<string, string> = { dwell_s: "time there" };

/** Every text of the console. The type of this object is the catalogue that each other language must fill. */
export const en = {
  tag: "en",
  product: "Sky-Ground Patrol",
  page: "Operation centre",
  loading: "Loading the incidents …",
  drill: "DRILL",
  drillLong: "Exercise only: nothing is dispatched",
  clockOf: (district: string) => `Time in ${district}`,

  language: "中文",
  languageLabel: "中文：页面改用中文",
  theme: { auto: "Theme: as the system", dark: "Theme: dark", light: "Theme: light" },
  sound: { on: "Sound on for new incidents", off: "Sound off" },
  help: "Keyboard",
  close: "Close",
  back: "Back to the list",

  hazard,
  caseState,
  role,
  feature,
  cameraState,
  boxState,
  phase,
  phaseSaid,
  answer,
  droneState,
  lostReason,
  label,
  measure,

  list: {
    title: "Incidents",
    open: "Open",
    all: "All",
    anyHazard: "All hazards",
    search: "Search number, place, unit",
    clear: "Clear the search",
    count: (shown: number, total: number) => (shown === total ? `${shown}` : `${shown} of ${total}`),
    older: "Show older",
    olderBusy: "Loading …",
    fresh: (count: number) => `${plural(count, "new incident", "new incidents")}: show`,
    emptyOpenTitle: "Nothing is open",
    emptyOpenText: "New incidents appear here by themselves. Keep this page open.",
    emptyAllTitle: "No incidents yet",
    emptyAllText: "As soon as a box raises an alert, its case appears here.",
    emptyMatchTitle: "Nothing matches",
    emptyMatchText: "Change the hazard or the search text.",
    showAll: "Reset the filter",
    announce: (count: number, hazardName: string, where: string, caseNumber: string) =>
      count === 1
        ? `New incident: ${hazardName}, ${where}, case ${caseNumber}`
        : `${count} new incidents, the latest: ${hazardName}, ${where}, case ${caseNumber}`,
  },

  badge: {
    late: "Late report",
    lateTitle: "It reached the centre after the fact; the times are those of the pictures",
    ended: "Gone",
    endedTitle: "The camera no longer sees it; the case is still to be dealt with",
    fresh: "New",
    alerts: (count: number) => `${count} alerts`,
  },

  time: {
    now: "just now",
    agoSeconds: (n: number) => `${n} s ago`,
    agoMinutes: (n: number) => `${n} min ago`,
    agoHours: (hours: number, minutes: number) => (minutes ? `${hours} h ${minutes} min ago` : `${hours} h ago`),
    agoDays: (n: number) => plural(n, "day ago", "days ago"),
    ahead: (span: string) => `in ${span}`,
    seconds: (n: number) => `${n} s`,
    minutes: (n: number) => `${n} min`,
    minutesSeconds: (minutes: number, seconds: number) => `${minutes} min ${seconds} s`,
    hours: (hours: number, minutes: number) => (minutes ? `${hours} h ${minutes} min` : `${hours} h`),
    days: (days: number, hours: number) => (hours ? `${days} d ${hours} h` : `${days} d`),
    left: (span: string) => `${span} left`,
    over: (span: string) => `${span} overdue`,
    noDeadline: "No deadline",
    dealtWith: "Dealt with",
  },

  overview: {
    title: "District at a glance",
    hint: "Choose an incident from the list, or a marker on the map.",
    open: "open",
    overdue: "overdue",
    dueSoon: "due soon",
    noPosition: (count: number) => `${plural(count, "open incident has", "open incidents have")} no position on the map.`,
  },

  detail: {
    label: "Incident",
    notFoundTitle: "This incident is not known here",
    notFoundText: "The link may be of another district, or its record was removed. Choose another from the list.",
    loadFailed: "The rest of this incident could not be loaded.",
    retry: "Try again",
    copy: "Copy summary",
    copied: "Copied",
    progress: "Handling",
    deadline: "Deadline",
    facts: "Facts",
    map: "Where it is",
    why: "Why the box believes it",
    alerts: "Alerts of this incident",
    evidence: "Evidence",
    measurement: "Measured",
    unit: "Unit",
    noUnit: "none: outside the grid, or no position",
    cell: "Grid cell",
    foundAt: "Case opened",
    firstSeen: "First seen",
    lastSeen: "Last seen",
    endedAt: "Gone since",
    stillThere: "still there",
    camera: "Camera",
    box: "Box",
    place: "Place",
    position: "Position",
    noPosition: "unknown: the camera has no pose",
    accuracy: (metres: string) => `within ${metres} m (95 %)`,
  },

  evidence: {
    zoom: "Enlarge the picture",
    zoomHint: "Click or Enter: whole picture or the finding. Esc: close.",
    finding: "Finding",
    whole: "Whole picture",
    waitingTitle: "The picture is on its way",
    waitingText: "The box still has to upload it. It appears here by itself.",
    lostTitle: "The picture is lost",
    lostText: (reason: string) => `The alert stands, but ${reason}.`,
    noneTitle: "No picture",
    noneText: "This alert came without evidence.",
    brokenTitle: "The picture did not load",
    brokenText: "The centre has it, but the transfer failed.",
    alt: (hazardName: string, cameraName: string, when: string) => `${hazardName}, camera ${cameraName}, ${when}`,
    takenAt: (when: string) => `taken ${when}`,
    blurred: "faces and plates blurred",
    notBlurred: "not blurred",
    preview: "Preview",
    download: "Download",
    hash: "SHA-256",
    verify: "Check the bytes",
    verifying: "Checking …",
    verified: "These bytes have this hash",
    mismatch: (found: string) => `The bytes have another hash: ${found}`,
    verifyFailed: "The file could not be fetched: try again",
    state: { waiting: "waiting for upload", stored: "stored", lost: "lost" },
    choose: (index: number, total: number) => `Evidence ${index} of ${total}`,
  },

  why: {
    stands: (thing: string, zone: string, dwell: string, needed: string) =>
      `In zone “${zone}” ${thing} has stood for ${dwell}; the limit is ${needed}.`,
    inside: (thing: string, zone: string, dwell: string, needed: string) =>
      `In zone “${zone}” ${thing} has been inside for ${dwell}; an alert needs ${needed}.`,
    seen: (thing: string, zone: string, dwell: string, needed: string) =>
      `In zone “${zone}” ${thing} has been seen for ${dwell}; an alert needs ${needed}.`,
    votes: (looks: number, votes: number, share: string, needed: string) =>
      `The box looked ${plural(looks, "time", "times")} and saw it ${plural(votes, "time", "times")}: ${share}, at least ${needed} is needed.`,
    confidence: (confidence: string, threshold: string) =>
      `The median confidence was ${confidence}; a look counts from ${threshold}.`,
    by: (rule: string, model: string) => `Decided by the rule “${rule}” on the model ${model}.`,
    byRule: (rule: string) => `Decided by the rule “${rule}”, without a model.`,
    none: "The centre has no explanation for this incident.",
    dwell: "Time",
    share: "Share of looks",
    certainty: "Confidence",
    needs: (value: string) => `needs ${value}`,
    modelHash: "Model file SHA-256",
  },

  alerts: {
    raised: "Raised",
    received: "Received",
    endedAt: "Gone",
    delay: (span: string) => `${span} later`,
    loading: "Loading the alerts …",
  },

  map: {
    label: "Map of the district",
    zoomIn: "Zoom in",
    zoomOut: "Zoom out",
    whole: "Whole district",
    toIncident: "To the incident",
    accuracy: "Accuracy of the position",
    loading: "Loading the map …",
    failed: "The map could not be loaded.",
    north: "N",
  },

  status: {
    label: "State of the system",
    connecting: "Connecting",
    connectingText: "Waiting for the centre’s live stream.",
    live: "Live",
    notLive: "Not live",
    notLiveSince: (when: string) => `No connection to the centre since ${when}. What you see may be out of date.`,
    retryIn: (seconds: number) => `Next attempt in ${seconds} s.`,
    retrying: "Trying again …",
    retryNow: "Try now",
    boxes: (online: number, total: number) => `Boxes ${online} of ${total} online`,
    noBoxes: "No boxes configured",
    airborne: (count: number) => plural(count, "drone in the air", "drones in the air"),
    noneAirborne: "No drone in the air",
    stations: (online: number, total: number) => `Stations ${online} of ${total} online`,
    cameras: (watching: number, total: number) => `Cameras ${watching} of ${total} watching`,
    unwatched: (span: string) => `${span} unwatched`,
    unwatchedTitle: "Time in which nobody looked in time, summed over the cameras since each box started",
    deadLetters: (count: number) => plural(count, "unreadable message", "unreadable messages"),
    noDeadLetters: "No unreadable messages",
  },

  boxes: {
    title: "Boxes and cameras",
    empty: "No box is configured. Add one under “boxes” in config.yaml and start it with patrol-edge.",
    unconfigured: "It speaks, but config.yaml of the centre does not name it: add it there or stop it.",
    latency: (median: string, most: string) => `From the frame to the stored alert: half within ${median}, 95 % within ${most}.`,
    heard: "last sign of life",
    neverHeard: "no sign of life yet: start it with patrol-edge",
    stale: "Its sign of life is overdue: check network and power.",
    offline: "It has signed off or its connection broke: check network and power. What it finds stays on its disk.",
    software: (version: string) => `software ${version}`,
    outbox: (count: number) => `${plural(count, "message waits", "messages wait")} for the centre`,
    refused: (count: number) => `${plural(count, "message", "messages")} refused by the centre, kept on the box`,
    evidence: (count: number) => `${plural(count, "file waits", "files wait")} for upload`,
    nothingWaits: "nothing waits",
    camera: "Camera",
    state: "State",
    lastFrame: "Newest frame",
    looks: "Looks",
    unwatched: "Unwatched",
    noCameras: "It has not named a camera yet.",
    lastSaid: (state: string) => `last said: ${state}`,
  },

  flights: {
    title: "Flights",
    noStations: "No drone is configured here and no station was heard: add “drones” to config.yaml and start patrol station.",
    station: (id: string) => `Station ${id}`,
    waits: (count: number) => plural(count, "request waits", "requests wait"),
    neverHeard: "no sign of life yet: start it with patrol station",
    stale: "Its sign of life is overdue: check network and power. Drones in the air fly on by themselves.",
    offline: "It has signed off or its connection broke. Drones in the air fly on by themselves and return home.",
    inAir: "In the air",
    earlier: "Earlier flights",
    requests: "Requests that wait or were not flown",
    empty: "Nothing has flown yet.",
    onePlace: "A look at one place",
    drone: "Drone",
    begun: "begun",
    ended: "ended",
    lasted: (span: string) => `lasted ${span}`,
    for: (span: string) => `for ${span}`,
    seen: (count: number) => plural(count, "target seen", "targets seen"),
    left: (names: string) => `not seen yet: ${names}`,
    more: (count: number) => `${count} more`,
    photographs: (count: number) => plural(count, "photograph", "photographs"),
    course: "What was said of it",
    lastSaid: (state: string) => `last said: ${state}`,
    noEnd: "no end was heard",
    battery: (share: string) => `battery ${share}`,
    height: (metres: string) => `${metres} m up`,
    speed: (value: string) => `${value} m/s`,
    link: (share: string) => `link ${share}`,
    poseAt: (ago: string) => `seen ${ago}`,
    onMap: (drone: string, facts: string) => `Drone ${drone}: ${facts}`,
  },

  dead: {
    title: "Messages the centre could not read",
    text: "Nothing is lost: each is kept with its reason, and its sender is told where it can be made out. Mend the sender or update the centre.",
    empty: "Every message so far could be read.",
    times: (count: number) => `came ${count} times`,
    topic: "Topic",
    reason: "Reason",
    received: "Received",
    size: (bytes: string) => `${bytes} bytes`,
    excerpt: "Beginning of the message",
  },

  problem: {
    title: "The incidents could not be loaded",
    unreachable: "The centre does not answer. Check that it runs (patrol center) and that this machine reaches it.",
    refused: (status: number) => `The centre answered with error ${status}. Look at its log; the page tries again by itself.`,
    timeout: "The centre took too long to answer. The page tries again by itself.",
    unreadable: (where: string) =>
      `An answer of the centre could not be read (${where}). Reload the page; if it stays, page and centre are of different versions.`,
    skipped: (count: number, where: string) =>
      `${plural(count, "record", "records")} could not be read and ${count === 1 ? "is" : "are"} not shown (${where}). Reload the page; if it stays, page and centre are of different versions.`,
    broker:
      "The centre has no connection to the broker: nothing new arrives until it is back. Boxes keep what they find. Check patrol broker.",
    database:
      "The centre cannot reach its database: nothing is stored or shown until it is back. Boxes keep what they find. Check the database.",
    retry: "Try again",
  },

  keys: {
    title: "Keyboard",
    next: "next incident",
    previous: "previous incident",
    open: "to the details",
    close: "back, close",
    search: "search",
    state: "open or all",
    flights: "flights",
    help: "this list",
  },

  summary: {
    line: (key: string, value: string) => `${key}: ${value}`,
    drill: "EXERCISE, EXERCISE, EXERCISE",
  },
};

/** What every language must have: the same texts with the same facts. */
export type Messages = typeof en;
