"""Train the network that compares two pictures of a roof, on pairs made as it goes; resumable after each epoch."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from models.recipes import network as detectors
from models.recipes.ahead import ahead
from models.recipes.change import network
from models.recipes.change.network import ChangeNetwork
from models.recipes.change.recipe import ChangeRecipe, material
from models.recipes.recipe import shared_data
from models.recipes.resumable import Resumable
from models.recipes.roofs import pairs
from models.recipes.roofs.pairs import Pair

log = logging.getLogger(__name__)
CLIP_NORM = 5.0
CHECK_PAIRS = 80
CHECK_SEED = 991


def tensors(items: list[Pair]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Before and after ``[N, 3, s, s]`` RGB 0..1, and truth ``[N, 2, s, s]``."""
    images = [
        np.stack([np.ascontiguousarray(image[:, :, ::-1].transpose(2, 0, 1)) for image in side])
        for side in ([item.before for item in items], [item.after for item in items])
    ]
    truth = np.stack([np.stack([item.built, item.removed]) for item in items])
    before, after, marks = (torch.from_numpy(array).float() / 255.0 for array in (*images, truth))
    return before, after, marks


def batches(recipe: ChangeRecipe, epoch: int) -> Iterator[list[Pair]]:
    """The epoch's batches, made ahead in a thread; the same for the same seed and epoch, resumed or not."""
    rules = recipe.training
    stock = material(recipe.name, "train")

    def made() -> Iterator[list[Pair]]:
        cv2.setNumThreads(1)
        kept: list[Pair] = []
        for number in range(rules.batches_per_epoch):
            random = np.random.default_rng([recipe.seed, epoch, number])
            fresh = max(1, round(rules.batch * rules.fresh_share)) if len(kept) >= rules.batch else rules.batch
            new = [pairs.make(stock, recipe.pairs, random) for _ in range(fresh)]
            again = random.permutation(len(kept))[: rules.batch - fresh]
            yield [pairs.turned(item, random) for item in [*new, *(kept[int(index)] for index in again)]]
            kept = [*kept, *new][-rules.remembered :]

    return ahead(made(), "pairs")


def begin(recipe: ChangeRecipe) -> ChangeNetwork:
    """The network before training. Raises FileNotFoundError if the pretrained weights are missing."""
    pretrained = detectors.load(shared_data() / recipe.start.weights)
    return network.start(pretrained, recipe.start.layers, recipe.start.width, recipe.start.frozen_layers)


def _mode(model: ChangeNetwork) -> None:
    """Training mode; the pretrained batch norms keep their statistics."""
    model.train()
    for module in model.backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


class Run(Resumable):
    """One training in ``folder``: network, running average, optimiser, epoch and history, all in one checkpoint."""

    def __init__(self, recipe: ChangeRecipe, folder: Path) -> None:
        self.recipe, self.folder = recipe, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.seed)
        self.model = begin(recipe).to(self.device).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        self.optimizer = self._optimizer()
        self.epoch, self.steps = 0, 0
        self.history: list[dict[str, float]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.restore()

    def _optimizer(self) -> torch.optim.Optimizer:
        old = {id(item) for item in self.model.backbone.parameters()}
        groups = []
        for of_start, share in ((True, self.recipe.training.start_rate), (False, 1.0)):
            chosen = [item for item in self.model.parameters() if item.requires_grad and (id(item) in old) == of_start]
            for thick, decay in ((True, self.recipe.training.weight_decay), (False, 0.0)):
                members = [item for item in chosen if (item.ndim > 1) == thick]
                groups.append({"params": members, "weight_decay": decay, "share": share})
        return torch.optim.AdamW(groups, lr=self.recipe.training.learning_rate)

    def rate(self, progress: float) -> float:
        """Learning rate at ``progress`` 0..1: a short rise, then a cosine down to ``last_rate`` of the first."""
        rules = self.recipe.training
        fall = rules.last_rate + (1 - rules.last_rate) * (1 + math.cos(math.pi * progress)) / 2
        return rules.learning_rate * min(1.0, progress / 0.02) * fall

    def one_epoch(self) -> float:
        """Train one epoch; its mean loss."""
        rules = self.recipe.training
        total, began = 0.0, time.monotonic()
        ends = next(end for end in [*rules.lengthened, rules.epochs] if self.epoch < end)
        _mode(self.model)
        for number, items in enumerate(batches(self.recipe, self.epoch)):
            for group in self.optimizer.param_groups:
                group["lr"] = group["share"] * self.rate((self.epoch + number / rules.batches_per_epoch) / ends)
            before, after, truth = (
                item.to(self.device).contiguous(memory_format=torch.channels_last) for item in tensors(items)
            )
            with torch.autocast(self.device.type, torch.bfloat16, enabled=rules.half):
                logits = self.model(before, after)
            cost = network.loss(logits.float(), truth)
            self.optimizer.zero_grad(set_to_none=True)
            cost.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
            self.optimizer.step()
            self.follow(rules.average)
            total += float(cost.detach())
            if number % 25 == 24:
                each = (time.monotonic() - began) / (number + 1)
                left = each * (rules.batches_per_epoch * (rules.epochs - self.epoch) - number - 1)
                log.info(
                    "epoch %d/%d batch %d/%d loss %.3f, %.2f s a batch, %.0f min left",
                    self.epoch + 1,
                    rules.epochs,
                    number + 1,
                    rules.batches_per_epoch,
                    total / (number + 1),
                    each,
                    left / 60,
                )
        return total / rules.batches_per_epoch

    def train(self) -> ChangeNetwork:
        """Train to the end, measuring on pairs of ``val`` every so often; the averaged network."""
        rules = self.recipe.training
        while self.epoch < rules.epochs:
            row = {"loss": self.one_epoch()}
            self.epoch += 1
            self.save()  # a check that fails costs no epoch
            if self.epoch % rules.check_every == 0 or self.epoch == rules.epochs:
                row |= self._check()
            self.record(row)
        result: ChangeNetwork = self.average
        return result

    def _check(self) -> dict[str, float]:
        """F1 of pixels at one half, on the first pairs of ``val``."""
        stock = material(self.recipe.name, "val")
        right = marked = true = 0.0
        for start in range(0, CHECK_PAIRS, 8):
            items = [
                pairs.make(stock, self.recipe.pairs, np.random.default_rng([CHECK_SEED, start + number]))
                for number in range(8)
            ]
            before, after, truth = (item.to(self.device) for item in tensors(items))
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.half):
                found = self.average(before, after).float() > 0
            right += float((found & (truth > 0.5)).sum())
            marked += float(found.sum())
            true += float((truth > 0.5).sum())
        return {"val pixel F1": 2 * right / max(1.0, marked + true)}


def averaged(recipe: ChangeRecipe, folder: Path) -> ChangeNetwork:
    """The averaged network of a run. Raises FileNotFoundError if it was never trained."""
    state: dict[str, Any] = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=False)
    result: ChangeNetwork = begin(recipe)
    result.load_state_dict(state["average"])
    result.eval()
    return result
