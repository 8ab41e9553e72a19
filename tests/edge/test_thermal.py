"""Temperatures from files and streams: right to a fraction of a degree on real cameras, and every damage named."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.config.zones import ThermalConfig
from patrol.errors import SourceMissing, SourceUnreadable, ThermogramUnusable
from patrol_edge.rules.hotspots import HotKind, Thresholds, find
from patrol_edge.thermal.files import ThermalSource, read_thermogram
from patrol_edge.thermal.radiometry import PLANCK_B_K, Surface, corrected, from_counts, transmission
from patrol_edge.video import frames_of_file
from tests.edge.conftest import SHARED, START

FOLDER = SHARED / "thermal_radiometric"
REFERENCE = FOLDER / "reference_celsius.csv"
AS_IT_IS = ThermalConfig()


def reference() -> list[dict[str, str]]:
    """Rows of the shared reference; none where the data is missing."""
    if not REFERENCE.is_file():
        return []
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def need(decoder: str) -> None:
    """Skip, loudly, where a decoder or the data is missing."""
    if importlib.util.find_spec(decoder) is None:
        pytest.skip(f"{decoder} is not installed (make setup)")
    if not FOLDER.is_dir():
        pytest.skip(f"shared data missing: {FOLDER} (set PATROL_SHARED_DATA)")


CITY = [pytest.param(row, id=row["file"]) for row in reference()] or [
    pytest.param({}, marks=pytest.mark.skip(reason=f"shared data missing: {FOLDER}"), id="shared data missing")
]


@pytest.mark.parametrize("row", CITY)
def test_every_camera_of_the_shared_set_is_read_like_its_reference(row: dict[str, str]) -> None:
    """Min, median, 99 % quantile and max of each real city picture lie within 0.05 °C of the independent decoding, and no fire is seen in it."""
    need("flyr" if row["decoded_by"] == "flyr" else "dji_thermal_cli")
    celsius = read_thermogram(FOLDER / row["file"], AS_IT_IS).celsius
    assert celsius is not None
    assert celsius.shape == (int(row["height"]), int(row["width"]))
    found = [celsius.min(), np.median(celsius), np.percentile(celsius, 99), celsius.max()]
    np.testing.assert_allclose(found, [float(row[k]) for k in ("min", "median", "p99", "max")], atol=0.05)
    spots = find(celsius, np.ones(celsius.shape, bool), Thresholds())
    assert [spot for spot in spots if spot.kind is HotKind.FIRE] == []
    above_100 = int((celsius > 100).sum())
    assert sum(spot.smoulder_px for spot in spots) == above_100
    assert all(spot.kind in (HotKind.HOT_POINT, HotKind.HOT_STRIP) for spot in spots if (spot.peak_c or 0) > 100)


def test_every_real_fire_is_found_and_sized() -> None:
    """In each of the four radiometric pictures of wildfires all pixels above 150 °C in groups of three or more lie in a fire, whose size is the pixels above 60 °C."""
    need("flyr")
    paths = sorted((FOLDER / "wildfire_noncommercial").glob("*.tiff"))
    assert len(paths) == 4
    for path in paths:
        celsius = read_thermogram(path, AS_IT_IS).celsius
        assert celsius is not None
        fires = [s for s in find(celsius, np.ones(celsius.shape, bool), Thresholds()) if s.kind is HotKind.FIRE]
        count, labels, stats, _ = cv2.connectedComponentsWithStats((celsius >= 150).astype(np.uint8), connectivity=8)
        for n in range(1, count):
            if stats[n, cv2.CC_STAT_AREA] >= 3:
                y, x = (int(v[0]) for v in np.nonzero(labels == n))
                assert any(f.box_px[0] <= x < f.box_px[2] and f.box_px[1] <= y < f.box_px[3] for f in fires), (
                    path.name,
                    x,
                    y,
                )
        assert max(f.peak_c or 0 for f in fires) == pytest.approx(float(celsius.max()))
        assert 0.8 * (celsius > 150).sum() < sum(f.area_px for f in fires) <= (celsius >= 60).sum()


def test_counts_become_degrees_in_tiff_raw_and_stream(tmp_path: Path) -> None:
    """The same 16-bit scene as TIFF, as bare counts and as a lossless video gives the same degrees, by the camera's gain and offset."""
    celsius = np.linspace(10, 90, 64 * 48, dtype=np.float32).reshape(48, 64)
    counts = np.round((celsius + 273.15) * 100).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.tiff"), counts)
    (tmp_path / "b.raw").write_bytes(counts.astype("<u2").tobytes())
    with av.open(str(tmp_path / "c.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "gray16le"
        for packet in [*stream.encode(av.VideoFrame.from_ndarray(counts, format="gray16le")), *stream.encode(None)]:
            out.mux(packet)
    source = ThermalSource(AS_IT_IS, (64, 48))
    for name in ("a.tiff", "b.raw", "c.mkv"):
        frames = list(frames_of_file(str(tmp_path / name), "roof", START, source))
        assert len(frames) == 1
        assert frames[0].celsius is not None
        np.testing.assert_allclose(frames[0].celsius, celsius, atol=0.006)
        assert frames[0].image.shape == (48, 64, 3)


@given(
    st.floats(-20, 500), st.floats(0.5, 1), st.floats(0, 300), st.floats(-40, 40), st.floats(-10, 40), st.floats(0.1, 1)
)
def test_corrections_undo_what_surface_and_air_do(
    true_c: float, emissivity: float, range_m: float, reflected_c: float, air_c: float, humidity: float
) -> None:
    """A reading made from a known surface by the radiation balance is corrected back to the surface's temperature."""

    def glow(celsius: float) -> float:
        return float(1 / np.expm1(PLANCK_B_K / (celsius + 273.15)))

    tau = transmission(range_m, air_c, humidity)
    measured = tau * emissivity * glow(true_c) + tau * (1 - emissivity) * glow(reflected_c) + (1 - tau) * glow(air_c)
    apparent = PLANCK_B_K / np.log1p(1 / measured) - 273.15
    surface = Surface(emissivity, range_m, reflected_c, air_c, humidity)
    back = corrected(np.full((1, 1), apparent, np.float32), surface)
    assert float(back[0, 0]) == pytest.approx(true_c, abs=0.05)


def test_air_takes_more_over_distance_and_in_moist_heat() -> None:
    """Transmission is 1 at hand, falls with distance, and falls faster in humid summer air; a polished surface reads too cold."""
    assert transmission(0, 20, 0.5) == pytest.approx(1.0)
    assert 1 > transmission(50, 20, 0.5) > transmission(500, 20, 0.5) > transmission(500, 35, 0.9)
    shiny = corrected(np.full((1, 1), 60, np.float32), Surface(emissivity=0.3, reflected_c=20))
    assert shiny[0, 0] > 100


def test_corrections_reach_the_vendors_decoders() -> None:
    """A lower emissivity makes the same FLIR and DJI picture hotter, as it must."""
    need("dji_thermal_cli")
    for name in ("FLIR.jpg", "M3T_DJI_0003_R.JPG"):
        plain = read_thermogram(FOLDER / name, ThermalConfig(emissivity=1.0)).celsius
        shiny = read_thermogram(FOLDER / name, ThermalConfig(emissivity=0.6, reflected_c=20)).celsius
        assert plain is not None
        assert shiny is not None
        assert shiny.max() > plain.max() + 5


def test_a_picture_with_colours_only_has_no_temperatures(tmp_path: Path) -> None:
    """A JPEG without readings comes as colours, whatever it shows, and never as degrees."""
    cv2.imwrite(str(tmp_path / "screen.jpg"), np.full((40, 60, 3), 200, np.uint8))
    read = read_thermogram(tmp_path / "screen.jpg", AS_IT_IS)
    assert (read.kind, read.celsius) == ("palette", None)


def tiff(celsius: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> bytes:
    """The array as the bytes of a TIFF."""
    return bytes(cv2.imencode(".tiff", celsius)[1])


WARM = np.full((32, 40), 25, np.float32)
BAD = [
    ("empty.tiff", b"", "empty"),
    ("text.tiff", b"this is no picture" * 50, "no picture"),
    ("nan.tiff", tiff(np.full((32, 40), np.nan, np.float32)), "100 % of its pixels"),
    ("half.tiff", tiff(np.where(np.arange(40) < 30, np.float32(np.inf), WARM)), "75 % of its pixels"),
    ("kelvin.tiff", tiff(WARM + 273), "median would be 298"),
    ("tiny.tiff", tiff(WARM[:4, :4]), "its size"),
    ("short.raw", b"\0" * 100, "100 bytes"),
    ("colours.tiff", bytes(cv2.imencode(".tiff", np.zeros((32, 40, 3), np.float32))[1]), "3 dimensions"),
]


@pytest.mark.parametrize(("name", "content", "cause"), BAD, ids=[b[0] for b in BAD])
def test_damaged_files_are_named_with_cause_and_remedy(tmp_path: Path, name: str, content: bytes, cause: str) -> None:
    """Whatever is wrong with a file, the error names file, cause and remedy in both languages."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ThermogramUnusable) as caught:
        read_thermogram(path, AS_IT_IS, (64, 48))
    assert name in caught.value.explain("en")
    assert cause in caught.value.explain("en")
    assert "相机原始文件" in caught.value.explain("zh-CN")


@pytest.mark.parametrize("name", ["FLIR.jpg", "M3T_DJI_0003_R.JPG", "XTS_DJI_0003_R.JPG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_real_pictures_cut_short_never_become_temperatures(tmp_path: Path, name: str, share: float) -> None:
    """A real R-JPEG cut anywhere is refused or is mere colours: it never gives wrong degrees."""
    need("dji_thermal_cli")
    content = (FOLDER / name).read_bytes()
    cut = tmp_path / name
    cut.write_bytes(content[: int(share * len(content))])
    try:
        read = read_thermogram(cut, AS_IT_IS)
    except ThermogramUnusable:
        return
    whole = read_thermogram(FOLDER / name, AS_IT_IS).celsius
    assert whole is not None
    assert read.celsius is None or np.array_equal(read.celsius, whole)


def test_a_folder_goes_on_past_damaged_pictures(tmp_path: Path) -> None:
    """Damaged pictures in a camera's folder are skipped and keep their second; only a folder with none left is refused."""
    for name, content, _ in BAD:
        (tmp_path / f"0-{name}").write_bytes(content)
    source = ThermalSource(AS_IT_IS, (64, 48))
    with pytest.raises(SourceUnreadable, match="no readable picture"):
        list(frames_of_file(str(tmp_path), "roof", START, source))
    (tmp_path / "1-good.tiff").write_bytes(tiff(WARM))
    frames = list(frames_of_file(str(tmp_path), "roof", START, source))
    assert [(f.taken_at - START).total_seconds() for f in frames] == [len(BAD)]
    with pytest.raises(SourceMissing):
        read_thermogram(tmp_path / "none.tiff", AS_IT_IS)


def test_counts_by_gain_and_offset() -> None:
    """Decikelvin and centikelvin are the same scene under their own gain."""
    np.testing.assert_allclose(from_counts(np.array([[2981]], np.uint16), 0.1, -273.15), [[24.95]], atol=1e-3)
    np.testing.assert_allclose(from_counts(np.array([[29815]], np.uint16), 0.01, -273.15), [[25.0]], atol=1e-3)
