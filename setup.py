"""What `setup.cfg` cannot say: one commit makes the same archives, bit by bit, where `SOURCE_DATE_EPOCH` is set."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from typing import Any

from setuptools import setup


def same_archives(time: int) -> dict[str, Any]:
    """Commands of setuptools whose archives hold nothing of the checkout but names and contents."""
    from setuptools.command.bdist_wheel import bdist_wheel
    from setuptools.command.sdist import sdist

    class Source(sdist):
        """Members have one time, and neither owners nor odd rights."""

        def make_archive(self, *arguments: Any, **options: Any) -> str:
            path = super().make_archive(*arguments, **options)
            write_source(path, time)
            return path

    class Wheel(bdist_wheel):
        """Members have the time already, and the same rights."""

        def run(self) -> None:
            super().run()
            write_wheel(self.distribution.dist_files[-1][2])

    return {"sdist": Source, "bdist_wheel": Wheel}


def write_source(path: str, time: int) -> None:
    """Writes a `.tar.gz` file again."""
    with tarfile.open(path) as archive:
        found = sorted(archive.getmembers(), key=lambda member: member.name)
        contents = [archive.extractfile(member).read() if member.isreg() else b"" for member in found]
    with (
        open(path, "wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member, content in zip(found, contents, strict=True):
            member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, io.BytesIO(content) if content else None)


def write_wheel(path: str) -> None:
    """Writes a wheel again."""
    with zipfile.ZipFile(path) as archive:
        contents = {member.filename: (member.date_time, archive.read(member)) for member in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, (time, content) in contents.items():
            member = zipfile.ZipInfo(name, time)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            new.writestr(member, content)


when = os.environ.get("SOURCE_DATE_EPOCH")
setup(cmdclass={} if when is None else same_archives(int(when)))
