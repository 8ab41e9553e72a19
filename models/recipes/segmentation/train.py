"""Train a segmentation network: cross entropy and soft overlap on what is known; one epoch a checkpoint, continued where stopped."""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models.recipes import network
from models.recipes.ahead import ahead
from models.recipes.recipe import shared_data
from models.recipes.segmentation import evaluate, export, sampling
from models.recipes.segmentation.network import Segmenter, Shares
from models.recipes.segmentation.pictures import THERE, UNKNOWN, Picture, split
from models.recipes.segmentation.recipe import SegmentRecipe, Training, together
from models.recipes.segmentation.runtime import SegmentModel

log = logging.getLogger(__name__)
CLIP_NORM = 5.0


@dataclass
class Batch:
    """RGB ``[N, 3, H, W]`` of 0..1; shares ``[N, 1, h, w]`` wanted and how surely they are known, at the logits' size; bags ``[N]``."""

    images: torch.Tensor
    wanted: torch.Tensor
    known: torch.Tensor
    bags: torch.Tensor


def start(recipe: SegmentRecipe) -> nn.Module:
    """The network before training: pretrained layers, a fresh decoder that is the same for the same seed."""
    torch.manual_seed(recipe.seed)
    return Segmenter(network.load(shared_data() / recipe.weights))


def averaged(recipe: SegmentRecipe, folder: Path) -> nn.Module:
    """The averaged network of the run in ``folder``. Raises FileNotFoundError if it has no checkpoint."""
    state: dict[str, Any] = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=False)
    model = start(recipe)
    model.load_state_dict(state["average"])
    return model.eval()


def collate(samples: list[sampling.Sample]) -> Batch:
    """One batch; masks shrunk to the logits' size by area, so that an edge is a share."""
    images = np.stack([item.image[:, :, ::-1].transpose(2, 0, 1) for item in samples])
    masks = torch.from_numpy(np.stack([item.mask for item in samples]))[:, None]
    known = (masks != UNKNOWN).float()
    there = (masks == THERE).float()
    small, sure = functional.avg_pool2d(there, 4), functional.avg_pool2d(known, 4)
    return Batch(
        torch.from_numpy(np.ascontiguousarray(images)).float() / 255.0,
        small / sure.clamp(min=1e-6),
        sure,
        torch.tensor([item.bag for item in samples]),
    )


