"""Chinese for the help of `patrol` and `patrol-edge`."""

CHINESE: dict[str, str] = {}
