"""What falls in front of a fixed, upward camera: found by motion at full rate, kept as tracks, judged by gravity. No network.

A pixel moves when it differs from its background by more than it usually does: leaves, laundry and water teach their pixels to
be patient, and a thing that passes once does not (both are followed by steps of at most a grey level or so a frame, as in sigma-delta
background estimation: Manzanera and Richefeu 2007). Blobs of moving pixels are linked into tracks that go down; what stands out of
a pane over which a beam or a mirrored cloud moves is a blob of its own. A track
is a fall when it stands out from its neighbours (a drop among drops does not), runs straight, speeds up steadily, and by its
own acceleration must have been at rest a few seconds ago at most: rain and birds come at constant speed, which would put
their rest minutes back. The scale of the picture is not known and not needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import hypot
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # (height, width)

LEAST_CHANGE = 9  # grey levels; the noise of the shared clips stays below
PATIENCE = 3.0  # times its usual change a pixel must change
FOLLOW = 0.5  # grey levels a frame by which the background follows: a thing that passes leaves no ghost
RISE, SINK = 1.0, 0.1  # grey levels a frame by which the usual change follows
LAG_FRAMES = 25  # what passes now must not teach its own pixels: only what moved a second ago does
FIRST_FRAMES = 25  # in these both are plain averages
CROWD_SHARE, CROWD_SIZE = 0.08, 0.4  # neighbours: within this share of the height, and at least so large
# among many neighbours a chance line is likelier: so many more points for each, at most so many, and half the deviation
CROWD_POINTS, CROWD_MOST, CROWDED = 4, 12, 0.75
LEAST_PX, MOST_PX = 3, 6000
MOST_BLOBS = 250  # per frame; more is a shaken camera or a downpour, and the largest are looked at
MOST_TRACKS = 500
# a surface on which light moves: large enough to hide the smallest thing (5 px across), and most of it on one plane of change, or
# it would be the thing itself; the largest of a frame are looked at, as many as a front has panes in a beam
LIT_PX, LIT_SHARE, MOST_LIT = 40, 0.5, 40
LIT_FITS = 3  # of the plane, each without what stood out of the one before: a thing on half of the pane is gone by then
BEGUN_EACH = 3  # tracks that may begin with one blob
MISSES = 4  # frames in a row in which a track may be hidden or lost
# a track of so many points is predicted through so many frames: behind a bough, through a beam of light
SURE_POINTS, HIDDEN = 12, 15
ALIKE = 1.4  # natural logarithm of the most that a thing's area changes from one sight to the next: it turns
# shares of its size that a blob of another area must lie nearer to be taken for it: a half of it, or it and the lit pane behind it,
# has its centre a quarter of the size beside its own, and differs by the logarithm of 2
UNLIKE = 0.35
LEAST_POINTS = 9
LEAST_SECONDS = 0.3
LEAST_FALL_SHARE = 0.1  # of the picture's height
# a lower fall counts where nothing else moves beside it, all of its way is seen from rest on, and it is smooth: the third
# floor of thirty is a twelfth of the picture
LOW_FALL_SHARE, LOW_POINTS, LOW_ODD_PX, LOW_SPEED_UP = 0.07, 20, 0.5, 2.5
LONGEST_FALL_S = 5.0  # from rest to the ground: 120 m without air
LONG_POINTS, LONG_FALL_S = 50, 8.0  # what was followed for two seconds: 90 m at the 12 m/s of a light thing in air
LEAST_HITS = 0.55  # share of the frames of a track in which it was seen
# allowed deviation from the line and from the fitted motion: pixels, and shares of its size (things tumble) and way
ODD_PX, ODD_OF_SIZE, ODD_OF_WAY = 1.2, 0.15, 0.0015
# points from which on the curve of its way may bend once more, from degree 1: what nears the camera draws out in the picture,
# by the whole of a high front several times, and no parabola fits that
BENDS = (0, 0, 12, 40, 60)
SLACK = 0.02  # of its highest speed by which a free curve may slow down: noise
WAIT_S = 0.5  # for what still runs beside a fall that has ended: its reflection, or its other half
LEAST_SPEED_UP = 1.35  # last third over first third


@dataclass
class Track:
    """Points of one thing: seconds, x, y, area in pixels; and the state that predicts the next."""

    points: list[tuple[float, float, float, int]]
    vx: float
    vy: float
    ay: float = 0.0
    crowd: float = 0.0  # sum of its neighbours over its points
    misses: int = 0
    frames: int = 2

    def predicted(self, at_s: float) -> tuple[float, float]:
        """Where it should be."""
        last_s, x, y, _ = self.points[-1]
        dt = at_s - last_s
        if self.misses and len(self.points) >= SURE_POINTS:
            t, xs, ys, _ = np.array(self.points[-SURE_POINTS * 2 :]).T
            return float(np.polyval(np.polyfit(t - last_s, xs, 1), dt)), float(
                np.polyval(np.polyfit(t - last_s, ys, 2), dt)
            )
        return x + self.vx * dt, y + self.vy * dt + self.ay * dt * dt / 2

    @property
    def patience(self) -> int:
        """Frames in a row for which it is kept unseen."""
        count = len(self.points)
        return min(HIDDEN, count // 2) if count >= SURE_POINTS else min(MISSES, count // 3)

    def extend(self, at_s: float, x: float, y: float, area_px: int, crowd: int) -> None:
        """Take one more point."""
        self.crowd += crowd
        last_s, last_x, last_y, _ = self.points[-1]
        dt = max(at_s - last_s, 1e-3)
        vx, vy = (x - last_x) / dt, (y - last_y) / dt
        gain = 0.5 if len(self.points) < 5 else 0.35
        if len(self.points) >= 4:
            self.ay += 0.1 * ((vy - self.vy) / dt - self.ay)
        self.vx += gain * (vx - self.vx)
        self.vy += self.ay * dt + gain * (vy - self.vy - self.ay * dt)
        self.points.append((at_s, x, y, area_px))
        self.misses = 0


@dataclass(frozen=True)
class Fall:
    """A track that fell: its points, acceleration in pixels/s², and where and when it must have been at rest."""

    points: tuple[tuple[float, float, float, int], ...]
    acceleration_px_s2: float
    rest_px: tuple[float, float]
    rest_s: float
    odd_px: float

    @property
    def box_px(self) -> tuple[float, float, float, float]:
        """The rectangle of its way."""
        xs, ys = [p[1] for p in self.points], [p[2] for p in self.points]
        return min(xs) - 6, min(ys) - 6, max(xs) + 6, max(ys) + 6

    @property
    def seconds(self) -> float:
        """How long it was seen."""
        return self.points[-1][0] - self.points[0][0]

    @property
    def size_px(self) -> float:
        """Its median diameter."""
        return float(np.sqrt(np.median([p[3] for p in self.points]) * 4 / np.pi))

    @property
    def confidence(self) -> float:
        """More with more points and a smaller deviation."""
        return min(0.99, 0.5 + 0.02 * (len(self.points) - LEAST_POINTS) + 0.1 * max(0.0, 1 - self.odd_px))


@dataclass
class Reading:
    """Blobs of one reading of the frames, linked into tracks. `unlike`: see UNLIKE."""

    unlike: float
    loose: list[tuple[float, float, float, int]] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)

    def link(self, at_s: float, blobs: NDArray[np.float64], height_px: int) -> list[Track]:
        """Give (n, 4) blobs (x, y, area, neighbours) to tracks, begin new ones; the tracks that have ended."""
        free = np.ones(len(blobs), bool)
        ended: list[Track] = []
        alive: list[Track] = []
        for track in sorted(self.tracks, key=lambda t: -len(t.points)):
            track.frames += 1
            chosen = _nearest(track, at_s, blobs, free, self.unlike)
            if chosen is not None:
                free[chosen] = False
                track.extend(at_s, float(blobs[chosen, 0]), float(blobs[chosen, 1]), *blobs[chosen, 2:].astype(int))
            else:
                track.misses += 1
            (ended if track.misses > track.patience else alive).append(track)
        new = [(at_s, float(x), float(y), int(a)) for x, y, a, _ in blobs[free]]
        alive += _begun(self.loose, new, height_px)
        self.loose = new
        self.tracks = sorted(alive, key=lambda t: -len(t.points))[:MOST_TRACKS]
        return ended


@dataclass
class Watch:
    """What the watch of one picture size remembers between frames; lost at a restart, learnt again in two seconds."""

    last_s: float | None = None
    background: NDArray[np.float32] | None = None
    changes: list[Grey] = field(default_factory=list)
    usual: NDArray[np.float32] | None = None
    # each frame is read twice: blobs as they are, and with what stands before lit panes besides; neither spoils the other's tracks
    plain: Reading = field(default_factory=lambda: Reading(0.0))
    parted: Reading = field(default_factory=lambda: Reading(UNLIKE))
    fallen: list[Fall] = field(default_factory=list)
    frames: int = 0

    def step(self, grey: Grey, at_s: float, watched: NDArray[np.uint8]) -> list[Fall]:
        """Take the next frame; falls that have ended, of several at once (a thing and its reflection) the longest."""
        if self.last_s is not None and not 0 < at_s - self.last_s < 1.0:
            self.forget()  # a gap: nothing is continuous across it
        self.last_s = at_s
        whole, part = self._blobs(grey, watched)
        ended = self.plain.link(at_s, whole, grey.shape[0])
        ended += self.parted.link(at_s, np.concatenate([whole, part]), grey.shape[0])
        self.fallen += [fall for track in ended if (fall := fallen(track, grey.shape[0])) is not None]
        return self._settled(at_s, grey.shape[0])

    def forget(self) -> None:
        """Start anew, but keep what each pixel usually does."""
        for reading in (self.plain, self.parted):
            reading.loose.clear()
            reading.tracks.clear()

    def _blobs(self, grey: Grey, watched: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(n, 4) centre x, centre y, area, neighbours of moving blobs, and (m, 4) of what stands before lit ones."""
        now = grey.astype(np.float32)
        if self.background is None or self.usual is None or self.background.shape != now.shape:
            self.background, self.usual, self.frames = now.copy(), np.zeros(now.shape, np.float32), 0
            self.changes.clear()
        self.frames += 1
        step = now - self.background
        change = np.abs(step)
        self.changes.append(np.minimum(change, 255).astype(np.uint8))
        then = self.changes.pop(0) if len(self.changes) > LAG_FRAMES else None
        limit = cv2.boxFilter(self.usual, -1, (5, 5)) * PATIENCE + LEAST_CHANGE
        moving = cv2.bitwise_and((change > limit).astype(np.uint8), watched)
        if self.frames <= FIRST_FRAMES:
            self.background += step / (self.frames + 1)
            self.usual += (change - self.usual) / self.frames
        else:
            self.background += np.clip(step, -FOLLOW, FOLLOW)
            if then is not None:
                self.usual += np.clip(then - self.usual, -SINK, RISE)
        moving = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        count, labels, stats, centres = cv2.connectedComponentsWithStats(moving, connectivity=8)
        areas = stats[1:count, cv2.CC_STAT_AREA]
        keep = np.flatnonzero((areas >= LEAST_PX) & (areas <= MOST_PX))
        keep = np.sort(keep[np.argsort(-areas[keep], kind="stable")[:MOST_BLOBS]])
        whole = np.column_stack([centres[1 + keep], areas[keep]]).astype(np.float64)
        large = [n for n in np.argsort(-areas[keep], kind="stable")[:MOST_LIT] if areas[keep[n]] >= LIT_PX]
        parts = {
            n: _before_light(step, limit, np.asarray(labels, np.int32), 1 + int(keep[n]), stats[1 + keep[n]])
            for n in large
        }
        part = np.array([p for found in parts.values() for p in found], np.float64).reshape(-1, 3)
        rivals = np.concatenate([whole[[n for n in range(len(whole)) if not parts.get(n)]], part])
        near_px = CROWD_SHARE * grey.shape[0]
        among_parts = _crowd(part, rivals, near_px, most=1 / CROWD_SIZE)
        return np.column_stack([whole, _crowd(whole, whole, near_px)]), np.column_stack([part, among_parts])

    def _settled(self, now_s: float, height_px: int) -> list[Fall]:
        """Falls with which no other track still runs in parallel; of each group the one that fell farthest."""
        if not self.fallen:
            return []
        running = any(
            len(t.points) >= LEAST_POINTS and t.points[-1][2] - t.points[0][2] > LEAST_FALL_SHARE / 2 * height_px
            for t in self.plain.tracks + self.parted.tracks
        )
        if running and now_s - self.fallen[-1].points[-1][0] < WAIT_S:
            return []
        groups: list[Fall] = []
        for fall in sorted(self.fallen, key=lambda f: f.points[0][2] - f.points[-1][2]):
            if not any(_together(fall, kept, height_px) for kept in groups):
                groups.append(fall)
        self.fallen = []
        return groups


