"""Triangle meshes at true scale, and the simple shapes that all others are made of. Pure.

An object's own frame: x to its right, y forward, z up, metres, standing on z = 0. Placed in the world with a yaw
(clockwise from north) its y axis points along that bearing. Triangles are two-sided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, pi, radians, sin

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patrol.scenes.materials import Colour, Material

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Mesh:
    """m triangles, each with its own corners.

    corners (m, 3, 3) metres; normals (m, 3, 3) unit; uv (m, 3, 2), metres on textured surfaces; material (m,);
    colour (m, 3) linear; param (m, 2), see Material; part (m,) which moving part of the object a triangle belongs to.
    """

    corners: Singles
    normals: Singles
    uv: Singles
    material: NDArray[np.int32]
    colour: Singles
    param: Singles
    part: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.corners)

    def on_part(self, part: int) -> Mesh:
        """The same mesh, all of it belonging to moving part `part`."""
        return replace(self, part=np.full(len(self), part, np.int32))

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """Shifted by metres."""
        return replace(self, corners=self.corners + np.array([x, y, z], np.float32))

    def turned(self, yaw_deg: float) -> Mesh:
        """Turned clockwise seen from above, about the z axis."""
        matrix = yaw_matrix(yaw_deg)
        return replace(self, corners=self.corners @ matrix.T, normals=self.normals @ matrix.T)

    def rotated(self, matrix: Singles) -> Mesh:
        """Turned by a (3, 3) rotation."""
        return replace(self, corners=self.corners @ matrix.T, normals=self.normals @ matrix.T)

    def posed(self, matrices: Singles) -> Mesh:
        """Each part under its own (p, 3, 4) rotation and shift."""
        chosen = matrices[self.part]
        turn, shift = chosen[:, :, :3], chosen[:, None, :, 3]
        back = turn.transpose(0, 2, 1)
        return replace(self, corners=self.corners @ back + shift, normals=self.normals @ back)


def yaw_matrix(yaw_deg: float) -> Singles:
    """(3, 3) from an object's frame to east, north, up."""
    c, s = cos(radians(yaw_deg)), sin(radians(yaw_deg))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)


def tilt_matrix(angle_deg: float) -> Singles:
    """(3, 3) about the x axis; positive lifts what points forward."""
    c, s = cos(radians(angle_deg)), sin(radians(angle_deg))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]], np.float32)


def roll_matrix(angle_deg: float) -> Singles:
    """(3, 3) about the y axis; positive leans to the right."""
    c, s = cos(radians(angle_deg)), sin(radians(angle_deg))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """All triangles of all meshes, in order."""
    if not meshes:
        return soup(np.zeros((0, 3, 3)), Material.PLAIN, (0.5, 0.5, 0.5))
    return Mesh(
        np.concatenate([m.corners for m in meshes]),
        np.concatenate([m.normals for m in meshes]),
        np.concatenate([m.uv for m in meshes]),
        np.concatenate([m.material for m in meshes]),
        np.concatenate([m.colour for m in meshes]),
        np.concatenate([m.param for m in meshes]),
        np.concatenate([m.part for m in meshes]),
    )


def soup(
    corners: ArrayLike,
    material: Material,
    colour: Colour,
    *,
    uv: ArrayLike | None = None,
    seed: float = 0.0,
    detail: float = 0.0,
    normals: ArrayLike | None = None,
) -> Mesh:
    """(m, 3, 3) corners as a mesh of one material; flat normals unless given."""
    points = np.asarray(corners, np.float32).reshape(-1, 3, 3)
    count = len(points)
    if normals is None:
        face = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
        face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-12)
        normals = np.repeat(face[:, None, :], 3, axis=1)
    return Mesh(
        points,
        np.asarray(normals, np.float32),
        np.zeros((count, 3, 2), np.float32) if uv is None else np.asarray(uv, np.float32).reshape(count, 3, 2),
        np.full(count, int(material), np.int32),
        np.tile(np.asarray(colour, np.float32), (count, 1)),
        np.tile(np.array([seed, detail], np.float32), (count, 1)),
        np.zeros(count, np.int32),
    )


