"""The Hugging Face Hub: from an address, `hf://owner/name@revision`, to files on this machine.

`huggingface_hub` does the work, with its cache, tokens, mirrors, offline mode and progress bars; this file says which
files are wanted, and what to do where something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo._reading import first_line
from zoo.hub import paths
from zoo.hub.cards import Card
from zoo.version import __version__

SCHEME = "hf://"
_REPOSITORY = r"hf://(?P<repository>[\w.-]+/[\w.-]+)"
_FOLDER = re.compile(_REPOSITORY + r"(@(?P<revision>[^@]+))?")
_FILE = re.compile(_REPOSITORY + r"(@(?P<revision>[^@/]+))?/(?P<file>[^@]+)")


@dataclass(frozen=True)
class Address:
    """A repository of the Hub; the revision is a branch, a tag or a commit, and None the branch `main`."""

    repository: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads `"hf://owner/name"` or `"hf://owner/name@revision"`; a `ValueError` for anything else."""
        match = _FOLDER.fullmatch(text)
        if not match:
            raise ValueError(
                f"Expected an address on the Hugging Face Hub, 'hf://owner/name' or 'hf://owner/name@revision'; got "
                f"{text!r}"
            )
        return cls(match["repository"], match["revision"])

    def __str__(self) -> str:
        """The address as a user writes it."""
        return SCHEME + self.repository + (f"@{self.revision}" if self.revision else "")


def is_address(name: object) -> bool:
    """Whether a name is an address on the Hub."""
    return isinstance(name, str) and name.startswith(SCHEME)


def fetch_folder(text: str) -> Path:
    """The card of a repository and all files that it lists, downloaded unless the Hub's cache has them.

    All are of one commit, also while somebody pushes. Without a connection it is the commit that the cache has.

    Args:
        text: `"hf://owner/name"` or `"hf://owner/name@revision"`.

    Returns:
        The folder, in the Hub's cache.

    Raises:
        ImportError: the extra `hub` is not installed.
        ValueError: no address, no such repository or revision, or a repository without a valid card.
        OSError: access is refused, the Hub cannot be reached and the cache lacks a file, or the download broke off.
    """
    address = Address.parse(text)
    card_path = _fetch(address, paths.CARD)
    folder = card_path.parent
    pinned = replace(address, revision=folder.name)  # the cache's folders are called by their commits
    for name, facts in Card.load(card_path).files.items():
        if facts.of is None:  # else it comes with zoo, or from the card's URLs
            _fetch(pinned, name)
    return folder


def fetch_file(text: str) -> Path:
    """One file of a repository, whoever wrote it.

    Args:
        text: `"hf://owner/name/file"` or `"hf://owner/name@revision/file"`.

    Returns:
        Its path in the Hub's cache.

    Raises:
        ImportError: the extra `hub` is not installed.
        ValueError: no address of a file, no such repository, revision or file.
        OSError: as `fetch_folder`.
    """
    match = _FILE.fullmatch(text)
    if not match:
        raise ValueError(f"Expected a file on the Hugging Face Hub, 'hf://owner/name/model.safetensors'; got {text!r}.")
    return _fetch(Address(match["repository"], match["revision"]), match["file"])


def load_client() -> Any:
    """The package huggingface_hub.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError('Addresses hf://... need huggingface_hub: pip install "zoo[hub]"') from error
    return huggingface_hub


@contextmanager
def explained(address: Address, doing: str, file: str) -> Iterator[None]:
    """Turns the client's errors into ones that say what to do.

    Args:
        address: whose files are handled.
        doing: `"read"` or `"write"`.
        file: the one that is handled, or words for several.
    """
    load_client()
    from huggingface_hub import constants, errors

    where, login = constants.ENDPOINT, "log in with `hf auth login`, or set HF_TOKEN"
    try:
        yield
    except errors.GatedRepoError as error:
        raise PermissionError(
            f"access to {address} is given on request: ask for it on {where}/{address.repository}, then {login}"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ValueError(
            f"{where} shows no repository {address.repository!r}: check the name; if it is private, {login}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ValueError(
            f"{address.repository!r} has no revision {address.revision!r}: expected a branch, a tag or a commit"
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        written = ": expected a repository that zoo.push wrote" if file == paths.CARD else ""
        raise ValueError(f"{address} holds no {file}{written}") from error
    except errors.HfHubHTTPError as error:
        said, status = error.server_message or first_line(error), error.response.status_code
        if status in (401, 403):
            raise PermissionError(f"{where} lets nobody {doing} {address} with your token ({said}): {login}") from error
        if status == 429 or status >= 500:
            raise OSError(f"{where} could not {doing} {file} of {address}: {said}; try again later") from error
        raise ValueError(f"{where} refused to {doing} {file} of {address}: {said}") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        if doing == "write":
            reason = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else f"{where} cannot be reached"
            raise OSError(f"{reason}: nothing was written to {address}") from error
        if constants.HF_HUB_OFFLINE:
            raise OSError(
                f"HF_HUB_OFFLINE is set, and {file} of {address} is not in {constants.HF_HUB_CACHE}: use it once "
                f"without HF_HUB_OFFLINE"
            ) from error
        raise OSError(
            f"{where} cannot be reached, and {file} of {address} is not in {constants.HF_HUB_CACHE}: check the "
            f"connection, and HF_ENDPOINT for a mirror ({first_line(error.__cause__ or error)})"
        ) from error
    except (errors.HTTPError, OSError) as error:
        raise OSError(
            f"could not {doing} {file} of {address}: {first_line(error)}; try again: files that are complete are "
            "not transferred twice"
        ) from error


def _fetch(address: Address, file: str) -> Path:
    with explained(address, "read", file):
        client = load_client()
        return Path(
            client.hf_hub_download(
                address.repository,
                file,
                revision=address.revision,
                library_name="zoo",
                library_version=__version__,
            )
        )