def _crowd(
    blobs: NDArray[np.float64], among: NDArray[np.float64], near_px: float, most: float = float("inf")
) -> NDArray[np.float64]:
    """(n,) how many others lie near each blob (x, y, area) that are large enough, at most `most` times as large, to be taken for it."""
    near = np.abs(blobs[:, None, :2] - among[None, :, :2]).max(axis=2) < near_px
    times = among[None, :, 2] / blobs[:, None, 2]
    return np.asarray((near & (times >= CROWD_SIZE) & (times <= most)).sum(axis=1) - 1.0, np.float64)


def _before_light(
    step: NDArray[np.float32],
    limit: NDArray[np.float32],
    labels: NDArray[np.integer[Any]],
    label: int,
    stats: NDArray[np.integer[Any]],
) -> list[tuple[float, float, float]]:
    """Things before a surface on which light moves: x, y, area of each. `stats` as OpenCV gives them.

    A beam or a cloud's mirror image changes a pane as one smooth plane of grey levels. What stands out of it is something else.
    """
    x0, y0, wide, high, area = (int(v) for v in stats[:5])
    window = (slice(y0, y0 + high), slice(x0, x0 + wide))
    own = labels[window] == label
    ys, xs = np.nonzero(own)
    plane = np.column_stack([xs, ys, np.ones(len(xs))]).astype(np.float32)
    change, far = step[window][own], limit[window][own]
    lit = np.abs(change - np.median(change)) < far
    if lit.all():
        return []
    for _ in range(LIT_FITS):
        if lit.sum() < LIT_SHARE * area:
            return []
        fit = np.linalg.lstsq(plane[lit], change[lit], rcond=None)[0]
        lit = np.abs(change - plane @ fit) < far
    out = np.zeros(own.shape, np.uint8)
    out[own] = ~lit
    out = cv2.morphologyEx(out, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))  # the soft rim of a thing is no thing
    if lit.sum() < LIT_SHARE * area or not out.any():
        return []
    count, _, parts, centres = cv2.connectedComponentsWithStats(out, connectivity=8)
    sizes = parts[1:count, cv2.CC_STAT_AREA]
    return [(x0 + x, y0 + y, float(a)) for (x, y), a in zip(centres[1:count], sizes, strict=True)]


