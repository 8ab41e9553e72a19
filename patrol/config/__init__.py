"""The shape of config.yaml, and `load()`. One district in one file, parsed once into frozen types."""

from patrol.config.load import load
from patrol.config.shape import Config

__all__ = ["Config", "load"]
