"""Errors of readers: about bytes they are one `ValueError`, about the machine they stay what they are."""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from zoo._reading import first_line, readable
from zoo.datasets import archives
from zoo.datasets.arrays import read_npz
from zoo.datasets.own_graphs import open_graph
from zoo.training import record

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"),
        struct.error("short"),
        zipfile.BadZipFile("bad"),
        zlib.error("z"),
        RecursionError(),
        EOFError("end"),
    ]
    + [OSError("not gzipped"), OSError(errno.EINVAL, "before the start"), ValueError("two\nlines")],
    ids=lambda error: type(error).__name__,
)
def test_errors_about_bytes_become_one(error: Exception) -> None:
    words = r"^a/b is not a readable thing, .* of another kind: \S+"
    with pytest.raises(ValueError, match=words) as found, readable("a/b", "thing"):
        raise error
    assert found.value.__cause__ is error and "\n" not in str(found.value)
    assert str(found.value).endswith(first_line(error))


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT, errno.EIO, errno.ENOSPC, errno.EISDIR])
def test_errors_of_the_system_pass(number: int) -> None:
    with pytest.raises(OSError) as found, readable("a", "thing"):
        raise OSError(number, "said")
    assert found.value.errno == number


def test_a_disk_that_fails_does_not_make_a_file_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "g.npz", x=np.eye(3), edges=np.array([[0, 1]]), labels=np.arange(3))
    (tmp_path / "run.json").write_text('{"finished": false}')
    (tmp_path / "d.gz").write_bytes(b"")

    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("io.open", failing)
    monkeypatch.setattr("builtins.open", failing)
    for read in (
        lambda: open_graph(tmp_path / "g.npz"),
        lambda: read_npz(tmp_path / "g.npz", ["x"]),
        lambda: record.read_run(tmp_path),
        lambda: archives.read_idx(tmp_path / "d.gz", tmp_path / "d.gz"),
    ):
        with pytest.raises(OSError, match="Input/output error"):
            read()