def _together(a: Fall, b: Fall, height_px: int) -> bool:
    """Whether two falls are one thing and its reflection, or two halves of one: at the same time, near each other."""
    apart_s = max(a.points[0][0], b.points[0][0]) - min(a.points[-1][0], b.points[-1][0])
    return apart_s < 0.5 and abs(a.rest_px[0] - b.rest_px[0]) < 0.15 * height_px


def _nearest(
    track: Track, at_s: float, blobs: NDArray[np.float64], free: NDArray[np.bool_], unlike: float
) -> int | None:
    if not free.any():
        return None
    x, y = track.predicted(at_s)
    dt = at_s - track.points[-1][0]
    size_px = 1.13 * float(np.sqrt(track.points[-1][3]))
    reach = 2.5 + 0.15 * size_px + (0.5 if len(track.points) < 5 else 0.22) * hypot(track.vx, track.vy) * dt
    away = np.hypot(blobs[:, 0] - x, blobs[:, 1] - y)
    times = np.abs(np.log(blobs[:, 2] / track.points[-1][3]))
    away[~free | (times > ALIKE)] = np.inf
    best = int((away + unlike * size_px * times).argmin())
    return best if away[best] <= reach and blobs[best, 1] > track.points[-1][2] - 1.5 - 0.1 * size_px else None


