"""The network that compares two registered pictures of a roof: one pretrained backbone looks at both, a small decoder at the difference."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

STAGES = {2: 64, 4: 128, 6: 128}  # layers of YOLO11n's backbone whose outputs are used → channels; strides 4, 8, 16


def _block(inputs: int, outputs: int, size: int, dilation: int = 1) -> nn.Sequential:
    reach = dilation * (size // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=reach, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(inplace=True),
    )


class ChangeNetwork(nn.Module):  # type: ignore[misc]  # torch is absent from the environment that checks types
    """Logits ``[N, 2, h, w]`` (built, removed) of two pictures ``[N, 3, h, w]`` RGB 0..1; h and w are multiples of 16."""

    def __init__(self, backbone: Sequence[nn.Module], width: int, frozen_layers: int) -> None:
        super().__init__()
        self.frozen_layers = frozen_layers
        self.backbone = nn.ModuleList(copy.deepcopy(list(backbone)))
        self.joins = nn.ModuleList(_block(3 * channels, width, 1) for channels in STAGES.values())
        self.context = nn.Sequential(_block(width, width, 3, 2), _block(width, width, 3, 4))
        self.smooths = nn.ModuleList(_block(width, width, 3) for _ in list(STAGES)[:-1])
        self.last = nn.Conv2d(width, 2, 1)
        nn.init.constant_(self.last.bias, -3.0)  # one pixel in twenty has changed

    def features(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The backbone's outputs at strides 4, 8 and 16."""
        found = []
        for number, layer in enumerate(self.backbone):
            if number == self.frozen_layers:
                image = image.detach()
            image = layer(image)
            if number in STAGES:
                found.append(image)
        return found

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """What was built and what was removed."""
        count = before.shape[0]
        both = self.features(torch.cat([before, after]))
        joined = [
            join(torch.cat([item[:count], item[count:], (item[:count] - item[count:]).abs()], 1))
            for join, item in zip(self.joins, both, strict=True)
        ]
        state = joined[-1] + self.context(joined[-1])
        for smooth, finer in zip(reversed(self.smooths), reversed(joined[:-1]), strict=True):
            state = smooth(nn.functional.interpolate(state, scale_factor=2.0, mode="nearest") + finer)
        logits: torch.Tensor = nn.functional.interpolate(
            self.last(state), scale_factor=4.0, mode="bilinear", align_corners=False
        )
        return logits


class Released(nn.Module):  # type: ignore[misc]  # torch is absent from the environment that checks types
    """What goes into ONNX: two uint8 ``[N, h, w, 3]`` RGB in; ``change`` and ``built`` uint8 ``[N, h, w]`` out, shares 0..255."""

    def __init__(self, network: ChangeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, before: torch.Tensor, after: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The larger of built and removed, and built alone."""
        scaled = [image.permute(0, 3, 1, 2).float() / 255.0 for image in (before, after)]
        shares = self.network(*scaled).sigmoid()
        whole = (shares * 255.0 + 0.5).clamp(0, 255).to(torch.uint8)
        return torch.maximum(whole[:, 0], whole[:, 1]), whole[:, 0]


def start(detector: nn.Module, layers: int, width: int, frozen_layers: int) -> ChangeNetwork:
    """A network on the first ``layers`` of a detector's backbone, the first ``frozen_layers`` of them fixed."""
    blocks: Any = detector.model
    result = ChangeNetwork([blocks[number] for number in range(layers)], width, frozen_layers)
    for number, block in enumerate(result.backbone):
        for parameter in block.parameters():
            parameter.requires_grad_(number >= frozen_layers)
    return result


def loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Binary cross entropy and one minus Dice, ``[]``. truth: ``[N, 2, h, w]`` 0..1."""
    cross = nn.functional.binary_cross_entropy_with_logits(logits, truth)
    share = logits.sigmoid()
    common = 2 * (share * truth).sum((0, 2, 3)) + 1
    dice = common / (share.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)
    return 4 * cross + (1 - dice).mean()
