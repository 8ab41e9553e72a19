"""Train a detector from pretrained weights: a checkpoint every epoch, continued where it stopped, with the time left."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from models.recipes import export, network, sampling
from models.recipes.ahead import ahead
from models.recipes.dataset import Example
from models.recipes.evaluate import measure
from models.recipes.recipe import Recipe, shared_data
from models.recipes.resumable import Resumable
from models.recipes.runtime import Model

log = logging.getLogger(__name__)
GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)  # the weights of the pretrained network's own loss
CLIP_NORM = 10.0


@dataclass
class Batch:
    """Images ``[N, 3, H, W]`` in 0..1 and their objects: image index ``[n]``, class ``[n, 1]``, box cx cy w h in fractions."""

    images: torch.Tensor
    batch_idx: torch.Tensor
    cls: torch.Tensor
    bboxes: torch.Tensor
    rehearse: bool = False


def start(recipe: Recipe) -> nn.Module:
    """The pretrained network with the recipe's class rows: scores as before training."""
    return network.keep_rows(network.load(shared_data() / recipe.start.weights), recipe.start.rows, recipe.classes)


def averaged(recipe: Recipe, folder: Path) -> nn.Module:
    """The averaged network of the run in ``folder``. Raises FileNotFoundError if it has no checkpoint."""
    state: dict[str, Any] = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=False)
    model = start(recipe)
    model.load_state_dict(state["average"])
    return model.eval()


def mixed(recipe: Recipe, folder: Path) -> nn.Module:
    """The averaged network of the run's end, mixed with an earlier one where the recipe says so.

    Raises FileNotFoundError without checkpoint, or without what was kept after that epoch.
    """
    end = averaged(recipe, folder)
    if recipe.soup is None:
        return end
    earlier = start(recipe)
    earlier.load_state_dict(torch.load(kept_after(folder, recipe.soup.epoch), map_location="cpu", weights_only=True))
    return export.blend(end, earlier, recipe.soup.share).eval()


def kept_after(folder: Path, epoch: int) -> Path:
    """Where the run's running average lies as it was after an epoch at which the run had once ended."""
    return folder / f"average-{epoch}.pt"


def collate(canvases: list[sampling.Canvas]) -> Batch:
    """One batch of samples, RGB."""
    h, w = canvases[0].image.shape[:2]
    stack = np.stack([canvas.image[:, :, ::-1].transpose(2, 0, 1) for canvas in canvases])
    index = np.concatenate([np.full(len(canvas.labels), number) for number, canvas in enumerate(canvases)])
    boxes = np.concatenate([canvas.labels.boxes for canvas in canvases]) / np.array([w, h, w, h])
    centred = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)
    classes = np.concatenate([canvas.labels.classes for canvas in canvases])
    return Batch(
        torch.from_numpy(np.ascontiguousarray(stack)).float() / 255.0,
        torch.from_numpy(index.astype(np.int64)),
        torch.from_numpy(classes[:, None].astype(np.float32)),
        torch.from_numpy(centred.astype(np.float32)),
    )


