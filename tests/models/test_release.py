"""Released models: the file is the registry's, says the same of itself, and finds what it found when it was released."""

import json

import numpy as np
import pytest
import yaml

from models.recipes import golden as golden_outputs
from models.recipes import metrics, release, summary, tables
from models.recipes.evaluate import Measured
from models.recipes.labels import Found, Labels
from models.recipes.recipe import MODELS, Recipe
from models.recipes.runtime import Model, letterbox

REGISTRY = yaml.safe_load((MODELS / "registry.yaml").read_text(encoding="utf-8"))["models"]
DETECTORS = sorted(name for name, entry in REGISTRY.items() if entry["task"] == "detect")
MOST_BYTES = 12_000_000


@pytest.mark.parametrize("name", DETECTORS)
def test_the_file_is_the_one_in_the_registry(name: str) -> None:
    """Hash, size limit, metadata and input shape; one threshold a class."""
    entry = REGISTRY[name]
    file = MODELS / entry["file"]
    assert release.sha256(file) == entry["sha256"]
    assert file.stat().st_size <= MOST_BYTES
    model = Model(file)
    assert model.metadata["name"] == name
    assert model.metadata["version"] == entry["version"]
    assert model.metadata["license"] == "AGPL-3.0-or-later"
    assert len(model.metadata["data_sha256"]) == 64
    assert model.classes == entry["classes"]
    assert sorted(model.thresholds) == sorted(entry["classes"])
    assert all(0 < value < 1 for value in model.thresholds.values())
    assert [model.height_px, model.width_px] == entry["input_size"]


@pytest.mark.parametrize("name", DETECTORS)
def test_a_batch_gives_what_its_images_give_alone(name: str) -> None:
    """The batch dimension is dynamic, boxes are in input pixels, scores are probabilities."""
    model = Model(MODELS / REGISTRY[name]["file"])
    images = np.random.default_rng(0).integers(0, 255, (2, model.height_px, model.width_px, 3), dtype=np.uint8)
    both = model.predict(images)
    assert both.shape[:2] == (2, 4 + len(model.classes))
    np.testing.assert_allclose(both[1], model.predict(images[1:])[0], atol=0.05)
    assert both[:, 4:].min() >= 0
    assert both[:, 4:].max() <= 1
    assert both[:, :2].max() > 100


@pytest.mark.parametrize("name", DETECTORS)
def test_golden_outputs_are_reproduced(name: str) -> None:
    """The made picture gives, number by number, what it gave on the day of the release; the photographs too where they are."""
    golden = json.loads((MODELS / REGISTRY[name]["golden"]).read_text(encoding="utf-8"))
    assert len(golden["made"]["anchors"]) >= 12
    assert any(item["detections"] for item in golden["images"])
    assert release.verify(name) == []


def test_another_network_is_told_from_the_made_picture() -> None:
    """Against the golden numbers, weights of another model are seen without any photograph."""
    entry = REGISTRY["street"]
    made = json.loads((MODELS / entry["golden"]).read_text(encoding="utf-8"))["made"]
    model = Model(MODELS / entry["file"])
    assert golden_outputs.differences(made, model) == []
    for row in made["anchors"]:
        row["values"][4] += 0.05
    assert len(golden_outputs.differences(made, model)) == len(made["anchors"])


def test_another_detection_is_told() -> None:
    """A missing object, a moved one, another score and a new one are differences; rounding is not."""
    want = [{"class": "car", "score": 0.8, "xyxy": [10.0, 10.0, 50.0, 50.0]}]
    least = {"car": 0.3}

    def told(**change: object) -> list[str]:
        return release.differences(want, [{**want[0], **change}], least)

    assert told(score=0.79, xyxy=[10.4, 10, 50, 50]) == []
    assert told(score=0.6) != []
    assert len(told(xyxy=[30, 10, 70, 50])) == 2
    assert len(release.differences(want, [], least)) == 1


def test_letterbox_centres_on_grey() -> None:
    """Aspect kept, borders grey 114, placement reported."""
    placed, how = letterbox(np.full((100, 200, 3), 255, dtype=np.uint8), 320, 320)
    assert placed.shape == (320, 320, 3)
    assert (how.scale, how.left_px, how.top_px) == (1.6, 0, 80)
    assert (placed[:80] == 114).all()
    assert (placed[80:240] == 255).all()


def recipe_of(classes: list[str], **more: object) -> Recipe:
    """A recipe of these classes that is measured and never trained."""
    return Recipe.model_validate(
        {
            "name": "f",
            "version": "1",
            "license": "x",
            "seed": 1,
            "classes": classes,
            "input_size": [64, 64],
            "start": {"weights": "w", "rows": list(range(len(classes)))},
            "train": [],
            "val": {"name": "v", "images": "v", "licence": "x"},
            "cleaning": {"believe": [1.0] * len(classes)},
            "training": {"size_px": [64, 64], "epochs": 1, "samples_per_epoch": 1},
            **more,
        }
    )


