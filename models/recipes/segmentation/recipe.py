"""The shape of ``models/<name>/recipe.yaml`` where ``task`` is ``segment``."""

from __future__ import annotations

from math import cos, pi
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from models.recipes.recipe import MODELS, shared_data

SIDES = ("first", "second")  # keys of the lists of groups
SWAPPED = "swapped"  # the run that learns from what the others are measured on


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pictures(_Part):
    """Pictures of one kind, and how one knows what is in them: masks, drawn polygons, a column of a table, or nothing at all.

    Paths are relative to the shared data, or to the model's folder where ``own`` is true.
    """

    name: str
    images: str
    pattern: str = "*.[jp][pn]g"
    licence: str
    own: bool = False
    optional: bool = False
    masks: str | None = Field(default=None, description="a folder of PNG, 255 = there, 127 = unknown, 0 = not")
    table: str | None = Field(default=None, description="a CSV with a column `file`: only these pictures")
    label: str | None = Field(default=None, description="the table's column that is not empty where it is there")
    group: str | None = Field(default=None, description="the table's column that names what must stay together")
    drawn: str | None = Field(default=None, description="polygons by hand, in the model's folder; they make masks")
    groups_in: str | None = Field(default=None, description="a list of groups in the model's folder: only these")
    unsure_in: str | None = Field(default=None, description="a list of groups of which nobody can tell: labels unused")
    only: bool | None = Field(default=None, description="only pictures that as a whole are said to hold it, or not to")
    absent: bool = Field(default=False, description="there is none of it in any of these pictures")
    weight: float = Field(default=1.0, description="how often a picture is drawn, relative to the others")
    effects: dict[str, float] | None = Field(
        default=None, description="chances of their own in place of the training's"
    )
    vehicles: str | None = Field(
        default=None, description="YOLO labels of what stands out of water drawn over the street"
    )
    flood: float = Field(default=0.0, description="chance that water is drawn over the street, with its mask")
    wet: float = Field(default=0.0, description="chance that a wet ground is drawn where no water was")


class Training(_Part):
    """Optimiser and sampling."""

    epochs: int
    early_size_px: tuple[int, int] | None = Field(
        default=None, description="height, width of samples at first: quicker"
    )
    early_epochs: int = Field(default=0, description="how many epochs are of that size")
    together_from: int | None = Field(
        default=None,
        description="epoch from which both sides are learnt from; the network until then is kept as apart.onnx",
    )
    samples_per_epoch: int
    batch: int = 8
    learning_rate: float
    together_rate: float | None = Field(
        default=None,
        description="learning rate from there on, falling to the end once more; the same fall where absent",
    )
    backbone_rate: float = Field(default=0.2, description="learning rate of what is pretrained, relative to the rest")
    last_rate: float = 0.02
    weight_decay: float = 5e-4
    frozen_layers: int = 2
    average: float = Field(default=0.998, description="decay of the running average of the weights")
    overlap: float = Field(default=0.5, description="share of the loss that is one less the soft overlap (IoU)")
    bag_px: int = Field(default=1, description="of pictures known only as a whole: side of the blocks that are pooled")
    bag_share: float = Field(
        default=0.35, description="of pictures in which it is, somewhere: the share that is certainly it"
    )
    mosaic: float = 0.25
    stretch: float = 1.3
    zoom: tuple[float, float] = (0.7, 1.8)
    turn_degrees: float = 6.0
    flip_vertical: float = 0.0
    check_every: int = 2
    half: bool = True
    effects: dict[str, float] = {}

    def rate(self, epoch: float) -> float:
        """Learning rate in the course of the epochs: a short rise, then a cosine down to ``last_rate`` of the first.

        With ``together_rate`` there are two such falls, the second from ``together_from`` on.
        """
        began, end, first = 0, self.epochs, self.learning_rate
        if self.together_from is not None and self.together_rate is not None:
            if epoch >= self.together_from:
                began, first = self.together_from, self.together_rate
            else:
                end = self.together_from
        progress = (epoch - began) / max(end - began, 1)
        fall = self.last_rate + (1 - self.last_rate) * (1 + cos(pi * min(progress, 1.0))) / 2
        return first * min(1.0, progress / 0.02) * fall


class Target(_Part):
    """A figure to reach on a measured set."""

    figure: Literal["iou", "auc"]
    least: float
    of: str = Field(description="the measured set")


class SegmentRecipe(_Part):
    """Everything that determines a segmentation network."""

    name: str
    version: str
    license: str
    task: Literal["segment"]
    seed: int
    classes: list[str] = Field(min_length=1, max_length=1)
    input_size: tuple[int, int] = Field(description="height, width in pixels")
    weights: str = Field(description="the pretrained detector whose layers it begins with, relative to the shared data")
    train: list[Pictures]
    val: Pictures
    others: list[Pictures] = Field(default=[], description="further sets on which the network is only measured")
    watched: tuple[float, float, float, float] = Field(
        default=(0.0, 0.4, 1.0, 1.0),
        description="where a camera's road lies when nobody said: left, top, right, bottom as shares of the picture",
    )
    training: Training
    store_half: bool = True
    targets: list[Target] = []
    golden: list[str]

    @property
    def folder(self) -> Path:
        """The model's folder."""
        return MODELS / self.name

    @property
    def runs(self) -> Path:
        """Where checkpoints lie; ignored by git."""
        return self.folder / "runs"

    def root(self, source: Pictures) -> Path:
        """The folder that the source's paths are relative to."""
        return self.folder if source.own else shared_data()

    @property
    def measured(self) -> list[Pictures]:
        """All sets that are never trained on."""
        return [self.val, *self.others]


def together(recipe: SegmentRecipe) -> SegmentRecipe:
    """The same recipe with every source that is split into sides taken whole; it is measured on nothing that has sides."""
    whole = [item.model_copy(update={"groups_in": None}) for item in recipe.train]
    return recipe.model_copy(update={"train": whole, "others": [item for item in recipe.others if not item.groups_in]})


def swapped(recipe: SegmentRecipe) -> SegmentRecipe:
    """The same recipe with the two sides of every source that is split into sides the other way round."""

    def other(source: Pictures) -> Pictures:
        if source.groups_in is None:
            return source
        file, _, side = source.groups_in.partition(":")
        turned = SIDES[1 - SIDES.index(side)]
        return source.model_copy(update={"groups_in": f"{file}:{turned}", "name": source.name.replace(side, turned)})

    return recipe.model_copy(
        update={"train": [other(item) for item in recipe.train], "others": [other(item) for item in recipe.others]}
    )


def load(name: str) -> SegmentRecipe:
    """The recipe of the model ``name``. Raises FileNotFoundError, or pydantic's ValidationError naming what is wrong."""
    return SegmentRecipe.model_validate(yaml.safe_load((MODELS / name / "recipe.yaml").read_text(encoding="utf-8")))
