"""The shape of ``models/<name>/recipe.yaml``, and where its paths lead."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from models.recipes.roofs.detection_set import RoofSet

MODELS = Path(__file__).resolve().parents[1]
REPOSITORY = MODELS.parent


def shared_data() -> Path:
    """The folder of shared training data: ``PATROL_SHARED_DATA``, by default ``../shared/data`` beside the repository."""
    return Path(os.environ.get("PATROL_SHARED_DATA") or REPOSITORY / "../shared/data").resolve()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Images with YOLO labels: paths relative to the shared data, or to the model's folder where ``own`` is true."""

    name: str
    images: str
    labels: str | None = None
    licence: str
    mapping: list[int] | None = Field(default=None, description="file class → model class, -1 drops")
    pattern: str = "*.[jp][pn]g"
    own: bool = False
    optional: bool = False
    trust: bool = Field(default=False, description="labels are complete: the teacher adds nothing")
    weight: float = Field(default=1.0, description="how often an image is drawn, relative to the others")
    groups: str = Field(default="(.*)", description="regular expression whose first group names the group of a file")
    rehearse: bool = Field(default=False, description="no labels: what the pretrained network sees here is to be kept")


class TeacherRun(_Part):
    """One network that looks for what annotators missed: ``start`` (the pretrained one) or a run in ``runs/``."""

    run: str
    sizes_px: list[int]


class Cleaning(_Part):
    """How the labels of ``train`` are cleaned. ``val`` is never touched."""

    least_side_px: float = 4.0
    teachers: list[TeacherRun] = Field(default=[], description="none: labels are taken as complete")
    believe: list[float] = Field(description="per class, the score from which the teacher's finding becomes a label")
    doubt: float = Field(default=0.2, description="score from which an unlabelled finding is blurred away")
    unlabel: list[int] = Field(default=[], description="classes whose cleaned labels are not used: see training.keep")
    person: int | None = None
    ridden: list[int] = []


class Training(_Part):
    """Optimiser and sampling."""

    size_px: tuple[int, int] = Field(description="height and width of a training sample")
    epochs: int
    lengthened: list[int] = Field(
        default=[], description="epochs at which the run had once ended before it was continued"
    )
    early_size_px: tuple[int, int] | None = Field(
        default=None, description="another size in the epochs before the run was continued: smaller is quicker"
    )
    samples_per_epoch: int
    batch: int = 8
    learning_rate: float = 1e-4
    class_rate: float = Field(default=1.0, description="learning rate of the class branch, relative to the rest")
    last_rate: float = 0.2
    weight_decay: float = 5e-4
    frozen_layers: int = 10
    average: float = Field(default=0.998, description="decay of the running average of the weights")
    mosaic: float = 0.5
    stretch: float = Field(default=1.5, description="width against height changes by up to this factor")
    zoom: tuple[float, float] = (0.5, 1.6)
    turn_degrees: float = 4.0
    flip_vertical: float = 0.0
    lonely: float = Field(default=1.0, description="weight of pictures of a single object, relative to the others")
    rare_image_share: float = Field(
        default=0.0, description="classes in fewer images than this share are drawn more often"
    )
    keep: list[int] = Field(
        default=[], description="classes in which the pretrained network's view also counts as label"
    )
    rehearsal: float = Field(default=0.0, description="share of the batches made of the sources to rehearse")
    check_every: int = 2
    half: bool = Field(default=False, description="bfloat16 activations: twice as fast with AMX or on a GPU")
    effects: dict[str, float] = {}
    vehicles: list[int] = []


class Start(_Part):
    """The pretrained weights and which of their class rows become the model's classes."""

    weights: str
    rows: list[int | list[int]]


class Target(_Part):
    """A figure to reach on ``val`` or another measured set: mean AP50 over some classes."""

    classes: list[str]
    ap50: float
    on: str | None = Field(default=None, description="the measured set; val where absent")


class Soup(_Part):
    """Mean of the weights of two moments of one run, which is often better than either.

    Source: M. Wortsman et al., "Model soups", ICML 2022.
    """

    epoch: int = Field(description="one of ``lengthened``: after these the running average is kept")
    share: float = Field(description="of the run's end in the mean, 0..1")


class Recipe(_Part):
    """Everything that determines a model."""

    task: Literal["detect"] = "detect"
    name: str
    version: str
    license: str
    seed: int
    classes: list[str]
    input_size: tuple[int, int]
    start: Start
    train: list[Source]
    val: Source
    others: list[Source] = Field(default=[], description="further sets on which the model is only measured")
    cleaning: Cleaning
    training: Training
    blend: float = Field(default=1.0, description="share of the trained weights in the exported ones, rest pretrained")
    head_blend: float | None = Field(default=None, description="the same for the head alone; as ``blend`` where absent")
    soup: Soup | None = Field(default=None, description="mix the run's end with its state at an earlier epoch")
    threshold_beta: float = 1.0
    least_thresholds: dict[str, float] = Field(default={}, description="operating thresholds that are not undercut")
    most_false_images: float | None = Field(default=None, description="bound on images without object that alert, 0..1")
    targets: list[Target] = Field(default=[], description="what the model is to reach, printed beside what it reaches")
    slices: dict[str, str] = Field(
        default={}, description="name → regular expression that a file name of the part matches"
    )
    store_half: bool = Field(default=False, description="large weights lie in the file as float16: half the size")
    compare_fire_detector: bool = Field(default=False, description="measure PyPI's fire-detector beside ours")
    golden: list[str] = Field(
        default=[], description="images, relative to the shared data, whose detections are pinned"
    )
    compare_start: bool = Field(default=True, description="measure the pretrained weights beside ours")
    roofs: RoofSet | None = Field(default=None, description="its pictures are made of roof tiles when it is prepared")
    compare_coco: bool = Field(default=False, description="measure yolox_nano beside ours (classes must be COCO's)")

    @property
    def folder(self) -> Path:
        """The model's folder."""
        return MODELS / self.name

    @property
    def runs(self) -> Path:
        """Where checkpoints and prepared labels lie; ignored by git."""
        return self.folder / "runs"

    def root(self, source: Source) -> Path:
        """The folder that the source's paths are relative to."""
        return self.folder if source.own else shared_data()


def load(name: str) -> Recipe:
    """The recipe of the model ``name``, with what came from the field (``field.py``) among its sources.

    Raises FileNotFoundError, or pydantic's ValidationError naming what is wrong.
    """
    text = (MODELS / name / "recipe.yaml").read_text(encoding="utf-8")
    recipe = Recipe.model_validate(yaml.safe_load(text))
    added = {
        split: [_field(split)] if (MODELS / name / "field" / split / "images").is_dir() else []
        for split in ("train", "val")
    }
    return recipe.model_copy(
        update={"train": [*recipe.train, *added["train"]], "others": [*recipe.others, *added["val"]]}
    )


def _field(split: str) -> Source:
    return Source(
        name=f"field-{split}",
        images=f"field/{split}/images",
        labels=f"field/{split}/labels",
        licence="the operator's own",
        pattern="*.jpg",
        own=True,
        trust=True,
        weight=2.0,
        groups="(.*)__.*",
    )
