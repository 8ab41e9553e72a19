"""Today's roof over its baseline: features with a robust fit, refined by correlation, with a residual or a refusal. Pure.

Both pictures lie on the roof's plane already; what is left is the error of two poses. Ground beside the roof moves
differently (it lies lower), so several fits are found one after the other and the one whose points lie on the *roof* is taken and
refined (enhanced correlation coefficient, Evangelidis and Psarakis 2008). The others tell where the roof ends.
Agreement is that of edges, as light and season change brightness but not where edges are.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from patrol_edge.frame import Image
from patrol_edge.rules.rooftop_outline import outlined_px
from patrol_edge.rules.rooftop_plane import GSD_M, Mask, RoofPicture

FEATURES = 2500
RATIO = 0.8  # of the best to the second best descriptor distance (Lowe 2004)
RANSAC_PX = 1.5
LEAST_POINTS = 6  # on the roof, more where others of the same fit lie beside it; two would do for a similarity
MODELS = 4  # fits tried: roof, ground, a neighbour's roof
NEAR_PX = 15  # a roof lies beside its footprint by about as much as a pose is off
FARTHEST_M = 8.0  # two poses of an ordinary receiver differ by less
TURNED_AT_MOST_DEG = 12.0
STRETCHED_AT_MOST = 0.12  # height and tilt of two poses together
FINER_AT_MOST_PX = 1.5  # correlation refines a fit of features, it does not replace it
FEW_POINTS, LEAST_AGREEMENT = 12, 0.15  # few points must be borne out by edges that lie over one another
OUTLINE_SHIFT_M = 3.9  # as far as the raster's margin reaches
OUTLINE_STEP_PX = 3
OUTLINE_PRIOR = 0.01  # points per squared pixel: without evidence the footprint stays
LEAST_PARALLAX_PX = 6.0  # less cannot be told from the pose's own error
PARALLAX_OFF_PX = 8.0  # two receivers' errors and the turn
MOST_GROUND = 12  # points by which a ground may speak for a roof
RESIDUAL_AT_MOST_PX = 2.5  # median shift that is left between blocks of both pictures
BLOCK_PX, BLOCK_SHIFT_PX, LEAST_BLOCKS = 25, 4, 4
VOTES_EACH = 4  # nearest features that each feature may vote for
LEAST_LIKENESS = 0.75
VOTE_PX = 3.0
ECC_STEPS = 40
WORKING_SIGMA_PX = 1.5

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """Points of two pictures that move alike. matrix (2, 3): baseline pixel to today's; old_px (n, 2) in the baseline."""

    matrix: Matrix
    old_px: Floats


@dataclass(frozen=True)
class Registration:
    """How today's picture fits its baseline. `picture` is today's, moved over it.

    matrix (2, 3): baseline pixel to today's pixel; agreement: correlation of edges on the roof, up to 1; residual_px:
    median shift left between blocks of the two, in raster pixels; shift_m: how far apart the two poses put the roof;
    outline_px: by how much (x, y) the roof lies beside its footprint in the baseline's raster, as its pose was off too.
    """

    picture: RoofPicture
    matrix: Matrix
    agreement: float
    residual_px: float
    shift_m: float
    points: int
    outline_px: tuple[int, int]


def register(
    baseline: RoofPicture, today: RoofPicture, inside: Mask, parallax_px: tuple[float, float] = (0.0, 0.0)
) -> Registration | None:  # fmt: skip
    """Move `today` over `baseline`; None when they do not fit. `inside` (h, w): the roof on their common raster.

    parallax_px: by how much (x, y) the two cameras' places make the ground move against the roof from one to the other.
    """
    near = cv2.dilate(inside.astype(np.uint8), np.ones((NEAR_PX, NEAR_PX), np.uint8)) > 0
    fits = _fits(baseline, today, near, inside, np.array(parallax_px))
    if not fits:
        return None
    roof = roof_among(fits, inside, np.array(parallax_px))
    if roof is None:
        return None
    old, new = edges(baseline.image), edges(today.image)
    hull = _hull(roof.old_px, inside.shape)
    matrix = _refined(old, new, roof.matrix, hull)
    moved = RoofPicture(
        np.asarray(_warped(today.image, matrix), np.uint8), _warped(today.valid.astype(np.uint8), matrix) > 0
    )
    seen = edges(moved.image)
    agreement = _agreement(old, seen, hull)
    if len(roof.old_px) < FEW_POINTS and agreement < LEAST_AGREEMENT:
        return None
    residual = residual_px(old, seen, hull & baseline.valid & moved.valid)
    if residual > RESIDUAL_AT_MOST_PX:
        return None
    valid = baseline.valid & moved.valid
    outline = outlined_px(baseline.image, moved.image, valid, inside, parallax_px)
    return Registration(moved, matrix, agreement, residual, GSD_M * _shift_px(matrix, inside),
                        len(roof.old_px), outline)  # fmt: skip