def batches(recipe: SegmentRecipe, pictures: list[Picture], epoch: int) -> Iterator[Batch]:
    """The epoch's batches, made ahead in a thread; the same for the same seed and epoch, resumed or not."""
    rules, chances = recipe.training, sampling.chances(pictures)
    early = rules.early_size_px if epoch < rules.early_epochs else None
    height, width = early or recipe.input_size
    effects = {source.name: source.effects for source in recipe.train if source.effects is not None}

    def made() -> Iterator[Batch]:
        for number in range(max(1, rules.samples_per_epoch // rules.batch)):
            random = np.random.default_rng([recipe.seed, epoch, number])
            size = (width, height)
            yield collate(
                [sampling.sample(pictures, chances, size, rules, effects, random) for _ in range(rules.batch)]
            )

    return ahead(made(), "samples")


def soft_overlap(logits: torch.Tensor, wanted: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """One less the intersection over union of shares ``[]``, over all known pixels of the batch together."""
    share = logits.sigmoid() * known
    goal = wanted * known
    inner = (share * goal).sum()
    return 1 - (inner + 1) / ((share + goal - share * goal).sum() + 1)


def loss_of(logits: torch.Tensor, batch: Batch, rules: Training) -> torch.Tensor:
    """Loss ``[]``: cross entropy and overlap where pixels are known; where only the whole is, its surest blocks must be it."""
    each = functional.binary_cross_entropy_with_logits(logits, batch.wanted, reduction="none")
    total = (each * batch.known).sum() / batch.known.sum().clamp(min=1)
    total = (1 - rules.overlap) * total + rules.overlap * soft_overlap(logits, batch.wanted, batch.known)
    if batch.bags.any():
        blocks = functional.avg_pool2d(logits[batch.bags], rules.bag_px).flatten(1)
        count = max(1, int(rules.bag_share * blocks.shape[1]))
        surest = blocks.topk(count, dim=1).values
        total = total + functional.softplus(-surest).mean() * batch.bags.float().mean()
    return total


def freeze(model: Any, layers: int) -> None:
    """Training mode; the first ``layers`` fixed, and every pretrained batch norm's statistics kept (batches are too small)."""
    model.train()
    for module in model.layers.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    for number, block in enumerate(model.layers):
        for parameter in block.parameters():
            parameter.requires_grad_(number >= layers)


def optimizer(model: Any, rules: Training) -> torch.optim.Optimizer:
    """AdamW; no decay on biases and batch norms; what is pretrained at a rate of its own. Each group says its ``share``."""
    old = {id(item) for item in model.layers.parameters()}
    groups = []
    for pretrained, share in ((True, rules.backbone_rate), (False, 1.0)):
        chosen = [item for item in model.parameters() if item.requires_grad and (id(item) in old) == pretrained]
        for thick, decay in ((True, rules.weight_decay), (False, 0.0)):
            members = [item for item in chosen if (item.ndim > 1) == thick]
            groups.append({"params": members, "weight_decay": decay, "share": share})
    return torch.optim.AdamW(groups, lr=rules.learning_rate)


class Run:
    """One training in ``folder``: network, running average, optimiser, epoch and history, all in one checkpoint."""

    def __init__(self, recipe: SegmentRecipe, pictures: list[Picture], folder: Path) -> None:
        self.recipe, self.pictures, self.folder = recipe, pictures, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model: Any = start(recipe).to(self.device).to(memory_format=torch.channels_last)
        freeze(self.model, recipe.training.frozen_layers)
        self.average: Any = copy.deepcopy(self.model).eval()
        self.optimizer = optimizer(self.model, recipe.training)
        self.epoch, self.steps, self.whole = 0, 0, False
        self.history: list[dict[str, float]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.checkpoint = folder / "checkpoint.pt"
        if self.checkpoint.is_file():
            self._restore()

    def _restore(self) -> None:
        state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.device, weights_only=False)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        shares = [group["share"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state["optimizer"])
        for group, share in zip(self.optimizer.param_groups, shares, strict=True):
            group["share"] = share  # the recipe's, which may have changed since
        self.epoch, self.steps, self.history = state["epoch"], state["steps"], state["history"]
        log.info("continuing after epoch %d", self.epoch)

    def _save(self) -> None:
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(), "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch, "steps": self.steps, "history": self.history,
        }  # fmt: skip
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def _follow(self) -> None:
        self.steps += 1
        decay = min(self.recipe.training.average, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
            for mean, value in zip(self.average.buffers(), self.model.buffers(), strict=True):
                if value.is_floating_point():
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(value)

    def _step(self, batch: Batch) -> float:
        images = batch.images.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.half):
            logits = self.model(images)
        moved = Batch(images, batch.wanted.to(self.device), batch.known.to(self.device), batch.bags.to(self.device))
        loss = loss_of(logits.float(), moved, self.recipe.training)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([item for item in self.model.parameters() if item.requires_grad], CLIP_NORM)
        self.optimizer.step()
        self._follow()
        return float(loss.detach())

    def one_epoch(self) -> float:
        """Train one epoch; its mean loss."""
        rules = self.recipe.training
        count = max(1, rules.samples_per_epoch // rules.batch)
        total, began = 0.0, time.monotonic()
        for number, batch in enumerate(batches(self.recipe, self.pictures, self.epoch)):
            for group in self.optimizer.param_groups:
                group["lr"] = group["share"] * rules.rate(self.epoch + number / count)
            total += self._step(batch)
            if number % 20 == 19:
                each = (time.monotonic() - began) / (number + 1)
                left_min = each * (count - number - 1 + count * (rules.epochs - self.epoch - 1)) / 60
                place = (self.epoch + 1, rules.epochs, number + 1, count, total / (number + 1), left_min)
                log.info("epoch %d/%d batch %d/%d loss %.3f, %.0f min left", *place)
        return total / count

    def train(self) -> nn.Module:
        """Train to the end, measuring what is never trained on every so often; the averaged network."""
        rules = self.recipe.training
        while self.epoch < rules.epochs:
            if rules.together_from is not None and self.epoch >= rules.together_from and not self.whole:
                self.take_all()
            row = {"loss": self.one_epoch()}
            self.epoch += 1
            if self.epoch % rules.check_every == 0 or self.epoch == rules.epochs:
                row |= self._check()
            self.history.append({"epoch": self.epoch, **row})
            self._save()
            (self.folder / "history.json").write_text(json.dumps(self.history, indent=1), encoding="utf-8")
            log.info("epoch %d: %s", self.epoch, {name: round(value, 4) for name, value in row.items()})
        network: nn.Module = self.average
        return network

    def take_all(self) -> None:
        """From here on learn from both sides. The network that never saw the other one is kept, for it alone can be measured there."""
        self.whole = True
        kept = self.folder / "apart.onnx"
        if not kept.is_file():
            self._write(kept)
        self.recipe = together(self.recipe)
        self.pictures = split(self.recipe)
        log.info("from here on both sides: %d pictures", len(self.pictures))

    def _write(self, file: Path) -> None:
        said = {"classes": json.dumps(self.recipe.classes)}
        average = copy.deepcopy(self.average).cpu()
        export.write_onnx(Shares(average), self.recipe.input_size, self.recipe.classes[0], said, file)

    def _check(self) -> dict[str, float]:
        file = self.folder / "check.onnx"
        self._write(file)
        model = SegmentModel(file, threads=1)
        result: dict[str, float] = {}
        for source in self.recipe.measured:
            for figure, value in evaluate.measure(model, self.recipe, source).headline().items():
                result[f"{source.name} {figure}"] = value
        return result
