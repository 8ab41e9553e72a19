"""May one model replace another: no class worse by more than chance."""

import numpy as np
import pytest

from models.recipes import compare, metrics
from models.recipes.labels import Found, Labels

BOXES = np.array([[0.0, 0, 20, 20], [50, 50, 90, 90]])
CLASSES = np.array([0, 1])


def matches(finds: list[tuple[bool, bool]]) -> list[list[metrics.Match]]:
    """One picture a pair: was the object of class 0 found, was that of class 1."""
    truth = Labels(BOXES, CLASSES)
    result = []
    for pair in finds:
        kept = np.array(pair)
        got = Found(BOXES[kept], CLASSES[kept], np.full(int(kept.sum()), 0.8))
        result.append([metrics.match(got, truth, label) for label in (0, 1)])
    return result


def judge(first: list[tuple[bool, bool]], second: list[tuple[bool, bool]]) -> compare.Verdict:
    groups = [str(number) for number in range(len(first))]
    return compare.judge(["car", "bus"], matches(first), matches(second), groups, seed=3)


def test_an_equal_or_better_model_may_replace() -> None:
    """The same finds, or more of them, are no reason to refuse."""
    old = [(True, number % 2 == 0) for number in range(20)]
    assert judge(old, old).may_replace
    assert judge(old, [(True, True)] * 20).may_replace


def test_a_gain_in_one_class_does_not_pay_for_a_loss_in_another() -> None:
    """Better buses, worse cars: refused, and the class is named, though the mean is no lower."""
    old, new = [(True, False)] * 10 + [(True, True)] * 10, [(False, True)] * 10 + [(True, True)] * 10
    verdict = judge(old, new)
    assert not verdict.may_replace
    assert verdict.worse == ["car"]
    assert "worse in car" in verdict.text()


def test_one_miss_in_many_is_chance() -> None:
    """A single further miss lies within the interval."""
    assert judge([(True, True)] * 30, [(True, True)] * 29 + [(False, True)]).may_replace


def test_a_model_that_is_nowhere_is_named() -> None:
    """Neither in the registry nor a file: the known names are said."""
    with pytest.raises(FileNotFoundError, match="street"):
        compare.file_of("no-such-model")
