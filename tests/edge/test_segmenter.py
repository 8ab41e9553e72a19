"""The segmentation networks: what comes out is the whole picture and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from patrol.errors import ModelMismatch
from patrol.events import ModelRef
from patrol_edge.registry import find_model
from patrol_edge.segmenter import OnnxSegmenter, load_segmenter
from tests.edge.conftest import ROOT, SHARED

REF = ModelRef(name="brightness", version="1", sha256="0" * 64)


class Brightness:
    """A session whose answer is known: half the size of its input, each square as bright as the input is there."""

    def run(self, names: list[str] | None, inputs: dict[str, NDArray[np.uint8]]) -> Any:
        """The one output."""
        assert names == ["light"]
        batch = inputs["image"]
        height, width = batch.shape[1:3]
        return [
            np.stack(
                [cv2.resize(one[:, :, 0], (width // 2, height // 2), interpolation=cv2.INTER_AREA) for one in batch]
            )
        ]

    def get_inputs(self) -> Any:
        """Not asked for."""
        return []

    get_outputs = get_inputs

    def get_modelmeta(self) -> Any:
        """Not asked for."""
        return SimpleNamespace(custom_metadata_map={})


@settings(max_examples=60, deadline=None)
@given(width=st.integers(60, 900), aspect=st.floats(0.4, 2.5), left=st.integers(0, 255), right=st.integers(0, 255))
def test_the_map_is_the_picture_without_its_borders(width: int, aspect: float, left: int, right: int) -> None:
    """Whatever the picture's shape, the grey border that fills the input is cut off: the map has its aspect and its two halves."""
    height = round(width / aspect)
    image = np.full((height, width, 3), left, np.uint8)
    image[:, width // 2 :] = right
    segmenter = OnnxSegmenter(REF, ("light",), 96, 128, Brightness())
    seen = segmenter.detect(image)
    assert len(seen) == 0
    shares = seen.maps["light"]
    h, w = shares.shape
    assert h <= 48
    assert w <= 64
    assert h >= 48 - 1 or w >= 64 - 1  # it fills the input one way
    assert abs(h * width - w * height) <= 2 * max(width, height)  # and has the picture's aspect, but for rounding
    inner = shares[h // 4 : max(3 * h // 4, h // 4 + 1)]
    if w >= 16:
        assert np.abs(inner[:, w // 4].astype(int) - left).max() <= 1
        assert np.abs(inner[:, 3 * w // 4].astype(int) - right).max() <= 1


def test_it_sees_floods_from_the_air() -> None:
    """On real photographs that training never saw, what the registered network calls water overlaps with the masks."""
    folder = SHARED / "flood_aerial"
    if not folder.is_dir():
        pytest.skip(f"shared data missing: {folder} (set PATROL_SHARED_DATA)")
    network = load_segmenter(find_model(ROOT / "models", "water"), frozenset({"water"}))
    inner = joined = 0
    for path in sorted((folder / "images" / "val").iterdir())[:10]:
        image, mask = cv2.imread(str(path)), cv2.imread(str(folder / "masks" / "val" / f"{path.stem}.png"), 0)
        assert image is not None
        assert mask is not None
        shares = network.detect(np.asarray(image, np.uint8)).maps["water"]
        said = cv2.resize(shares, (mask.shape[1], mask.shape[0])) >= 128
        inner += int((said & (mask > 127)).sum())
        joined += int((said | (mask > 127)).sum())
    assert inner / joined > 0.65


def test_a_detector_is_no_segmenter() -> None:
    """A network with another output, or of another class, is refused with the reason."""
    with pytest.raises(ModelMismatch, match="its output is not"):
        load_segmenter(find_model(ROOT / "models", "street"), frozenset())
    with pytest.raises(ModelMismatch, match="snow"):
        load_segmenter(find_model(ROOT / "models", "water"), frozenset({"snow"}))