def roof_among(fits: list[Fit], inside: Mask, parallax_px: Matrix) -> Fit | None:
    """The fit of the roof: with its footprint moved a little, its points lie in it and those of other fits do not.

    A fit against which another moves as the ground must speaks for being the roof, one that moves so itself against it.
    None when no fit has clearly more points on the roof than beside it.
    """
    reach = int(OUTLINE_SHIFT_M / GSD_M)
    padded = np.pad(inside, reach)
    steps = range(-reach, reach + 1, OUTLINE_STEP_PX)
    offsets = [(dx, dy) for dy in steps for dx in steps]
    on = np.zeros((len(fits), len(offsets)))
    for n, fit in enumerate(fits):
        at = np.round(fit.old_px).astype(int) + reach
        for k, (dx, dy) in enumerate(offsets):
            on[n, k] = padded[at[:, 1] - dy, at[:, 0] - dx].sum()
    counts = np.array([len(fit.old_px) for fit in fits], float)[:, None]
    caught = on.sum(axis=0) - on
    doubt = OUTLINE_PRIOR * np.array([dx * dx + dy * dy for dx, dy in offsets])
    apart = float(np.linalg.norm(parallax_px)) >= LEAST_PARALLAX_PX
    if not apart:  # roof and ground are one fit, which says nothing of where the roof ends
        counts, doubt = on, np.where(doubt > 0, np.inf, 0.0)
    score = on - (counts - on) - caught - doubt + _above_ground(fits, inside, parallax_px)[:, None]
    best = int(score.argmax())
    if score.ravel()[best] < LEAST_POINTS:
        return None
    return fits[best // len(offsets)]


def _above_ground(fits: list[Fit], inside: Mask, parallax_px: Matrix) -> Matrix:
    """(n,) points for each fit: those of its ground, less those of the fits whose ground it would be."""
    length = float(np.linalg.norm(parallax_px))
    gain = np.zeros(len(fits))
    if length < LEAST_PARALLAX_PX:
        return gain
    shifts = [_shift_at_middle(fit.matrix, inside) for fit in fits]
    for n, one in enumerate(shifts):
        for k, other in enumerate(shifts):
            if n != k and np.linalg.norm(other - one - parallax_px) <= PARALLAX_OFF_PX + 0.25 * length:
                gain[n] += min(len(fits[k].old_px), MOST_GROUND)
                gain[k] -= min(len(fits[n].old_px), MOST_GROUND)
    return gain


def plausible(matrix: Matrix, inside: Mask) -> bool:
    """Whether two poses can differ by this much: shift at the roof's middle, turn, stretch and shear."""
    a = matrix[:, :2]
    u, stretch, vt = np.linalg.svd(a)
    turn = u @ vt
    return bool(
        np.linalg.det(a) > 0
        and abs(degrees(atan2(turn[1, 0], turn[0, 0]))) <= TURNED_AT_MOST_DEG
        and (np.abs(stretch - 1) <= STRETCHED_AT_MOST).all()
        and _shift_px(matrix, inside) * GSD_M <= FARTHEST_M
    )


def edges(image: Image) -> Floats:
    """(h, w) strength of edges relative to their surroundings, 0 to about 1: the same in sun and shade."""
    grey = np.log(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) + 12.0)
    smooth = cv2.GaussianBlur(grey, (0, 0), WORKING_SIGMA_PX)
    strength = cv2.magnitude(cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1))
    return np.asarray(strength / (strength + 4 * cv2.GaussianBlur(strength, (0, 0), 12.0) + 0.3), np.float32)


def residual_px(old: Floats, new: Floats, inside: Mask) -> float:
    """Median over blocks of the shift that fits them best, pixels; of blocks with edges in both. 0 where there are too few."""
    shifts: list[float] = []
    high, wide = old.shape
    reach = BLOCK_SHIFT_PX
    for y in range(reach, high - BLOCK_PX - reach, BLOCK_PX):
        for x in range(reach, wide - BLOCK_PX - reach, BLOCK_PX):
            if inside[y : y + BLOCK_PX, x : x + BLOCK_PX].mean() < 0.8:
                continue
            block = old[y : y + BLOCK_PX, x : x + BLOCK_PX]
            around = new[y - reach : y + BLOCK_PX + reach, x - reach : x + BLOCK_PX + reach]
            if block.std() < 0.03 or around.std() < 0.03:
                continue
            scores = cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED)
            _, top, _, (dx, dy) = cv2.minMaxLoc(scores)
            if top > 0.5:
                shifts.append(hypot(*_peak(scores, dx, dy)))
    return float(np.median(shifts)) if len(shifts) >= LEAST_BLOCKS else 0.0


