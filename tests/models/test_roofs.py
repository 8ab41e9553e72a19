"""The rooftop networks' data: nothing of val is trained on, structures are to scale, and a pair marks what was built and nothing else."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.recipes import metrics
from models.recipes.evaluate import Measured
from models.recipes.labels import Found, Labels
from models.recipes.recipe import MODELS, shared_data
from models.recipes.roofs import detection_report, detection_set, pairs, seasons, structures, tiles
from models.recipes.roofs.tiles import METRES_PER_PX, Area, Building, Ground

VAL = Area(x=(386690, 386695), y=(220247, 220248))
MAPPED = Area(x=(386690, 386695), y=(220241, 220248))
STILL = {"exposure": 0.0}
NOTHING = np.zeros((0, 4))
NO_SCORE = metrics.Score(np.zeros(3), np.zeros(3), np.zeros(3, dtype=np.int64))


def rules(**more: object) -> pairs.Rules:
    """Pairs in which nothing differs, unless said otherwise."""
    return pairs.Rules.model_validate(
        {
            "light": {"shadow_bearing_deg": 60, "shadow_per_height": [0.5, 0.5]},
            "kinds": {"flat_shed": 1.0},
            "built": [1.0],
            "removed": [1.0],
            "kept": [1.0],
            "effects": STILL,
            "shift_px": 0.0,
            "turn_deg": 0.0,
            "scale": 0.0,
            "bend_px": 0.0,
            **more,
        }
    )


def roof_ground() -> Ground:
    """A grey yard with one light roof of 26 by 20 metres in its middle."""
    image = np.full((512, 512, 3), 90, np.uint8)
    outline = np.array([[156.0, 180.0], [356.0, 180.0], [356.0, 332.0], [156.0, 332.0]])
    cv2.fillPoly(image, [outline.astype(np.int32)], (170, 175, 180))
    return Ground("yard", image, (Building(outline, "concrete"),), True)


def roofs_folder() -> Path:
    """The real tiles, or a skip that names what is missing."""
    folder = shared_data() / "roofs"
    if not (folder / "buildings.geojson").is_file():
        pytest.skip(f"{folder} is not on this machine")
    return folder


@given(x=st.integers(386683, 386704), y=st.integers(220234, 220250))
def test_no_tile_of_train_touches_one_of_val(x: int, y: int) -> None:
    """A train tile has no neighbour, not even over a corner, in val: no building is in both."""
    if tiles.split_of(x, y, VAL) == "train":
        assert not any(VAL.holds(x + right, y + down) for right in (-1, 0, 1) for down in (-1, 0, 1))


def test_no_building_of_the_real_train_grounds_is_in_val() -> None:
    """Footprints of the district trained on, moved to world pixels, meet none of the tiles measured on; both splits are not small."""
    folder = roofs_folder()
    train, val = (tiles.grounds(folder, split, VAL, MAPPED) for split in ("train", "val"))
    mapped = [place for place in train if place.mapped]
    assert len(val) == 12
    assert len(mapped) == 36
    assert not {place.name for place in train} & {place.name for place in val}
    district = tiles.district(mapped, tiles.buildings(folder / "buildings.geojson"))
    assert len(district.buildings) > 800
    top_of_val = (VAL.y[0] - MAPPED.y[0]) * tiles.TILE_PX
    assert max(item.outline[:, 1].max() for item in district.buildings) < top_of_val - tiles.TILE_PX / 2 + 1


def test_the_footprints_lie_where_the_given_boxes_do() -> None:
    """On the tiles measured on, nine in ten of the shared set's own boxes are a footprint of ours (IoU 0.8): the projection is right."""
    folder = roofs_folder()
    good, total = detection_set.agreement(
        tiles.grounds(folder, "val", VAL, MAPPED), folder / "building_boxes.coco.json"
    )
    assert total > 250
    assert good >= 0.9 * total


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)
def test_where_nothing_is_built_nothing_is_marked(seed: int) -> None:
    """Whatever light, shadow, season, wetness, laundry and misfit are drawn: both masks are empty, the pictures differ."""
    every = dict.fromkeys(
        ["season", "overcast", "wet", "snow", "laundry", "clutter", "parapets", "shadows", "other_sun", "clouds"], 0.6
    ) | {"exposure": 1.0, "noise": 1.0}
    drawn = rules(effects=every, shift_px=1.0, bend_px=1.0, kept=[0.0, 1.0])
    pair = pairs.make(pairs.Material([roof_ground()], []), drawn, np.random.default_rng(seed))
    assert not pair.built.any()
    assert not pair.removed.any()
    assert pair.changes == []
    assert np.abs(pair.before.astype(int) - pair.after).max() > 0


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)
def test_what_is_built_is_marked_where_it_stands_and_only_there(seed: int) -> None:
    """With nothing else drawn the pictures differ only at the structure and its shadow, which falls to the bearing given."""
    pair = pairs.make(
        pairs.Material([roof_ground()], []), rules(built=[0.0, 1.0]), np.random.default_rng(seed), roof_ground(), 0
    )
    assert len(pair.changes) == 1
    differs = np.abs(pair.before.astype(int) - pair.after).max(axis=2) > 2
    foot = pair.built > 0
    shadow = differs & ~cv2.dilate(foot.astype(np.uint8), np.ones((5, 5))).astype(bool)
    outline = seasons.filled(pair.changes[0].outline, *foot.shape) > 0.5
    reach_px = 21  # its side is seen, and leans as far as four standard deviations
    assert not (foot & ~cv2.dilate(outline.astype(np.uint8), np.ones((reach_px, reach_px))).astype(bool)).any()
    assert (foot & outline).sum() > 0.6 * outline.sum()
    if shadow.sum() > 20:
        east, north = (
            float(np.nonzero(shadow)[1].mean() - np.nonzero(foot)[1].mean()),
            float(np.nonzero(foot)[0].mean() - np.nonzero(shadow)[0].mean()),
        )
        assert east * np.sin(np.radians(60)) + north * np.cos(np.radians(60)) > 0


