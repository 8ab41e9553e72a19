"""`patrol model`: the recipes are run as they are, their answer is believed, and what is missing is said."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from patrol.commands import model
from patrol.errors import ModelCheckFailed, RecipesMissing, TrainingEnvironmentMissing


def test_a_released_model_is_verified_without_torch(capfd: pytest.CaptureFixture[str]) -> None:
    """The real command on the real registry: hashes and golden outputs hold, in an environment that has no torch."""
    result = CliRunner().invoke(model.command, ["verify", "street"])
    assert result.exception is None
    assert "street: verified" in capfd.readouterr().out


def test_an_altered_model_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One changed byte in the file ends the command with an error that says so."""
    root = Path(model.ROOT)
    shutil.copytree(root / "models" / "recipes", tmp_path / "models" / "recipes")
    shutil.copyfile(root / "models" / "registry.yaml", tmp_path / "models" / "registry.yaml")
    shutil.copytree(root / "models" / "street" / "golden", tmp_path / "models" / "street" / "golden")
    data = bytearray((root / "models" / "street" / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "models" / "street" / "model.onnx").write_bytes(bytes(data))
    with pytest.raises(ModelCheckFailed, match="verify street"):
        model.run(["verify", "street"], tmp_path, trains=False)
    assert "SHA-256 is not the registry's" in capfd.readouterr().out


def test_training_without_its_environment_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No torch environment: named, with the command that makes it; no recipes: named too."""
    monkeypatch.delenv("PATROL_TRAIN_PYTHON", raising=False)
    with pytest.raises(RecipesMissing):
        model.run(["train", "street"], tmp_path, trains=True)
    (tmp_path / "models" / "recipes").mkdir(parents=True)
    with pytest.raises(TrainingEnvironmentMissing, match="make models"):
        model.run(["train", "street"], tmp_path, trains=True)
