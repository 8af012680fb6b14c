"""What is published: one commit, one wheel and one source archive, which work where nothing else is installed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.once, pytest.mark.skipif(os.name != "posix", reason="changes rights of files")]

TIME = 1_700_000_000
PARTS = (".ci", "benchmarks", "docs", "examples", "tests", "weights", "zoo", "setup.cfg", "setup.py", "pyproject.toml")
PARTS += ("MANIFEST.in", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "Makefile")
PARTS += ("mkdocs.yml",)
BUILD = "import sys, setuptools.build_meta as b; out = sys.argv[1]; b.build_sdist(out), b.build_wheel(out)"


def checkout(root: Path, folder: Path, time: int, umask: int) -> Path:
    """The files of the tree, as another machine may have them: other times, other rights."""
    folder.mkdir()
    junk = shutil.ignore_patterns("__pycache__", "*.py[cod]", "*.egg-info", "*.part", "*.lock")
    for name in PARTS:
        source = root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(
            source, folder / name, **({"ignore": junk} if source.is_dir() else {})
        )
    for path in folder.rglob("*"):
        os.utime(path, (time, time))
        path.chmod((0o777 if path.is_dir() or os.access(root / path.relative_to(folder), os.X_OK) else 0o666) & ~umask)
    return folder


def build(folder: Path, out: Path, umask: int) -> dict[str, Path]:
    """Source archive and wheel of a folder, by the ends of their names."""
    out.mkdir()
    path = os.pathsep.join([*sys.path[1:], os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(TIME), "PYTHONPATH": path}
    subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        umask=umask,
    )
    return {".tar.gz" if path.suffix == ".gz" else path.suffix: path for path in out.iterdir()}


@pytest.fixture(scope="module")
def twice(root: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Path]]:
    """The archives of two checkouts."""
    pytest.importorskip("setuptools", minversion="77", reason="builds the package")
    place = tmp_path_factory.mktemp("builds")
    kinds = (("one", 1_500_000_000, 0o022), ("other", 1_600_000_001, 0o027))
    folders = [checkout(root, place / name, time, umask) for name, time, umask in kinds]  # both before anything changes
    return [build(folder, place / f"{folder.name}-out", kind[2]) for folder, kind in zip(folders, kinds, strict=True)]


@pytest.mark.large
@pytest.mark.parametrize("kind", [".tar.gz", ".whl"])
def test_two_checkouts_make_one_archive(twice: list[dict[str, Path]], kind: str) -> None:
    one, other = (hashlib.sha256(made[kind].read_bytes()).hexdigest() for made in twice)
    print(f"{kind}: {one}")
    assert one == other


@pytest.mark.large
def test_archives_hold_what_they_should(twice: list[dict[str, Path]]) -> None:
    with tarfile.open(twice[0][".tar.gz"]) as archive:
        members = archive.getmembers()
    names = {member.name.partition("/")[2] for member in members}
    assert {"setup.py", "setup.cfg", "zoo/hub/store.py", "weights/e4net_mnistrot/v1/card.json", "LICENSE"} <= names
    assert {(member.mtime, member.uid, member.gid, member.uname, member.gname) for member in members} == {
        (TIME, 0, 0, "", "")
    }
    assert all(member.isreg() or member.isdir() for member in members)
    with zipfile.ZipFile(twice[0][".whl"]) as wheel:
        inside = set(wheel.namelist())
        rights = {member.external_attr >> 16 for member in wheel.infolist()}
    assert rights == {0o100644}
    assert {"zoo/hub/store.py", "zoo/weights/e4net_mnistrot/v1/card.json", "zoo/py.typed"} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "docs/")) or name.endswith((".pyc", ".lock"))]


@pytest.mark.extra_large
@pytest.mark.parametrize("kind", [".whl", ".tar.gz"])
def test_it_works_where_nothing_else_is_installed(
    twice: list[dict[str, Path]], kind: str, root: Path, tmp_path: Path
) -> None:
    """Installs TensorFlow and all else from the package index."""
    lost = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "ZOO_CACHE", "ZOO_DATA", "KERAS_BACKEND")
    environment = {key: value for key, value in os.environ.items() if key not in lost}
    environment |= {"HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(*words: str | Path) -> str:
        found = subprocess.run(
            [*map(str, words)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=800
        )
        assert found.returncode == 0, found.stderr[-3000:]
        return found.stdout

    run(sys.executable, "-m", "venv", tmp_path / "empty")
    programs = tmp_path / "empty" / "bin"
    run(programs / "pip", "install", "--quiet", "--no-cache-dir", twice[0][kind])
    where = run(programs / "python", "-c", "import zoo; print(zoo.__file__)")
    assert Path(where.strip()).is_relative_to(tmp_path / "empty")
    digits = root / "examples" / "images" / "mnistrot"
    assert "e4net_mnistrot" in run(programs / "zoo", "list")
    run(programs / "zoo", "verify", "e4net_mnistrot")
    name, label, _ = (digits / "labels.csv").read_text("utf-8").splitlines()[1].split(",")
    print(answer := run(programs / "zoo", "predict", "e4net_mnistrot", digits / name))
    assert re.search(rf"{name} +{label} ", answer)