def _peak(scores: NDArray[np.generic], x: int, y: int) -> tuple[float, float]:
    """The peak's offset from the middle, to a part of a pixel by a parabola through its neighbours."""

    def part(before: float, at: float, after: float) -> float:
        bend = before - 2 * at + after
        return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))

    high, wide = scores.shape
    s = scores.astype(float)
    dx = part(s[y, x - 1], s[y, x], s[y, x + 1]) if 0 < x < wide - 1 else 0.0
    dy = part(s[y - 1, x], s[y, x], s[y + 1, x]) if 0 < y < high - 1 else 0.0
    return x + dx - BLOCK_SHIFT_PX, y + dy - BLOCK_SHIFT_PX


def _fits(baseline: RoofPicture, today: RoofPicture, near: Mask, inside: Mask, parallax_px: Matrix) -> list[Fit]:
    """What moves alike: the roof is one of them, the ground around it often a larger one. Each with all that supports it."""
    old, new = _features(baseline, near), _features(today, near)
    if len(old.at_px) < LEAST_POINTS or len(new.at_px) < LEAST_POINTS:
        return []
    pairs = _Pairs.of(old, new)
    found: list[Matrix] = []
    from_px, to_px = pairs.sure()
    for _ in range(MODELS):
        matrix = _similarity(from_px, to_px)
        if matrix is None:
            break
        if plausible(matrix, inside):
            found.append(matrix)
        left = _off_px(matrix, from_px, to_px) > 2 * RANSAC_PX
        from_px, to_px = from_px[left], to_px[left]
    turn = found[0] if found else np.eye(2, 3)
    searches: list[tuple[Matrix, float]] = [(_shift_at_middle(turn, inside), FARTHEST_M / GSD_M)]
    if (
        float(np.linalg.norm(parallax_px)) >= LEAST_PARALLAX_PX
    ):  # should a fit be the ground, the roof is not far to seek
        searches += [(_shift_at_middle(matrix, inside) - parallax_px, PARALLAX_OFF_PX) for matrix in found]
    for around_px, reach_px in searches:
        voted = _voted(pairs, found, near, turn, around_px - _shift_at_middle(turn, inside), reach_px)
        if voted is not None and plausible(voted, inside):
            found.append(voted)
    return [Fit(matrix, pairs.support(matrix)) for matrix in found]


def _similarity(from_px: Floats, to_px: Floats) -> Matrix | None:
    """The shift, turn and scale that explains the largest group of pairs."""
    if len(from_px) < LEAST_POINTS:
        return None
    found, kept = cv2.estimateAffinePartial2D(from_px, to_px, method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PX,
                                              maxIters=2000, confidence=0.999)  # fmt: skip
    matrix = np.asarray(found, float)  # of another shape where nothing was found
    return matrix if matrix.shape == (2, 3) and int(kept.sum()) >= LEAST_POINTS else None


def _voted(
    pairs: _Pairs, known: list[Matrix], near: Mask, turn: Matrix, around_px: Matrix, reach_px: float
) -> Matrix | None:  # fmt: skip
    """What else moves alike on the roof when the turn is known and the shift only to `reach_px` around a guess, by votes.

    One pair of cameras turns and scales all planes alike; only the shift depends on a plane's height. Knowing the turn,
    features too alike for the ratio test (ribs of a sheet roof, rows of tiles) can still be matched by their common shift.
    """
    from_px, to_px = pairs.from_px.reshape(-1, 2), pairs.to_px.reshape(-1, 2)
    at = np.round(from_px).astype(int)
    new = near[at[:, 1], at[:, 0]] & pairs.alike.ravel()
    for matrix in known:
        new &= _off_px(matrix, from_px, to_px) > 2 * RANSAC_PX
    from_px, to_px = from_px[new], to_px[new]
    shift = to_px - (from_px @ turn[:, :2].T + turn[:, 2] + around_px).astype(np.float32)
    votes, x_edges, y_edges = np.histogram2d(
        shift[:, 0], shift[:, 1], bins=int(2 * reach_px / VOTE_PX), range=[[-reach_px, reach_px]] * 2
    )
    smooth = cv2.blur(votes.astype(np.float32), (3, 3))
    column, row = np.unravel_index(int(smooth.argmax()), smooth.shape)
    middle = (x_edges[column] + x_edges[column + 1]) / 2, (y_edges[row] + y_edges[row + 1]) / 2
    close = np.abs(shift - np.array(middle)).max(axis=1) <= 1.5 * VOTE_PX
    return _similarity(from_px[close], to_px[close])


def _off_px(matrix: Matrix, from_px: Floats, to_px: Floats) -> Floats:
    return np.asarray(np.linalg.norm(from_px @ matrix[:, :2].T + matrix[:, 2] - to_px, axis=1), np.float32)