def _begun(
    before: list[tuple[float, float, float, int]], now: list[tuple[float, float, float, int]], height_px: int
) -> list[Track]:
    """Tracks of two blobs of which the later lies below the earlier."""
    if not before or not now:
        return []
    a, b = np.array(before), np.array(now)
    down, side = b[None, :, 2] - a[:, None, 2], np.abs(b[None, :, 1] - a[:, None, 1])
    alike = np.abs(np.log(b[None, :, 3] / a[:, None, 3])) < ALIKE
    fits = (down > 0.2) & (down < 0.08 * height_px) & (side < 0.6 * down + 1.5) & alike
    nearest = np.argsort(np.where(fits, down, np.inf), axis=0, kind="stable")[:BEGUN_EACH]
    begun = []
    for later, earlier in enumerate(nearest.T):
        for i in (int(i) for i in earlier if fits[i, later]):
            dt = b[later, 0] - a[i, 0]
            vx, vy = (b[later, 1] - a[i, 1]) / dt, (b[later, 2] - a[i, 2]) / dt
            begun.append(Track([before[i], now[later]], vx, vy))
    return begun


def _ever_faster(speed: np.polynomial.Polynomial, seconds: float, *, short: bool) -> bool:
    """Whether it speeds up to the end, and, where the curve is free enough to bend back, all the way."""
    if short:
        return float(speed.deriv()(seconds)) > 0
    speeds = speed(seconds * np.linspace(1 / 12, 11 / 12, 6))
    return bool((np.diff(speeds) > -SLACK * speeds.max()).all())