def quad(
    corners: ArrayLike,
    material: Material,
    colour: Colour,
    *,
    uv_size_m: tuple[float, float] = (1.0, 1.0),
    seed: float = 0.0,
    detail: float = 0.0,
) -> Mesh:
    """Four corners in order around; u runs from the first to the second, v from the second to the third."""
    p = np.asarray(corners, np.float32)
    u, v = uv_size_m
    uv = np.array([[0, 0], [u, 0], [u, v], [0, v]], np.float32)
    return soup(
        np.stack([p[[0, 1, 2]], p[[0, 2, 3]]]), material, colour,
        uv=np.stack([uv[[0, 1, 2]], uv[[0, 2, 3]]]), seed=seed, detail=detail,
    )  # fmt: skip


def box(
    size_m: Sequence[float], base_m: Sequence[float], material: Material, colour: Colour, seed: float = 0.0
) -> Mesh:
    """A box of width, length, height standing with the middle of its bottom at `base_m`. No bottom face."""
    w, d, h = size_m[0] / 2, size_m[1] / 2, size_m[2]
    x, y, z = base_m
    low = [(x - w, y - d, z), (x + w, y - d, z), (x + w, y + d, z), (x - w, y + d, z)]
    top = [(a, b, z + h) for a, b, _ in low]
    sides = [
        quad([low[i], low[j], top[j], top[i]], material, colour, seed=seed, uv_size_m=((w, d)[i % 2] * 2, h))
        for i, j in ((0, 1), (1, 2), (2, 3), (3, 0))
    ]
    return merge([*sides, quad(top, material, colour, seed=seed, uv_size_m=(2 * w, 2 * d))])


def grid(points: ArrayLike, material: Material, colour: Colour, *, around: bool = False, seed: float = 0.0) -> Mesh:
    """A smooth skin over (rows, columns, 3) points; `around` joins the last column to the first."""
    p = np.asarray(points, np.float32)
    if around:
        p = np.concatenate([p, p[:, :1]], axis=1)
    a, b, c, d = p[:-1, :-1], p[:-1, 1:], p[1:, 1:], p[1:, :-1]
    face = np.cross(c - a, d - b)
    total = np.zeros_like(p)
    for rows, columns in ((slice(0, -1), slice(0, -1)), (slice(0, -1), slice(1, None)),
                          (slice(1, None), slice(1, None)), (slice(1, None), slice(0, -1))):  # fmt: skip
        total[rows, columns] += face
    if around:
        total[:, 0] += total[:, -1]
        total[:, -1] = total[:, 0]
    n = total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)
    na, nb, nc, nd = n[:-1, :-1], n[:-1, 1:], n[1:, 1:], n[1:, :-1]
    corners = np.stack([np.stack([a, b, c], 2), np.stack([a, c, d], 2)], 2).reshape(-1, 3, 3)
    normals = np.stack([np.stack([na, nb, nc], 2), np.stack([na, nc, nd], 2)], 2).reshape(-1, 3, 3)
    return soup(corners, material, colour, normals=normals, seed=seed)


def tube(
    start_m: ArrayLike, end_m: ArrayLike, radii_m: tuple[float, float], material: Material, colour: Colour,
    sides: int = 7, flatten: float = 1.0,
) -> Mesh:  # fmt: skip
    """A tapered limb or pole between two points, with closed ends; `flatten` thins it along its second axis."""
    a, b = np.asarray(start_m, float), np.asarray(end_m, float)
    axis = (b - a) / max(float(np.linalg.norm(b - a)), 1e-9)
    helper = np.array([0.0, 1.0, 0.0]) if abs(axis[1]) < 0.8 else np.array([0.0, 0.0, 1.0])
    right = np.cross(helper, axis)
    right /= np.linalg.norm(right)
    other = np.cross(axis, right) * flatten
    turn = np.arange(sides) * 2 * pi / sides
    ring = np.cos(turn)[:, None] * right + np.sin(turn)[:, None] * other
    rows = [a + ring * 0.001, a + ring * radii_m[0], b + ring * radii_m[1], b + ring * 0.001]
    return grid(np.stack(rows), material, colour, around=True)


def ellipsoid(
    centre_m: ArrayLike, radii_m: ArrayLike, material: Material, colour: Colour, rows: int = 5, sides: int = 8,
    top_only: bool = False,
) -> Mesh:  # fmt: skip
    """A closed ellipsoid, or its upper half."""
    up = np.linspace(0.0 if top_only else -pi / 2, pi / 2, rows)[:, None]
    turn = (np.arange(sides) * 2 * pi / sides)[None, :]
    unit = np.stack([np.cos(up) * np.cos(turn), np.cos(up) * np.sin(turn), np.sin(up) * np.ones_like(turn)], -1)
    return grid(np.asarray(centre_m, float) + unit * np.asarray(radii_m, float), material, colour, around=True)


