"""False alerts as pictures to learn from: fetched from a real centre, taken by the real recipes."""

from __future__ import annotations

import asyncio
import csv
import hashlib
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.recipes.field import place, read_export
from patrol.errors import CenterUnreachable, UsageError
from patrol.field_pictures import LEAST_PX, collect, piece_of
from tests.brokers import AnyBroker
from tests.center.boxside import evidence_ref, raised
from tests.center.test_ingest import center_and_box, settled

STREET = {"Authorization": "Bearer street-secret"}


def a_picture() -> bytes:
    """A JPEG of a street's size with a pattern that is different everywhere."""
    noise = np.random.default_rng(5).integers(0, 255, (90, 160, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_CUBIC))[1].tobytes()


@given(
    x=st.floats(0, 1279), y=st.floats(0, 719), w=st.floats(1, 1280), h=st.floats(1, 720),
    size=st.sampled_from([(1280, 720), (640, 360), (1920, 1080), (130, 129)]),
)  # fmt: skip
def test_a_piece_is_of_the_picture_and_holds_the_region(
    x: float, y: float, w: float, h: float, size: tuple[int, int]
) -> None:
    """Whatever the region and the picture's size: the piece lies in the picture, is large enough to see, and holds the region."""
    right, bottom = min(x + w, 1280.0), min(y + h, 720.0)
    region = {"x_min_px": x, "y_min_px": y, "x_max_px": right, "y_max_px": bottom, "width_px": 1280, "height_px": 720}
    x0, y0, x1, y1 = piece_of(region, size)
    assert 0 <= x0 < x1 <= size[0]
    assert 0 <= y0 < y1 <= size[1]
    assert x1 - x0 >= LEAST_PX / 2
    sx, sy = size[0] / 1280, size[1] / 720
    assert x0 <= x * sx
    assert y1 >= bottom * sy - 1e-6


def test_false_alerts_become_training_pictures(nats: AnyBroker, district: str, tmp_path: Path) -> None:
    """Alert and picture go to a real centre; its case is fetched once, cut to the alert, labelled empty, and the recipes take it."""
    content, folder = a_picture(), tmp_path / "export"
    sha256 = hashlib.sha256(content).hexdigest()

    async def scene() -> None:
        async with center_and_box(settled(district, nats, f"sqlite:///{tmp_path}/p.db"), tmp_path) as (center, box):
            ref = evidence_ref(sha256, len(content)).model_copy(update={"role": "frame"})
            await box.say(raised(evidence=[ref]))
            await box.answers(1)
            (incident,) = (await center.get("/incidents"))["incidents"]
            number = incident["case_number"]
            assert await asyncio.to_thread(collect, center.url, [number], folder) == 0, "no picture has come yet"
            said = {"Upload-Offset": "0", "Upload-Length": str(len(content)), **STREET}
            async with httpx.AsyncClient(base_url=center.url, trust_env=False) as client:
                answer = await client.patch(f"/api/v1/evidence/{sha256}", content=content, headers=said)
            assert answer.status_code == 204
            assert await asyncio.to_thread(collect, center.url, [number], folder) == 1
            assert await asyncio.to_thread(collect, center.url, [number], folder) == 0, "it is there already"
            with pytest.raises(UsageError, match="no-such-case"):
                await asyncio.to_thread(collect, center.url, ["no-such-case"], folder)

    asyncio.run(scene())
    (row,) = csv.DictReader((folder / "reasons.csv").read_text().splitlines())
    assert (row["reason"], row["group"]) == ("false", "street/gate")
    (item,) = read_export(folder)
    piece = cv2.imread(str(folder / "images" / item.file))
    assert piece is not None
    assert piece.shape == (278, 328, 3)
    (placed,) = place([(item, np.asarray(piece, np.uint8))], 6, [], {})
    assert (placed.split, placed.refused) in {("train", ""), ("val", "")}


def test_a_centre_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nothing answers: an error with the address, and nothing is written."""
    with pytest.raises(CenterUnreachable, match=r"127\.0\.0\.1:9"):
        collect("http://127.0.0.1:9", ["DEMO-1"], tmp_path / "export")
    assert not (tmp_path / "export").exists()
