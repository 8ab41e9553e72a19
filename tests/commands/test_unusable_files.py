"""A place that cannot be written to is told in one line by every command, in both languages, with status 2."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from patrol.terminal import EXIT_REFUSED, run


@pytest.mark.parametrize(("language", "said"), [("en", "cannot be used"), ("zh-CN", "无法使用")])
def test_a_folder_that_is_a_file_is_told(
    language: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command whose folder is a file names it in the reader's language and ends with 2, without a traceback."""
    monkeypatch.setenv("PATROL_LANG", language)
    taken = tmp_path / "文 件"
    taken.write_text("", encoding="utf-8")
    command = click.Command("write", callback=lambda: taken.mkdir(parents=True))
    monkeypatch.setattr("sys.argv", ["write"])
    with pytest.raises(SystemExit) as left:
        run(command, "patrol")
    told = capsys.readouterr().err
    assert (left.value.code, said in told, str(taken) in told) == (EXIT_REFUSED, True, True)


def test_an_error_without_a_file_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system that names no file keeps its traceback: nothing useful could be said of it."""

    def fail() -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("sys.argv", ["fail"])
    with pytest.raises(OSError, match="Input/output"):
        run(click.Command("fail", callback=fail), "patrol")