def measured_of(classes: int, shown: list[tuple[int, float]], empty: list[tuple[int, float]]) -> Measured:
    """One (class, score) found a picture: in ``shown`` it is there, in ``empty`` nothing is."""
    box, nothing = np.array([[0.0, 0, 10, 10]]), Labels(np.zeros((0, 4)), np.zeros(0, dtype=np.int64))
    founds = [Found(box, np.array([label]), np.array([score])) for label, score in [*shown, *empty]]
    truths = [*(Labels(box, np.array([label])) for label, _ in shown), *(nothing for _ in empty)]
    matches = [
        [metrics.match(found, truth, label) for label in range(classes)]
        for found, truth in zip(founds, truths, strict=True)
    ]
    names = ["f.jpg"] * len(founds)
    return Measured(founds, truths, matches, names, names, metrics.score(matches), 1.0)


def test_thresholds_rise_until_few_empty_images_alert() -> None:
    """A lamp that scores 0.45 in one of two empty pictures lifts the threshold above it; without the bound it stays."""
    measured = measured_of(1, [(0, 0.4)] * 12, [(0, 0.45), (0, 0.1)])
    rules = recipe_of(["fire"])
    assert release.thresholds(rules, measured)["fire"] <= 0.4
    bounded = release.thresholds(rules.model_copy(update={"most_false_images": 0.02}), measured)
    assert bounded["fire"] == pytest.approx(0.46)
    assert release.false_images([measured], bounded, ["fire"]) == (0.0, 2)


def test_only_the_class_at_fault_pays_for_false_alarms() -> None:
    """Smoke scores 0.45 in an empty picture, fire never does: smoke's threshold rises above it, fire's stays where it was."""
    measured = measured_of(2, [*[(0, 0.4)] * 12, *[(1, 0.4)] * 12], [(1, 0.45)])
    bounded = release.thresholds(recipe_of(["fire", "smoke"], most_false_images=0.02), measured)
    assert bounded["fire"] <= 0.4
    assert bounded["smoke"] == pytest.approx(0.46)


def test_what_is_allowed_goes_to_the_class_that_finds_more_with_it() -> None:
    """One false image is allowed, fire and smoke each have one: fire keeps it, as raising fire would silence twelve pictures and raising smoke none."""
    measured = measured_of(2, [*[(0, 0.4)] * 12, *[(1, 0.8)] * 12], [(0, 0.57), (1, 0.57)])
    bounded = release.thresholds(recipe_of(["fire", "smoke"], most_false_images=0.5), measured)
    assert bounded["fire"] <= 0.4
    assert bounded["smoke"] > 0.57
    assert release.false_images([measured], bounded, ["fire", "smoke"]) == (0.5, 2)


def test_no_threshold_undercuts_what_the_recipe_knows_of_the_field() -> None:
    """Smoke does best from 0.4 on, but wet asphalt is known to reach 0.69: it starts at 0.7, and fire is not touched by that."""
    measured = measured_of(2, [*[(0, 0.4)] * 12, *[(1, 0.4)] * 12], [])
    plain, warned = (recipe_of(["fire", "smoke"], **more) for more in ({}, {"least_thresholds": {"smoke": 0.7}}))
    assert release.thresholds(plain, measured)["smoke"] <= 0.4
    assert release.thresholds(warned, measured) == {**release.thresholds(plain, measured), "smoke": 0.7}


def test_the_table_of_all_models_is_what_was_measured() -> None:
    """models/README.md holds exactly the table that the registry and each model's figures.json give, of these very files."""
    page = (MODELS / "README.md").read_text(encoding="utf-8")
    assert tables.put_between_marks(page, summary.table(), summary.MARKS) == page, "run: python -m models.recipes table"


@pytest.mark.parametrize("name", DETECTORS)
def test_a_card_says_what_its_figures_say(name: str) -> None:
    """Card and figures.json were written by one run: every class's AP50 and the target's verdict stand in the card."""
    card = (MODELS / name / "card.md").read_text(encoding="utf-8")
    figures = json.loads((MODELS / name / "figures.json").read_text(encoding="utf-8"))
    ours = next(iter(figures["sets"].values()))
    for label, item in ours["classes"].items():
        if item["truths"]:
            assert f"| {label} | {item['truths']} | {item['ap50']:.3f} |" in card
    for target in figures["targets"]:
        assert (
            f"| {target['wanted']:.2f} | {target['ap50']:.3f} | {'met' if target['met'] else '**not met**'} |" in card
        )
