"""The shape of ``models/roof_change/recipe.yaml``, and what it is made from."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from models.recipes.recipe import MODELS, shared_data
from models.recipes.roofs import pairs, structures, tiles
from models.recipes.roofs.tiles import Area, Split


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Start(_Part):
    """Pretrained weights, how many of their layers are used, and the decoder's channels."""

    weights: str
    layers: int = 7
    width: int = 48
    frozen_layers: int = 3


class Training(_Part):
    """Optimiser and length."""

    batch: int
    batches_per_epoch: int
    epochs: int
    lengthened: list[int] = Field(
        default=[], description="epochs at which the run had once ended before it was continued"
    )
    fresh_share: float = Field(
        default=0.375, description="of a batch; the rest are the epoch's earlier pairs, turned anew"
    )
    remembered: int = Field(default=240, description="pairs kept for that")
    learning_rate: float
    start_rate: float = Field(description="learning rate of the pretrained layers, relative to the rest")
    last_rate: float
    weight_decay: float
    average: float = Field(description="decay of the running average of the weights")
    half: bool = False
    check_every: int


class Measuring(_Part):
    """The pairs that the network is measured on: made from grounds of ``val``, with seeds of their own."""

    pairs: int = 300
    tuning_pairs: int = Field(
        default=120, description="from grounds of train: the baseline's threshold is chosen on these"
    )
    most_false_per_ten: float = Field(
        default=0.5,
        description="false finds per ten untouched roofs of train that the threshold allows; half of the target",
    )
    unseen_kinds: list[str] = Field(default=[], description="kinds that only the measuring shows")
    alone_pairs: int = Field(default=40, description="for each condition looked at alone")
    least_roof_m2: float = Field(default=6.0, description="a smaller region on a roof is no find")


class Target(_Part):
    """A figure to reach."""

    figure: str
    wanted: float
    most: bool = Field(default=False, description="the figure must be at most this")


class ChangeRecipe(_Part):
    """Everything that determines the network."""

    task: Literal["change"]
    name: str
    version: str
    license: str
    seed: int
    classes: list[str]
    data: str
    licence: str
    mapped: Area
    val: Area
    start: Start
    pairs: pairs.Rules
    training: Training
    measuring: Measuring = Measuring()
    targets: list[Target] = []
    golden: list[str] = Field(default=[], description="photographs whose maps are pinned, with a shed painted on them")

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width in pixels that it was trained at."""
        return self.pairs.size_px, self.pairs.size_px

    @property
    def folder(self) -> Path:
        """The model's folder."""
        return MODELS / self.name

    @property
    def runs(self) -> Path:
        """Where checkpoints lie; ignored by git."""
        return self.folder / "runs"


def load(name: str) -> ChangeRecipe:
    """The recipe. Raises FileNotFoundError, or pydantic's ValidationError naming what is wrong."""
    return ChangeRecipe.model_validate(yaml.safe_load((MODELS / name / "recipe.yaml").read_text(encoding="utf-8")))


@cache
def material(recipe_name: str, split: Split) -> pairs.Material:
    """The grounds of a split and the roofs cut out of them, and of them alone."""
    recipe = load(recipe_name)
    found = tiles.grounds(shared_data() / recipe.data, split, recipe.val, recipe.mapped)
    return pairs.Material(found, structures.cut_outs(found), 1.0 if split == "val" else 0.6)


def manifest(recipe: ChangeRecipe) -> dict[str, Any]:
    """Licence, number of tiles of each split and SHA-256 of the files, and one over all."""
    folder = shared_data() / recipe.data
    digests: dict[str, Any] = {name: hashlib.sha256() for name in ("train", "val", "neither")}
    counts = dict.fromkeys(digests, 0)
    for file in sorted((folder / "tiles").glob("OAM-*.jpg")):
        split = tiles.split_of(*tiles.number(file), recipe.val) or "neither"
        digests[split].update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
        counts[split] += 1
    footprints = hashlib.sha256((folder / "buildings.geojson").read_bytes()).hexdigest()
    sources = [
        {"role": name, "images": counts[name], "licence": recipe.licence, "sha256": digest.hexdigest()}
        for name, digest in digests.items()
    ]
    every = hashlib.sha256((footprints + "".join(str(item["sha256"]) for item in sources)).encode()).hexdigest()
    return {"data_sha256": every, "footprints_sha256": footprints, "sources": sources}
