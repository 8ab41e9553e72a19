"""The detector's network: a YOLO11 whose pretrained class rows are kept, and the wrapper that fixes its input and output."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn


def load(weights: Path) -> nn.Module:
    """The float32 network inside an ultralytics checkpoint, in evaluation mode.

    Raises FileNotFoundError if the file is missing, KeyError if it holds no network.
    """
    checkpoint: dict[str, Any] = torch.load(weights, map_location="cpu", weights_only=False)
    network = checkpoint.get("ema") or checkpoint["model"]
    if not isinstance(network, nn.Module):
        raise KeyError(f"{weights}: no network in the checkpoint")
    return network.float().eval()


def keep_rows(network: nn.Module, rows: Sequence[int | Sequence[int]], names: Sequence[str]) -> nn.Module:
    """A copy of ``network`` whose class output holds only the given rows, in the given order: it scores as before.

    rows: for each new class the old class's row, or several rows, of which the mean is taken. names: the new classes.
    Raises ValueError if rows and names differ in number or a row does not exist.
    """
    if len(rows) != len(names):
        raise ValueError(f"{len(rows)} rows for {len(names)} classes")
    groups = [[row] if isinstance(row, int) else list(row) for row in rows]
    result = copy.deepcopy(network)
    head: Any = result.model[-1]
    if max(max(group) for group in groups) >= head.nc:
        raise ValueError(f"a row beyond the {head.nc} classes of the network")
    for branch in head.cv3:
        old = branch[-1]
        new = nn.Conv2d(old.in_channels, len(groups), 1)
        with torch.no_grad():
            new.weight.copy_(torch.stack([old.weight[group].mean(0) for group in groups]))
            new.bias.copy_(torch.stack([old.bias[group].mean(0) for group in groups]))
        branch[-1] = new
    head.nc = len(groups)
    head.no = len(groups) + head.reg_max * 4
    result.nc = len(groups)
    result.names = dict(enumerate(names))
    return result


class Detector(nn.Module):  # type: ignore[misc]  # torch is absent from the environment that checks types
    """What goes into ONNX: uint8 ``[N, H, W, 3]`` RGB in, float32 ``[N, 4 + C, A]`` out (cx, cy, w, h in input pixels, scores)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Predictions for a batch of letterboxed images."""
        scaled = image.permute(0, 3, 1, 2).float() / 255.0
        output = self.network(scaled)
        result: torch.Tensor = output[0] if isinstance(output, (tuple, list)) else output
        return result
