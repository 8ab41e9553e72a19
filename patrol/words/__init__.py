"""The Chinese for every sentence that describes the configuration, the wire and the commands.

The English sentence stands where it is used (a field's description, a docstring, an option's help)
and is the key here; tests/house fails when one has no Chinese, or when a Chinese one has lost its
English. Errors carry both languages themselves (patrol/errors/).
"""

from patrol.words import commands, config, flight, wire

CHINESE: dict[str, str] = {**config.CHINESE, **wire.CHINESE, **commands.CHINESE, **flight.CHINESE}


def chinese(english: str) -> str:
    """The Chinese for `english`, or `english` itself where there is none."""
    return CHINESE.get(english, english)