def test_a_seed_gives_a_pair() -> None:
    """The same seed gives the same pictures, bit for bit; another seed gives others."""
    stock = pairs.Material([roof_ground()], [])
    drawn = rules(built=[0.0, 1.0], effects={"exposure": 1.0, "noise": 1.0, "wet": 1.0})
    first, again, other = (pairs.make(stock, drawn, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.after, again.after)
    assert (first.after != other.after).any()


@pytest.mark.parametrize("kind", sorted(structures.DRAWN))
@given(seed=st.integers(0, 2**32 - 1), length=st.floats(3, 9), width=st.floats(2.2, 6))
@settings(max_examples=4, deadline=None)
def test_structures_are_to_scale(kind: str, seed: int, length: float, width: float) -> None:
    """Each kind measures what was asked for (a container what containers measure), stands 1 to 5 m high, and is opaque somewhere."""
    piece = structures.DRAWN[kind](np.random.default_rng(seed), length, width)
    height, across = (side / structures.FINE * METRES_PER_PX for side in piece.cover.shape)
    if kind == "container":
        assert min(abs(across - 3.0), abs(across - 6.06)) < 0.1
        assert 2.3 < height < 3.05
    else:
        assert (across, height) == pytest.approx((length, width), abs=0.06)
    assert 1 < piece.height_m < 5
    assert piece.colour.shape == (*piece.cover.shape, 3)
    assert piece.cover.max() > 0.6


def test_a_cut_out_is_a_real_roof_turned_level() -> None:
    """A tin roof that stands askew is cut out with its sides level: 8 by 4 m, nearly all of the rectangle covered, its own colour."""
    image = np.full((300, 300, 3), 90, np.uint8)
    outline = pairs.corners(np.array([150.0, 140.0]), np.array([8.0, 4.0]) / METRES_PER_PX, np.radians(27))
    cv2.fillPoly(image, [outline.astype(np.int32)], (200, 120, 40))
    cut = structures.cut_outs([Ground("g", image, (Building(outline, "tin"),), True)])
    assert len(cut) == 1
    assert cut[0].cover.shape == pytest.approx((4 / METRES_PER_PX, 8 / METRES_PER_PX), abs=1.5)
    assert cut[0].cover.mean() > 0.93
    middle = tuple(side // 2 for side in cut[0].cover.shape)
    assert cut[0].colour[middle].tolist() == [200, 120, 40]


def test_a_shadow_leaves_most_of_the_blue() -> None:
    """Shade takes light from every colour, from blue the least, and nothing where there is none."""
    image = np.full((4, 4, 3), 200, np.float32)
    mask = np.zeros((4, 4), np.float32)
    mask[:2] = 1
    shaded = seasons.shade(image, mask, 0.5)
    blue, green, red = shaded[0, 0]
    assert 200 > blue > green > red > 90
    np.testing.assert_array_equal(shaded[2:], image[2:])


def test_a_view_turns_footprints_with_the_picture() -> None:
    """Turned by any angle, the footprint still covers the light roof: its mean is the roof's grey, and the box is around it."""
    for turn in (0.0, 33.0, 90.0, 211.0):
        seen = tiles.view(roof_ground(), np.array([256.0, 256.0]), turn, 0.9, 400, "v")
        mask = seasons.filled(seen.buildings[0].outline, 400, 400) > 0.5
        assert seen.image[cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0].mean() > 170
        box = detection_set.boxes_of(seen)[0]
        down, across = np.nonzero(mask)
        assert box.tolist() == [across.min(), down.min(), across.max() + 1, down.max() + 1]


def test_what_stands_on_a_roof_turns_with_it_and_is_labelled() -> None:
    """A shed marked on the real roof is a structure among the labels of every view, its box around what the picture shows of it."""
    place = roof_ground()
    shed = np.array([[200.0, 220.0], [240.0, 220.0], [240.0, 250.0], [200.0, 250.0]])
    cv2.fillPoly(place.image, [shed.astype(np.int32)], (250, 60, 20))
    for turn in (0.0, 33.0, 90.0, 211.0):
        seen = tiles.view(replace(place, standing=(shed,)), np.array([256.0, 256.0]), turn, 0.9, 400, "v")
        made = detection_set.whole(seen)
        assert made.classes == [detection_set.CLASSES["concrete"], detection_set.CLASSES["structure"]]
        down, across = np.nonzero(seen.image[..., 0] > 215)
        blue = [across.min(), down.min(), across.max() + 1, down.max() + 1]
        assert made.boxes[1] == pytest.approx(blue, abs=2.0)


def test_what_a_person_saw_stand_lies_on_roofs_of_the_map(tmp_path: Path) -> None:
    """Every outline of the recipe's file has its middle on a footprint of its tile; an outline of three corners is refused."""
    folder, file = roofs_folder(), MODELS / "roof" / "standing.yaml"
    marked = tiles.marked(file)
    places = {
        place.name.removesuffix("-north"): place
        for split in ("train", "val")
        for place in tiles.grounds(folder, split, VAL, MAPPED, marked)
    }
    assert sum(len(place.standing) for place in places.values()) == sum(map(len, marked.values())) > 50
    for place in places.values():
        for outline in place.standing:
            middle = (float(outline[:, 0].mean()), float(outline[:, 1].mean()))
            assert any(
                cv2.pointPolygonTest(item.outline.astype(np.float32), middle, False) >= 0 for item in place.buildings
            )
    wrong = tmp_path / "standing.yaml"
    wrong.write_text("OAM-1-2-19:\n  - [[0, 0], [1, 0], [1, 1]]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="four corners"):
        tiles.marked(wrong)


def test_labels_of_the_detector_say_tin_concrete_and_structure() -> None:
    """A ground with structures put onto it keeps its roof's box and adds a box for each structure, inside the picture."""
    chosen = detection_set.RoofSet.model_validate(
        {
            "standing": "standing.yaml",
            "mapped": MAPPED,
            "val": VAL,
            "light": {"shadow_bearing_deg": 60, "shadow_per_height": [0.5, 1.0]},
            "kinds": {"gable_shed": 1.0},
            "train_views": 1,
            "built_share": 1.0,
            "val_copies": 1,
            "structures_a_tile": [3, 3],
            "effects": {},
        }
    )
    made = detection_set.built(roof_ground(), [], chosen, chosen.kinds, np.random.default_rng(4), 0.0)
    assert made.classes[0] == detection_set.CLASSES["concrete"]
    assert made.classes.count(detection_set.CLASSES["structure"]) >= 1
    assert len(made.boxes) == len(made.classes)
    assert (made.boxes[:, 2:] > made.boxes[:, :2]).all()
    assert made.boxes.min() >= 0
    assert made.boxes.max() <= 512


def test_a_roof_of_any_material_counts_once_and_its_material_apart() -> None:
    """Two finds of one roof are one box; its material is that of the better; a structure is no roof, and false where none was put."""
    box = np.array([[10.0, 10, 60, 60]])
    found = Found(
        np.concatenate([box, box + 2, np.array([[100.0, 100, 130, 130]])]),
        np.array([1, 0, 2]),
        np.array([0.9, 0.6, 0.7]),
    )
    yard = np.array([[90.0, 90], [140, 90], [140, 140], [90, 140]])
    tile = detection_report.Tile(box, Labels(box, np.array([1])), [yard], NOTHING)
    measured = Measured([found], [Labels(box, np.array([1]))], [], ["t"], ["t.png"], NO_SCORE, 1.0)
    limits = {"roof_tin": 0.5, "roof_concrete": 0.5, "structure": 0.5}
    row = detection_report.rows(measured, {"t": tile}, limits)[0]
    assert (row.right, row.told, row.found, row.false, row.roofs) == (1, 1, 1, 1, 1)
    assert len(row.boxes.scores) == 1
    assert row.boxes.hits[0].all()


def test_a_structure_that_stands_there_in_truth_is_not_false() -> None:
    """Of two finds on an untouched roof the one on a marked shed is right, the other false; both are counted as found."""
    yard = np.array([[0.0, 0], [200, 0], [200, 200], [0, 200]])
    shed = np.array([[20.0, 20, 60, 60]])
    found = Found(np.array([[22.0, 18, 60, 58], [120, 120, 150, 150]]), np.array([2, 2]), np.array([0.9, 0.8]))
    tile = detection_report.Tile(shed, Labels(NOTHING, np.zeros(0, dtype=np.int64)), [yard], shed)
    measured = Measured([found], [Labels(NOTHING, np.zeros(0, dtype=np.int64))], [], ["t"], ["t.png"], NO_SCORE, 1.0)
    limits = {"roof_tin": 0.5, "roof_concrete": 0.5, "structure": 0.5}
    row = detection_report.rows(measured, {"t": tile}, limits)[0]
    assert (row.found, row.false) == (2, 1)


def test_the_threshold_of_structures_is_where_few_untouched_roofs_have_one() -> None:
    """Of twenty roofs two may have a false structure: with scores of 0.9, 0.8 and 0.4 the threshold lies just
    above 0.4. What scores 0.95 beside every roof is no concern."""
    boxes = np.array([*[[0.0, 0, 9, 9]] * 3, [50, 50, 90, 70]])
    found = Found(boxes, np.full(4, 2), np.array([0.9, 0.8, 0.4, 0.95]))
    tile = detection_report.Tile(
        np.zeros((20, 4)),
        Labels(np.zeros((0, 4)), np.zeros(0, dtype=np.int64)),
        [np.array([[0.0, 0], [9, 0], [9, 9], [0, 9]])],
        NOTHING,
    )
    measured = Measured([found], [], [], ["t"], ["t.png"], NO_SCORE, 1.0)
    assert detection_report.structure_threshold(measured, {"t": tile}) == pytest.approx(0.41)
