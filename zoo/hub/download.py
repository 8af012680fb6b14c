"""Download of one file with a known size and SHA-256 into a cache.

Nothing appears under the final name before its hash was checked. An interrupted download is resumed, one process
downloads while others wait, and every failure says which URL failed, how, and what to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import requests
from rich import progress
from rich.console import Console

_CHUNK = 1 << 14
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long to wait for a server and how often to ask it again.

    Attributes:
        connect: seconds until a connection must stand.
        read: seconds a server may stay silent before the download counts as stalled.
        attempts: requests to one URL before the next URL is tried.
        pause: seconds before the second attempt; doubled before each further one.
    """

    connect: float = 10.0
    read: float = 30.0
    attempts: int = 4
    pause: float = 1.0


class _UrlFailed(Exception):
    """This URL will not give the file; the text says why."""


class _Interrupted(Exception):
    """The transfer broke off; it may be resumed."""


@dataclass(frozen=True)
class _Job:
    """What is fetched and where its unfinished part lies."""

    target: Path
    size: int
    sha256: str
    patience: RetryPolicy

    @property
    def part(self) -> Path:
        return self.target.with_name(self.target.name + ".part")


def fetch(urls: Sequence[str], target: Path, *, size: int, sha256: str, patience: RetryPolicy | None = None) -> Path:
    """Download a file unless it is already there.

    Args:
        urls: where the file may be had, tried in order.
        target: where it shall stand; its folder is made.
        size: its size in bytes.
        sha256: its SHA-256 in hexadecimal.
        patience: time-outs and number of attempts.

    Returns:
        `target`, which holds exactly the expected bytes.

    Raises:
        OSError: the folder cannot be written (before any request), or no URL gave the file.
    """
    if keep_if_sound(target, size=size, sha256=sha256):
        return target
    _require_writable(target)
    job = _Job(target, size, sha256, patience or RetryPolicy())
    with filelock.FileLock(target.with_name(target.name + ".lock")):
        if keep_if_sound(target, size=size, sha256=sha256):
            return target
        failures = []
        for url in urls:
            try:
                _fetch_from(url, job)
                return target
            except _UrlFailed as error:
                failures.append(f"  {url}: {error}")
    raise OSError(
        f"could not download {target.name} ({size:,} bytes):\n" + "\n".join(failures) + "\n"
        f"Check the network and try again, or get the file by other means and put it at {target} (SHA-256 {sha256})."
    )


def keep_if_sound(path: Path, *, size: int, sha256: str) -> bool:
    """Whether `path` holds exactly the expected bytes; a file that does not is deleted, if that is allowed.

    What cannot be read, in a cache of somebody else's, counts as absent.
    """
    try:
        if not path.is_file():
            return False
        if path.stat().st_size == size and file_sha256(path) == sha256:
            return True
        path.unlink(missing_ok=True)
    except OSError:
        pass
    return False


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_writable(target: Path) -> None:
    if target.parts[0].startswith("~"):  # what the user's cache folder is where nobody has a home
        raise OSError(f"there is no home folder for {target.name}: set ZOO_CACHE to a folder that you can write to")
    probe = target.parent / f".{uuid.uuid4().hex}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"cannot write to the cache folder {target.parent} ({error.strerror or error}): set ZOO_CACHE to a folder "
            f"that you can write to; nothing was downloaded"
        ) from error


def _fetch_from(url: str, job: _Job) -> None:
    """Get the file from one URL, resuming after an interruption, and put it in its place."""
    reason = ""
    for attempt in range(job.patience.attempts):
        if attempt:
            time.sleep(job.patience.pause * 2 ** (attempt - 1))
        resumed = job.part.exists()
        try:
            _transfer(url, job)
        except _Interrupted as error:
            reason = str(error)
            continue
        actual = file_sha256(job.part)
        if actual == job.sha256:
            os.replace(job.part, job.target)
            return
        job.part.unlink()
        reason = f"the file received has SHA-256 {actual}, expected {job.sha256}; it was discarded"
        if not resumed:
            raise _UrlFailed(reason)
    raise _UrlFailed(f"{reason} (gave up after {job.patience.attempts} attempts)")


def _transfer(url: str, job: _Job) -> None:
    """Bring the part file to its full size with one request."""
    have = _part_size(job)
    if have == job.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    timeouts = (job.patience.connect, job.patience.read)
    try:
        with requests.get(url, headers=headers, stream=True, timeout=timeouts) as response:
            offset = _check_status(response, have, job)
            _write_body(response, offset, job)
    except (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as e:
        raise _UrlFailed(f"not a usable URL: {e}") from e
    except requests.exceptions.TooManyRedirects as error:
        raise _UrlFailed(f"too many redirects: {error}") from error
    except requests.RequestException as error:
        raise _Interrupted(f"{_describe(error, job)}; {_part_size(job):,} of {job.size:,} bytes received") from error
    except OSError as error:
        raise OSError(f"cannot write {job.part}: {error.strerror or error}") from error
    have = _part_size(job)
    if have < job.size:
        raise _Interrupted(f"the server closed the connection after {have:,} of {job.size:,} bytes")


def _part_size(job: _Job) -> int:
    """Bytes already received; a part that cannot be a beginning of the file is deleted."""
    if not job.part.exists():
        return 0
    have = job.part.stat().st_size
    if have > job.size:
        job.part.unlink()
        return 0
    return have


def _check_status(response: requests.Response, have: int, job: _Job) -> int:
    """The position in the file at which the response's body begins."""
    status = f"HTTP status {response.status_code} ({response.reason})"
    if response.status_code == 200:
        length = response.headers.get("Content-Length", str(job.size))
        if length != str(job.size) and "Content-Encoding" not in response.headers:
            raise _UrlFailed(f"the server offers {length} bytes, expected {job.size}: it is another file")
        return 0
    if response.status_code == 206 and have:
        match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        if match and int(match[1]) == have:
            return have
        status += f" with Content-Range {response.headers.get('Content-Range')!r}, expected one from byte {have}"
    if response.status_code in (206, 416):
        job.part.unlink(missing_ok=True)
        raise _Interrupted(status)
    if response.status_code in _RETRY_STATUS:
        raise _Interrupted(status)
    raise _UrlFailed(status)


def _write_body(response: requests.Response, offset: int, job: _Job) -> None:
    received = offset
    with job.part.open("ab" if offset else "wb") as file, _progress_bar(job, offset) as advance:
        for chunk in response.iter_content(_CHUNK):
            received += len(chunk)
            if received > job.size:
                file.close()
                job.part.unlink()
                raise _UrlFailed(f"the server sent more than the expected {job.size:,} bytes; they were discarded")
            file.write(chunk)
            advance(len(chunk))


@contextmanager
def _progress_bar(job: _Job, offset: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error when that is a terminal, else nothing; yields what to call with each count of bytes."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.DownloadColumn())
    with progress.Progress(*columns, progress.TransferSpeedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(job.target.name, total=job.size, completed=offset)
        yield lambda count: bar.advance(task, count)


def _describe(error: requests.RequestException, job: _Job) -> str:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no connection within {job.patience.connect:g} s"
    if isinstance(error, requests.exceptions.ReadTimeout) or "timed out" in str(error).lower():
        return f"the server stayed silent for {job.patience.read:g} s"
    return f"{type(error).__name__}: {error}"
