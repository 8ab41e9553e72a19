"""Average precision, intervals and thresholds: known answers, and equality with the reference implementation."""

import contextlib
import importlib
import io
from typing import Any

import numpy as np
import pytest

from models.recipes import metrics
from models.recipes.labels import Floats, Found, Labels


def truth(*boxes: tuple[float, float, float, float]) -> Labels:
    return Labels(np.array(boxes, dtype=float).reshape(-1, 4), np.zeros(len(boxes), dtype=np.int64))


def found(*rows: tuple[float, float, float, float, float]) -> Found:
    table = np.array(rows, dtype=float).reshape(-1, 5)
    return Found(table[:, :4], np.zeros(len(rows), dtype=np.int64), table[:, 4])


def test_perfect_detections_score_one_and_none_score_zero() -> None:
    """The two ends of the scale."""
    goal = truth((0, 0, 10, 10), (20, 20, 40, 40))
    perfect = metrics.match(found((0, 0, 10, 10, 0.9), (20, 20, 40, 40, 0.8)), goal, 0)
    np.testing.assert_allclose(metrics.average_precision([perfect]), 1.0)
    np.testing.assert_allclose(metrics.average_precision([metrics.match(found(), goal, 0)]), 0.0)
    assert np.isnan(metrics.average_precision([metrics.match(found((0, 0, 1, 1, 0.5)), truth(), 0)])).all()


def test_a_second_box_on_one_object_is_wrong() -> None:
    """Each truth can be found once; the better score takes it."""
    result = metrics.match(found((0, 0, 10, 10, 0.6), (0, 0, 10, 10, 0.9)), truth((0, 0, 10, 10)), 0)
    assert result.hits[0].tolist() == [True, False]


def test_a_loose_box_counts_at_half_overlap_only() -> None:
    """IoU 0.64 is right from 0.50 to 0.60 and wrong above."""
    result = metrics.match(found((0, 0, 8, 8, 0.9)), truth((0, 0, 10, 10)), 0)
    assert result.hits[:, 0].tolist() == [True] * 3 + [False] * 7


def scenes(seed: int, images: int) -> list[tuple[Labels, Found]]:
    random = np.random.default_rng(seed)
    result = []
    for _ in range(images):
        corner = random.uniform(0, 500, (int(random.integers(0, 9)), 2))
        boxes: Floats = np.concatenate([corner, corner + random.uniform(20, 120, corner.shape)], axis=1)
        classes = random.integers(0, 3, len(boxes))
        near = boxes + random.normal(0, 6, boxes.shape)
        extra = random.uniform(0, 400, (4, 2))
        every: Floats = np.concatenate([near, np.concatenate([extra, extra + 60], axis=1)])
        labels = np.concatenate([classes, random.integers(0, 3, 4)])
        result.append((Labels(boxes, classes), Found(every, labels, random.uniform(0.01, 1, len(every)))))
    return result


def test_equal_to_pycocotools_on_random_scenes() -> None:
    """AP50 and mAP50-95 per class are the reference's to 1e-9, where it is installed (the training environment)."""
    coco: Any = pytest.importorskip("pycocotools.coco", reason="pycocotools is in the training environment only")
    evaluation: Any = importlib.import_module("pycocotools.cocoeval")
    cases = scenes(3, 40)
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (goal, got) in enumerate(cases):
        for box, label in zip(goal.boxes, goal.classes, strict=True):
            size = box[2:] - box[:2]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": int(label),
                    "bbox": [*box[:2], *size],
                    "area": size.prod(),
                    "iscrowd": 0,
                }
            )
        for box, label, value in zip(got.boxes, got.classes, got.scores, strict=True):
            results.append(
                {
                    "image_id": number,
                    "category_id": int(label),
                    "bbox": [*box[:2], *(box[2:] - box[:2])],
                    "score": value,
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        reference = coco.COCO()
        reference.dataset = {
            "images": [{"id": number} for number in range(len(cases))],
            "categories": [{"id": label} for label in range(3)],
            "annotations": annotations,
        }
        reference.createIndex()
        judge = evaluation.COCOeval(reference, reference.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # IoU, recall, class; all sizes, 100 detections
    ours = metrics.score([[metrics.match(got, goal, label) for label in range(3)] for goal, got in cases])
    np.testing.assert_allclose(ours.ap50, precision[0].mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(ours.ap, precision.mean(axis=(0, 1)), atol=1e-9)
    for number, (low, high) in enumerate([(0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, 1e10)], start=1):
        by_size = judge.eval["precision"][0, :, :, number, 2].mean(axis=0)
        mine = [
            metrics.average_precision([metrics.match_within(got, goal, label, low, high) for goal, got in cases])[0]
            for label in range(3)
        ]
        np.testing.assert_allclose(mine, np.where(by_size < 0, np.nan, by_size), atol=1e-9)


def test_the_interval_holds_the_score_and_widens_with_fewer_groups() -> None:
    """Many images of one camera are one group: what looks like a lot of evidence is not."""
    cases = scenes(5, 40)
    matches = [[metrics.match(got, goal, label) for label in range(3)] for goal, got in cases]
    alone = metrics.intervals(matches, [str(number) for number in range(40)], seed=1, rounds=60)
    grouped = metrics.intervals(matches, [str(number // 10) for number in range(40)], seed=1, rounds=60)
    low, high = alone[-1]
    assert low <= metrics.score(matches).map50 <= high
    assert alone.shape == (4, 2)
    assert (grouped[:, 1] >= grouped[:, 0]).all()


def test_the_threshold_lies_between_right_and_wrong_scores() -> None:
    """All right detections score above 0.5 and all wrong ones below: the best threshold separates them."""
    result = metrics.match(
        found((0, 0, 10, 10, 0.7), (20, 20, 40, 40, 0.6), (60, 60, 70, 70, 0.4)),
        truth((0, 0, 10, 10), (20, 20, 40, 40)),
        0,
    )
    assert 0.4 < metrics.threshold([result]) <= 0.6
    assert metrics.precision_recall([result], 0.5) == (1.0, 1.0)


def test_an_object_of_another_size_counts_neither_way() -> None:
    """Among small objects, finding a large one is neither right nor wrong; a small find of nothing is wrong."""
    goal = truth((0, 0, 10, 10), (100, 100, 300, 300))
    got = found((0, 0, 10, 10, 0.9), (100, 100, 300, 300, 0.8), (50, 50, 60, 60, 0.7), (400, 400, 600, 600, 0.6))
    small = metrics.match_within(got, goal, 0, 0, 32**2)
    assert small.hits[0].tolist() == [True, False]
    assert small.truths == 1
    assert metrics.match_within(got, goal, 0, 96**2, np.inf).hits[0].tolist() == [True, False]


def test_the_difference_of_two_models_is_judged_on_the_same_groups() -> None:
    """A model against itself differs by exactly nothing; against one that finds nothing, the whole interval is below zero."""
    cases = scenes(7, 30)
    full = [[metrics.match(got, goal, label) for label in range(3)] for goal, got in cases]
    none = [[metrics.match(found(), goal, label) for label in range(3)] for goal, _ in cases]
    groups = [str(number) for number in range(30)]
    assert (metrics.differences(full, full, groups, seed=1, rounds=30) == 0).all()
    assert (metrics.differences(full, none, groups, seed=1, rounds=30)[:, 1] < 0).all()
