"""A pretrained detector's layers up to its finest merged map, and a light decoder that says per pixel how much is there."""

from __future__ import annotations

import copy
from math import log
from typing import Any

import torch
from torch import nn
from torch.nn import functional

LAST = 16  # of YOLO11: the stride-8 map that has seen strides 16 and 32
FINE, FINE_WIDTH = 2, 64  # the stride-4 map
MERGED = {16: 64, 13: 128, 10: 256}  # maps and widths at strides 8, 16, 32
WIDTH = 64


def _convolution(before: int, after: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, size, padding=size // 2, bias=False), nn.BatchNorm2d(after), nn.SiLU()
    )


class Segmenter(nn.Module):  # type: ignore[misc]  # torch is absent from the environment that checks types
    """RGB ``[N, 3, H, W]`` of 0..1 in, logits ``[N, 1, H / 4, W / 4]`` out. H and W are multiples of 32."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        layers: Any = detector.model
        self.layers = nn.ModuleList([copy.deepcopy(layers[number]) for number in range(LAST + 1)])
        self.sides = nn.ModuleDict({str(number): _convolution(width, WIDTH, 1) for number, width in MERGED.items()})
        self.whole = nn.Sequential(nn.Linear(MERGED[10], WIDTH), nn.SiLU())  # the light and weather of the picture
        self.merge = _convolution(WIDTH, WIDTH, 3)
        self.fine = _convolution(FINE_WIDTH, WIDTH, 1)
        self.last = nn.Sequential(_convolution(WIDTH, WIDTH // 2, 3), _convolution(WIDTH // 2, WIDTH // 2, 3))
        self.say = nn.Conv2d(WIDTH // 2, 1, 1)
        nn.init.constant_(self.say.bias, -1.0)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits for a batch."""
        seen: dict[int, torch.Tensor] = {}
        value = image
        for number, layer in enumerate(self.layers):
            source: Any = layer.f
            if isinstance(source, list):
                value = layer([value if item == -1 else seen[item] for item in source])
            else:
                value = layer(value if source == -1 else seen[source])
            if number in {FINE, 4, 6, *MERGED}:
                seen[number] = value
        size = seen[16].shape[2:]
        summed = self.sides["16"](seen[16]) + self.whole(seen[10].mean((2, 3)))[:, :, None, None]
        for number in (13, 10):
            summed = summed + functional.interpolate(self.sides[str(number)](seen[number]), size=size, mode="bilinear")
        merged = functional.interpolate(self.merge(summed), scale_factor=2.0, mode="bilinear")
        result: torch.Tensor = self.say(self.last(merged + self.fine(seen[FINE])))
        return result


class Shares(nn.Module):  # type: ignore[misc]  # as above
    """What goes into ONNX: uint8 ``[N, H, W, 3]`` RGB in, uint8 ``[N, H / 2, W / 2]`` out: 255 times how much of it is there.

    even: the network's own share, 0..1, that is given out as one half: where it is best to decide.
    """

    def __init__(self, network: nn.Module, even: float = 0.5) -> None:
        super().__init__()
        self.network, self.shift = network, log(even / (1 - even))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shares for a batch of letterboxed pictures."""
        logits = self.network(image.permute(0, 3, 1, 2).float() / 255.0)
        finer = functional.interpolate(logits, scale_factor=2.0, mode="bilinear")
        result: torch.Tensor = ((finer - self.shift).sigmoid() * 255.0 + 0.5).to(torch.uint8)[:, 0]
        return result
