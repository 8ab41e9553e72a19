"""A training that continues where it was stopped: everything it needs for that lies in one file."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import nn

log = logging.getLogger(__name__)


class Resumable:
    """Network, running average of its weights, optimiser, epoch, steps and history of one training in ``folder``."""

    model: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    folder: Path
    device: torch.device
    epoch: int
    steps: int
    history: list[dict[str, float]]

    @property
    def checkpoint(self) -> Path:
        """The file that a stopped run continues from."""
        return self.folder / "checkpoint.pt"

    def restore(self) -> None:
        """Continue from the checkpoint where there is one."""
        if not self.checkpoint.is_file():
            return
        state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.device, weights_only=False)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.epoch, self.steps, self.history = state["epoch"], state["steps"], state["history"]
        log.info("continuing after epoch %d", self.epoch)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "epoch": self.epoch,
            "steps": self.steps,
            "history": self.history,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def record(self, row: dict[str, float]) -> None:
        """Add the epoch's figures to the history, save, and write the history where a person can read it."""
        self.history.append({"epoch": self.epoch, **row})
        self.save()
        (self.folder / "history.json").write_text(json.dumps(self.history, indent=1), encoding="utf-8")
        log.info("epoch %d: %s", self.epoch, {name: round(value, 4) for name, value in row.items()})

    def follow(self, decay: float) -> None:
        """Let the running average take a step towards the network; early on it follows faster."""
        self.steps += 1
        share = min(decay, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.lerp_(value, 1 - share)
            for mean, value in zip(self.average.buffers(), self.model.buffers(), strict=True):
                if value.is_floating_point():
                    mean.lerp_(value, 1 - share)
                else:
                    mean.copy_(value)