def wheel(centre_m: Sequence[float], radius_m: float, width_m: float, rim: Colour, sides: int = 14) -> Mesh:
    """A car's wheel, axle along x: tyre and rim."""
    x, y, z = centre_m
    turn = np.arange(sides) * 2 * pi / sides
    ring = np.stack([np.zeros(sides), np.cos(turn), np.sin(turn)], -1)
    half = np.array([width_m / 2, 0.0, 0.0])
    centre = np.array([x, y, z])
    rubber = (0.012, 0.012, 0.013)
    rows = [
        ring * radius_m * 0.62 - half,
        ring * radius_m - half,
        ring * radius_m + half,
        ring * radius_m * 0.62 + half,
    ]
    tyre = grid(centre + np.stack(rows), Material.PLAIN, rubber, around=True)
    discs = []
    for side in (-1.0, 1.0):
        hub = centre + side * half * 0.9
        rim_ring = hub + ring * radius_m * 0.64
        spokes = [np.stack([hub, rim_ring[i], rim_ring[(i + 1) % sides]]) for i in range(sides)]
        discs.append(soup(np.stack(spokes[0::2]), Material.METAL, rim))
        discs.append(soup(np.stack(spokes[1::2]), Material.PLAIN, (0.03, 0.03, 0.03)))
    return merge([tyre, *discs])


def polygon(corners_m: ArrayLike, up_m: float, material: Material, colour: Colour, **options: float) -> Mesh:
    """A level polygon from (n, 2) corners, simple, either winding; u, v are its x, y."""
    flat = np.asarray(corners_m, float)
    faces = triangulated(flat)
    points = np.column_stack([flat, np.full(len(flat), up_m)])
    mesh = soup(points[faces], material, colour, uv=flat[faces], **options)
    return replace(mesh, normals=np.tile(np.array([0, 0, 1], np.float32), (len(mesh), 3, 1)))


def triangulated(corners: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n, 2) corners of a simple polygon to (n - 2, 3) indices, by cutting ears (Meisters 1975)."""
    x, y = corners[:, 0], corners[:, 1]
    left = list(range(len(corners)))
    if float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) < 0:
        left.reverse()

    def cross(o: int, a: int, b: int) -> float:
        return float((x[a] - x[o]) * (y[b] - y[o]) - (y[a] - y[o]) * (x[b] - x[o]))

    def is_ear(i: int) -> bool:
        a, b, c = left[i - 1], left[i], left[(i + 1) % len(left)]
        if cross(a, b, c) <= 0:
            return False
        inside = (p for p in left if p not in (a, b, c))
        return not any(cross(a, b, p) >= 0 and cross(b, c, p) >= 0 and cross(c, a, p) >= 0 for p in inside)

    faces: list[tuple[int, int, int]] = []
    while len(left) > 3:
        ear = next((i for i in range(len(left)) if is_ear(i)), 0)  # 0: corners in one line, any cut is right
        faces.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    faces.append((left[0], left[1], left[2]))
    return np.array(faces, np.int64)


def creased(mesh: Mesh, crease_deg: float = 38.0) -> Mesh:
    """Normals averaged over neighbours at each corner, except across edges sharper than `crease_deg`."""
    face = mesh.normals.mean(axis=1)
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-9)
    flat = np.cross(mesh.corners[:, 1] - mesh.corners[:, 0], mesh.corners[:, 2] - mesh.corners[:, 0])
    area = np.linalg.norm(flat, axis=1)
    # Two-sided triangles carry no winding: make all face away from the mesh's middle axis before comparing.
    middle = mesh.corners.reshape(-1, 3).mean(axis=0)
    outward = mesh.corners.mean(axis=1) - middle
    face = np.where(((face * outward).sum(axis=1) < 0)[:, None], -face, face)
    keys = np.round(mesh.corners.reshape(-1, 3), 4)
    _, where = np.unique(keys, axis=0, return_inverse=True)
    corner_face = np.repeat(np.arange(len(mesh)), 3)
    order = np.argsort(where.ravel(), kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(where.ravel()[order]) > 0])
    normals = np.empty((len(mesh) * 3, 3), np.float32)
    limit = cos(radians(crease_deg))
    for group in np.split(order, starts[1:]):
        near = face[corner_face[group]]
        weight = np.where(near @ near.T > limit, 1.0, 0.0) * area[corner_face[group]][None, :]
        total = weight @ near
        normals[group] = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return replace(mesh, normals=normals.reshape(-1, 3, 3))
