"""A served model: the versions in its folder, loaded, switched and unloaded while requests come in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zoo.serving.errors import RequestError, not_found
from zoo.serving.runners import LITERT_FILE, engine_of
from zoo.serving.settings import ModelConfig, Settings
from zoo.serving.versions import Lease, LoadedVersion, load_version

log = logging.getLogger("zoo.serving")
LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"
_REMEMBERED = 16  # ended versions that the status still lists

Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class VersionStatus:
    """What is known of a version: its state in TensorFlow Serving's words, and the error that ended it."""

    number: int
    state: str
    error: str = ""


class ServedModel:
    """The versions of one model.

    Args:
        config: name, folder and versions.
        settings: of the server.
        observe: told the rows of every run.
    """

    def __init__(
        self, config: ModelConfig, settings: Settings, observe: Callable[[int], None] = lambda rows: None
    ) -> None:
        self.config, self.name = config, config.name
        self._settings, self._observe = settings, observe
        self._lock = threading.Lock()
        self._available: dict[int, LoadedVersion] = {}
        self._status: dict[int, VersionStatus] = {}
        self._seen: dict[int, Fingerprint] = {}
        self._failed: dict[int, Fingerprint] = {}
        self.litert: set[int] = set()  # versions that are LiteRT files

    @contextmanager
    def use(self, version: int | None = None, label: str | None = None) -> Iterator[Lease]:
        """A loaded version, which is not unloaded before the block ends.

        Args:
            version: its number; by default the highest that is available.
            label: or its label.

        Raises:
            RequestError: NOT_FOUND, when it is not served.
        """
        with self._lock:
            chosen = self._choose(version, label)
            chosen.users += 1
        lease = Lease(chosen)
        try:
            yield lease
        finally:
            lease.end()
            with self._lock:
                chosen.users -= 1
                self._finish(chosen)

    def statuses(self, version: int | None = None, label: str | None = None) -> list[VersionStatus]:
        """What is known of the versions, the highest first; of one, when it is named."""
        if label is not None:
            version = self._labelled(label)
        chosen = [status for status in self.known() if version in (None, status.number)]
        if not chosen:
            what = f"version {version}" if version is not None else "any versions"
            raise not_found(f"Could not find {what} of model {self.name}")
        return chosen

    def known(self) -> list[VersionStatus]:
        """The versions that were ever looked at, the highest first."""
        with self._lock:
            return sorted(self._status.values(), key=lambda status: -status.number)

    def engines(self) -> dict[int, str]:
        """The engine of every available version."""
        return {number: version.runner.engine for number, version in sorted(self._available.items())}

    @property
    def ready(self) -> bool:
        """Whether a version answers requests."""
        return bool(self._available)

    def refresh(self, *, at_once: bool = False) -> None:
        """Looks at the folder and loads, switches and unloads versions accordingly.

        A version is loaded when its files were the same in two looks, so that one that is still being copied is left
        alone. What cannot be loaded counts as absent until its files change: the version before it serves on.

        Args:
            at_once: load without a second look.
        """
        folders = self._look()
        looked: dict[int, Fingerprint] = {}

        def state(number: int) -> Fingerprint:
            if number not in looked:
                looked[number] = _fingerprint(folders[number])
            return looked[number]

        while True:
            usable = {
                number for number in folders if number not in self._failed or self._failed[number] != state(number)
            }
            wanted = self.config.wanted(usable)
            new = sorted(wanted - set(self._available))
            settled = [number for number in new if at_once or self._seen.get(number) == state(number)]
            if all([self._load(number, folders[number], state(number)) for number in settled]):
                break
        self._seen = {number: state(number) for number in new}
        if wanted and wanted <= set(self._available):
            self._retire(set(self._available) - wanted)
        self._forget(set(folders))

    def close(self) -> None:
        """Unloads everything; versions in use go when their last request ends."""
        self._retire(set(self._available))

    def _choose(self, version: int | None, label: str | None) -> LoadedVersion:
        if label is not None:
            version = self._labelled(label)
        if version is None and self._available:
            return self._available[max(self._available)]
        if version not in self._available:
            which = "Latest" if version is None else "Specific"
            number = "" if version is None else f", {version}"
            raise not_found(f"Servable not found for request: {which}({self.name}{number})")
        return self._available[version]

    def _labelled(self, label: str) -> int:
        if label not in self.config.labels:
            raise not_found(f"Unrecognized servable version label: {label}")
        return self.config.labels[label]

    def _look(self) -> dict[int, Path]:
        """The version folders that have a model in them."""
        found = {}
        try:
            folders = [path for path in self.config.folder.iterdir() if path.name.isascii() and path.name.isdecimal()]
        except OSError:
            return {}
        for folder in folders:
            if len(folder.name) <= 18 and engine_of(folder, self._settings.engine):  # TensorFlow Serving: int64
                found[int(folder.name)] = folder
            elif len(folder.name) <= 18 and (folder / LITERT_FILE).is_file():
                self._skip(int(folder.name))
        return found

    def _skip(self, number: int) -> None:
        """Says once that a version is left out."""
        if number not in self.litert:
            self.litert.add(number)
            log.warning("%s version %d is left out: a LiteRT file, which this server does not run", self.name, number)

    def _load(self, number: int, folder: Path, fingerprint: Fingerprint) -> bool:
        """Whether the version could be loaded."""
        self._set(number, LOADING)
        try:
            loaded = load_version(number, folder, self._settings, self._observe, self.config.batching)
        except (RequestError, OSError) as error:
            log.error("%s version %d cannot be loaded: %s", self.name, number, error)
            self._failed[number] = fingerprint
            self._set(number, END, str(error))
            return False
        with self._lock:
            self._available = self._available | {number: loaded}
        self._set(number, AVAILABLE)
        log.info("%s version %d is served", self.name, number)
        return True

    def _retire(self, numbers: set[int]) -> None:
        for number in numbers:
            with self._lock:
                retired = self._available[number]
                self._available = {key: value for key, value in self._available.items() if key != number}
                self._status[number] = VersionStatus(number, UNLOADING)
                self._finish(retired)

    def _finish(self, version: LoadedVersion) -> None:
        """Ends a retired version that nobody uses any more. Needs the lock."""
        if version.users == 0 and self._available.get(version.number) is not version:
            version.close()
            current = self._status.get(version.number)
            if current is not None and current.state == UNLOADING:
                self._status[version.number] = VersionStatus(version.number, END)

    def _set(self, number: int, state: str, error: str = "") -> None:
        with self._lock:
            self._status[number] = VersionStatus(number, state, error)

    def _forget(self, found: set[int]) -> None:
        """Keeps what is remembered of former versions bounded."""
        self._failed = {number: state for number, state in self._failed.items() if number in found}
        with self._lock:
            ended = [number for number, status in sorted(self._status.items()) if status.state == END]
            for number in ended[:-_REMEMBERED]:
                del self._status[number]


def _fingerprint(folder: Path) -> Fingerprint:
    entries = []
    for path in sorted(folder.rglob("*")):
        try:
            facts = path.stat()
        except OSError:  # it went away in this moment
            continue
        entries.append((str(path.relative_to(folder)), facts.st_size, facts.st_mtime_ns))
    return tuple(entries)
