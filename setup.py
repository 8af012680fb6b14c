"""What `setup.cfg` cannot say: one commit makes the same archives, bit by bit, where `SOURCE_DATE_EPOCH` is set."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from typing import Any

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.sdist import sdist


class SameSource(sdist):
    """The source archive; its members have the time that `SOURCE_DATE_EPOCH` says, and rights, but no owner."""

    def make_archive(self, *arguments: Any, **options: Any) -> str:
        """As setuptools', which takes times, owners and rights from the checkout, and one more time from the clock."""
        path = super().make_archive(*arguments, **options)
        if "SOURCE_DATE_EPOCH" in os.environ and path.endswith(".tar.gz"):
            _write_source(path, int(os.environ["SOURCE_DATE_EPOCH"]))
        return path


class SameWheel(bdist_wheel):
    """The wheel; its times are those that `SOURCE_DATE_EPOCH` says already, its rights those of the checkout."""

    def run(self) -> None:
        """As setuptools', with the same rights for all files."""
        super().run()
        if "SOURCE_DATE_EPOCH" in os.environ:
            _write_wheel(self.distribution.dist_files[-1][2])


def _write_source(path: str, time: int) -> None:
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


def _write_wheel(path: str) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {member.filename: (member.date_time, archive.read(member)) for member in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, (time, content) in contents.items():
            member = zipfile.ZipInfo(name, time)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            new.writestr(member, content)


setup(cmdclass={"sdist": SameSource, "bdist_wheel": SameWheel})