def fallen(track: Track, height_px: int) -> Fall | None:
    """The track as a fall, or None: see the module text for what is asked."""
    points = track.points
    seconds, drop = points[-1][0] - points[0][0], points[-1][2] - points[0][2]
    if len(points) < LEAST_POINTS or seconds < LEAST_SECONDS or drop < LOW_FALL_SHARE * height_px:
        return None
    crowd = track.crowd / len(points)
    if len(points) < LEAST_POINTS + min(CROWD_MOST, CROWD_POINTS * crowd):
        return None
    if len(points) < LEAST_HITS * (track.frames - track.misses):
        return None
    t, x, y = (np.array([p[n] for p in points]) for n in range(3))
    t = t - t[0]
    line = np.polynomial.Polynomial.fit(y, x, 2)
    motion = np.polynomial.Polynomial.fit(t, y, sum(len(t) >= least for least in BENDS))
    odd_px = max(float(np.sqrt(np.mean((line(y) - x) ** 2))), float(np.sqrt(np.mean((motion(t) - y) ** 2))))
    size_px = float(np.sqrt(np.median([p[3] for p in points]) * 4 / np.pi))
    if odd_px * (2 if crowd > CROWDED else 1) > ODD_PX + ODD_OF_SIZE * size_px + ODD_OF_WAY * drop:
        return None
    speed = motion.deriv()
    thirds = [float(speed(seconds * s)) for s in (1 / 6, 1 / 2, 5 / 6)]
    early_push = (thirds[1] - thirds[0]) / (seconds / 3)
    mean_push = (thirds[2] - thirds[0]) / (seconds * 2 / 3)
    if thirds[0] <= 0 or thirds[2] < LEAST_SPEED_UP * thirds[0] or early_push <= 0:
        return None
    since_rest_s = thirds[2] / mean_push
    longest_s = LONG_FALL_S if len(points) >= LONG_POINTS else LONGEST_FALL_S
    if since_rest_s > longest_s or not _ever_faster(speed, seconds, short=len(t) < BENDS[-2]):
        return None
    is_low = drop < LEAST_FALL_SHARE * height_px
    alone = crowd < CROWDED and len(points) >= LOW_POINTS
    if is_low and not (alone and odd_px <= LOW_ODD_PX and thirds[2] >= LOW_SPEED_UP * thirds[0]):
        return None
    back_s = max(0.0, thirds[0] / early_push - seconds / 6)
    rest_y = float(motion(seconds / 6)) - thirds[0] ** 2 / (2 * early_push)
    # sideways a thrown thing keeps its speed, so the way back is straight in time, not in the picture
    half = max(4, len(t) // 2)
    rest_x = float(x[0]) - back_s * float(np.polyfit(t[:half], x[:half], 1)[0])
    return Fall(tuple(points), mean_push, (rest_x, min(rest_y, float(y[0]))), points[0][0] - back_s, odd_px)
