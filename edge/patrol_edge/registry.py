"""models/registry.yaml: which networks exist, and proof that a file is the registered one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from patrol.errors import ModelAltered, ModelMismatch, ModelMissing, ModelNotRegistered


class RegisteredModel(BaseModel):
    """One entry of the registry."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    file: str = Field(description="path of the ONNX file, relative to the registry")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    version: str
    task: str = "detect"
    classes: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True)
class ModelFile:
    """A network whose file has been checked against the registry."""

    name: str
    path: Path
    version: str
    sha256: str
    classes: tuple[str, ...]
    task: str = "detect"


def find_model(models_dir: Path, name: str) -> ModelFile:
    """Look `name` up and check its file's SHA-256.

    Raises ModelMissing, ModelNotRegistered, ModelAltered, ModelMismatch.
    """
    registry_path = models_dir / "registry.yaml"
    try:
        entries = (yaml.safe_load(registry_path.read_text(encoding="utf-8")) or {}).get("models", {})
        entry = RegisteredModel.model_validate(entries[name])
    except OSError as err:
        raise ModelMissing(path=registry_path) from err
    except KeyError as err:
        raise ModelNotRegistered(registry=registry_path, name=name, known=", ".join(entries) or "-") from err
    except (yaml.YAMLError, ValidationError, AttributeError, TypeError) as err:
        raise ModelMismatch(path=registry_path, cause=f"entry '{name}' is not readable: {err}") from err
    path = models_dir / entry.file
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as err:
        raise ModelMissing(path=path) from err
    if found != entry.sha256:
        raise ModelAltered(path=path, found=found, expected=entry.sha256)
    return ModelFile(name, path, entry.version, entry.sha256, entry.classes, entry.task)