def batches(recipe: Recipe, examples: list[Example], epoch: int) -> Iterator[Batch]:
    """The epoch's batches, made ahead in a thread; the same for the same seed and epoch, resumed or not."""
    rules = recipe.training
    pools = {choice: [item for item in examples if item.rehearse == choice] for choice in (False, True)}
    chances = {choice: sampling.chances(pool, rules) for choice, pool in pools.items()}
    share = rules.rehearsal if pools[True] else 0.0
    early = bool(rules.lengthened) and epoch < rules.lengthened[-1]
    size = (rules.early_size_px if early else None) or rules.size_px

    def made() -> Iterator[Batch]:
        for number in range(max(1, rules.samples_per_epoch // rules.batch)):
            random = np.random.default_rng([recipe.seed, epoch, number])
            rehearse = bool(random.random() < share)
            pool, chance = pools[rehearse], chances[rehearse]
            batch = collate([sampling.sample(pool, chance, size, rules, random) for _ in range(rules.batch)])
            batch.rehearse = rehearse
            yield batch

    return ahead(made(), "samples")


def held_to(student: dict[str, torch.Tensor], teacher: dict[str, torch.Tensor], reach: int) -> torch.Tensor:
    """Loss ``[]`` of differing from the teacher: in every score, and in the box distributions (``reach`` bins) where it sees something."""
    wanted = teacher["scores"].sigmoid()
    scores = nn.functional.binary_cross_entropy_with_logits(
        student["scores"], wanted, reduction="sum"
    ) / wanted.sum().clamp(min=1)
    weight = wanted.amax(1)
    n, _, anchors = student["boxes"].shape
    mine = student["boxes"].view(n, 4, reach, anchors).log_softmax(2)
    theirs = teacher["boxes"].view(n, 4, reach, anchors).softmax(2)
    boxes = (-(theirs * mine).sum(2).mean(1) * weight).sum() / weight.sum().clamp(min=1)
    return GAINS.cls * scores + GAINS.dfl * boxes


def kept_bce(seen: torch.Tensor, keep: list[int], scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross entropy ``[N, A, C]`` in which, where no object is labelled, what the teacher saw of the kept classes is the target.

    An object of a rare class that the annotator left out is so not unlearnt.
    """
    free = targets.sum(-1) == 0
    mixed = targets.clone()
    for label in keep:
        mixed[..., label] = torch.where(free, seen[..., label], targets[..., label])
    return nn.functional.binary_cross_entropy_with_logits(scores, mixed, reduction="none")


def in_full(outputs: dict[str, Any]) -> dict[str, Any]:
    """The network's raw outputs in float32, whatever they were computed in."""
    return {
        name: value.float() if torch.is_tensor(value) else [item.float() for item in value]
        for name, value in outputs.items()
    }


def freeze(model: nn.Module, layers: int) -> None:
    """Training mode with the first ``layers`` fixed and every batch norm's statistics kept (batches are too small for new ones)."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    blocks: Any = model.model
    for number, block in enumerate(blocks):
        for parameter in block.parameters():
            parameter.requires_grad_(number >= layers)
    for parameter in blocks[-1].dfl.parameters():
        parameter.requires_grad_(False)  # the fixed 0..15 of the box distribution


def optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; no decay on biases and batch norms; the class branch at a rate of its own. Each group says its ``share`` of the rate."""
    blocks: Any = model.model
    branch = {id(item) for item in blocks[-1].cv3.parameters()}
    groups = []
    for of_class, share in ((False, 1.0), (True, recipe.training.class_rate)):
        chosen = [item for item in model.parameters() if item.requires_grad and (id(item) in branch) == of_class]
        for thick, decay in ((True, recipe.training.weight_decay), (False, 0.0)):
            members = [item for item in chosen if (item.ndim > 1) == thick]
            groups.append({"params": members, "weight_decay": decay, "share": share})
    return torch.optim.AdamW(groups, lr=recipe.training.learning_rate)


def rate(recipe: Recipe, progress: float) -> float:
    """Learning rate at ``progress`` 0..1: a short rise, then a cosine down to ``last_rate`` of the first."""
    rules = recipe.training
    rise = min(1.0, progress / 0.02)
    return (
        rules.learning_rate * rise * (rules.last_rate + (1 - rules.last_rate) * (1 + math.cos(math.pi * progress)) / 2)
    )


class Run(Resumable):
    """One training in ``folder``: network, running average, optimiser, epoch and history, all in one checkpoint."""

    def __init__(self, recipe: Recipe, examples: list[Example], folder: Path) -> None:
        from ultralytics.utils.loss import v8DetectionLoss  # noqa: PLC0415  # after offline.prepare has set its switches

        self.recipe, self.examples, self.folder = recipe, examples, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = start(recipe).to(self.device).to(memory_format=torch.channels_last)
        self.model.args = GAINS
        freeze(self.model, recipe.training.frozen_layers)
        self.teacher = copy.deepcopy(self.model)  # in training mode for its raw outputs; its batch norms are fixed
        self.average = copy.deepcopy(self.model).eval()
        self.optimizer = optimizer(self.model, recipe)
        self.loss = v8DetectionLoss(self.model)
        self.epoch, self.steps = 0, 0
        self.history: list[dict[str, float]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.restore()

    def _loss(self, batch: Batch) -> torch.Tensor:
        images = batch.images.to(self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.training.half):
            outputs = self.model(images)
        outputs = in_full(outputs)  # the loss sums over thousands of anchors: seven bits are too few for that
        if batch.rehearse or self.recipe.training.keep:
            with torch.no_grad():
                wanted = self.teacher(images)
            if batch.rehearse:
                return held_to(outputs, wanted, self.loss.reg_max)
            self.loss.bce = partial(kept_bce, wanted["scores"].sigmoid().permute(0, 2, 1), self.recipe.training.keep)
        loss, _ = self.loss(outputs, {"batch_idx": batch.batch_idx, "cls": batch.cls, "bboxes": batch.bboxes})
        return loss.sum() / len(batch.images)

    def one_epoch(self) -> float:
        """Train one epoch; its mean loss per image."""
        rules = self.recipe.training
        count = max(1, rules.samples_per_epoch // rules.batch)
        total, began = 0.0, time.monotonic()
        ends = next(end for end in [*rules.lengthened, rules.epochs] if self.epoch < end)
        for number, batch in enumerate(batches(self.recipe, self.examples, self.epoch)):
            for group in self.optimizer.param_groups:
                group["lr"] = group["share"] * rate(self.recipe, (self.epoch + number / count) / ends)
            summed = self._loss(batch)
            self.optimizer.zero_grad(set_to_none=True)
            summed.backward()
            torch.nn.utils.clip_grad_norm_([item for item in self.model.parameters() if item.requires_grad], CLIP_NORM)
            self.optimizer.step()
            self.follow(rules.average)
            total += float(summed.detach())
            if number % 20 == 19:
                each = (time.monotonic() - began) / (number + 1)
                left = each * (count - number - 1 + count * (rules.epochs - self.epoch - 1))
                log.info(
                    "epoch %d/%d batch %d/%d loss %.3f, %.0f min left",
                    self.epoch + 1,
                    rules.epochs,
                    number + 1,
                    count,
                    total / (number + 1),
                    left / 60,
                )
        return total / count

    def train(self) -> nn.Module:
        """Train to the end, measuring on ``val`` every so often; the averaged network."""
        rules = self.recipe.training
        while self.epoch < rules.epochs:
            row = {"loss": self.one_epoch()}
            self.epoch += 1
            if self.epoch in rules.lengthened:
                torch.save(self.average.state_dict(), kept_after(self.folder, self.epoch))
            if self.epoch % rules.check_every == 0 or self.epoch == rules.epochs:
                row |= self._check()
            self.record(row)
        return self.average

    def _check(self) -> dict[str, float]:
        file = self.folder / "check.onnx"
        export.write_onnx(copy.deepcopy(self.average).cpu(), self.recipe.input_size, {}, file)
        result: dict[str, float] = {}
        for source in [self.recipe.val, *self.recipe.others]:
            scored = measure(Model(file, threads=2), self.recipe, source).score
            result |= {f"{source.name} mAP50": scored.map50}
            result |= {
                f"{source.name} {name}": float(value)
                for name, value in zip(self.recipe.classes, scored.ap50, strict=True)
            }
        return result