def _hull(points_px: Floats, shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round(cv2.convexHull(points_px)).astype(np.int32), 1)
    return cv2.dilate(mask, np.ones((9, 9), np.uint8)) > 0


@dataclass(frozen=True)
class _Features:
    """at_px (n, 2) and words (n, 128), unit vectors."""

    at_px: Floats
    words: Floats


def _features(picture: RoofPicture, near: Mask) -> _Features:
    """Features of the roof and the ground beside it."""
    finder = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=0.015)
    grey = cv2.createCLAHE(3.0, (4, 4)).apply(cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY))
    around = cv2.dilate(near.astype(np.uint8), np.ones((45, 45), np.uint8))
    points, words = finder.detectAndCompute(grey, around * picture.valid.astype(np.uint8))
    if len(points) < 2:
        return _Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    words = np.sqrt(words / (words.sum(axis=1, keepdims=True) + 1e-6))  # Hellinger (Arandjelovic, Zisserman 2012)
    return _Features(np.array([p.pt for p in points], np.float32), np.asarray(words, np.float32))


@dataclass(frozen=True)
class _Pairs:
    """Each old feature with its VOTES_EACH most alike new ones, best first: from_px, to_px (n, k, 2), alike and likeness (n, k)."""

    from_px: Floats
    to_px: Floats
    alike: Mask
    sure_of: Mask

    @classmethod
    def of(cls, old: _Features, new: _Features) -> _Pairs:
        likeness = old.words @ new.words.T
        count = min(VOTES_EACH, likeness.shape[1])
        best = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        likely = np.take_along_axis(likeness, best, axis=1)
        order = np.argsort(-likely, axis=1)
        best, likely = np.take_along_axis(best, order, axis=1), np.take_along_axis(likely, order, axis=1)
        from_px, to_px = np.repeat(old.at_px[:, None], count, axis=1), new.at_px[best]
        near = np.linalg.norm(from_px - to_px, axis=2) * GSD_M <= 1.5 * FARTHEST_M
        mutual = likeness.argmax(axis=0)[best[:, 0]] == np.arange(len(best))
        sure = mutual & near[:, 0] & (2 - 2 * likely[:, 0] <= RATIO**2 * (2 - 2 * likely[:, 1]))
        return cls(from_px, to_px, near & (likely > LEAST_LIKENESS), sure)

    def sure(self) -> tuple[Floats, Floats]:
        """(n, 2) and (n, 2) pixels that are each other's best and clearly better than the next."""
        return self.from_px[self.sure_of, 0], self.to_px[self.sure_of, 0]

    def support(self, matrix: Matrix) -> Floats:
        """(n, 2) old features one of whose likenesses lies where `matrix` says."""
        off = _off_px(matrix, self.from_px.reshape(-1, 2), self.to_px.reshape(-1, 2)).reshape(self.alike.shape)
        return self.from_px[((off <= RANSAC_PX) & self.alike).any(axis=1), 0]


def _refined(old: Floats, new: Floats, matrix: Matrix, hull: Mask) -> Matrix:
    """The fit made finer by maximising correlation where it holds; the fit itself where that leads away from it."""
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ECC_STEPS, 1e-4)
    try:
        _, finer = cv2.findTransformECC(
            np.asarray(old),
            np.asarray(new),
            matrix.astype(np.float32),
            cv2.MOTION_AFFINE,
            stop,
            hull.astype(np.uint8) * 255,
            5,
        )
    except cv2.error:
        return matrix  # it has not converged: too little is there to correlate
    rows, columns = np.nonzero(hull)
    at = np.column_stack([columns, rows, np.ones(len(rows))])
    moved_px = np.linalg.norm(at @ (np.asarray(finer, float) - matrix).T, axis=1)
    better = _agreement(old, _warped(new, np.asarray(finer, float)), hull) > _agreement(old, _warped(new, matrix), hull)
    return np.asarray(finer, float) if better and float(moved_px.max()) <= FINER_AT_MOST_PX else matrix


def _warped(image: Image | Floats, matrix: Matrix) -> Floats:
    high, wide = image.shape[:2]
    moved = cv2.warpAffine(image, matrix, (wide, high), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(moved, np.float32)


def _agreement(old: Floats, new: Floats, inside: Mask) -> float:
    """Correlation of edges on the roof, -1 to 1."""
    a, b = old[inside], new[inside]
    if len(a) < 2 or a.std() < 1e-6 or b.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _shift_px(matrix: Matrix, inside: Mask) -> float:
    return float(np.linalg.norm(_shift_at_middle(matrix, inside)))


def _shift_at_middle(matrix: Matrix, inside: Mask) -> Matrix:
    """(2,) by how much the roof's middle moves."""
    rows, columns = np.nonzero(inside)
    middle = np.array([columns.mean(), rows.mean()])
    return np.asarray(matrix[:, :2] @ middle + matrix[:, 2] - middle, float)
