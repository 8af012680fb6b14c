"""The part of the Hugging Face Hub's interface that its client uses, on loopback: repositories with commits."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

TOKEN = "hf_of_the_owner"
LARGE = (".safetensors", ".npz")


@dataclass
class Repository:
    """Commits by id, each with its files, and branches."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes], branch: str = "main", message: str = "") -> str:
        oid = hashlib.sha1(f"{len(self.commits)}".encode()).hexdigest()
        self.commits[oid] = self.commits.get(self.branches.get(branch, ""), {}) | files
        self.branches[branch] = oid
        self.messages.append(message)
        return oid

    def find(self, revision: str) -> str | None:
        oid = self.branches.get(revision, revision)
        return oid if oid in self.commits else None


class Hub(ThreadingHTTPServer):
    """A Hub; `breaks` counts transfers that shall break off, each after half of what is left."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.ranges: list[str] = []
        self.breaks = 0
        self.status: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def gets(self, ending: str) -> int:
        return sum(method == "GET" and path.endswith(ending) for method, path in self.requests)


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.refused():
            return
        path = unquote(self.path)
        if path.startswith("/cdn/"):
            self.content(self.server.blobs[path.removeprefix("/cdn/")], {})
        elif path.startswith("/api/models/"):
            name, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            repository = self.repository(name)
            if repository:
                sha = repository.find(revision or "main")
                self.json({"id": name, "modelId": name, "private": repository.private, "sha": sha, "tags": []})
        else:
            self.resolve(path)

    def resolve(self, path: str) -> None:
        name, _, rest = path.lstrip("/").partition("/resolve/")
        repository = self.repository(name)
        if repository is None:
            return
        revision, _, file = rest.rpartition("/")
        oid = repository.find(revision)
        if oid is None:
            self.fail(404, "RevisionNotFound")
        elif file not in repository.commits[oid]:
            self.fail(404, "EntryNotFound", **{"X-Repo-Commit": oid})
        else:
            data = repository.commits[oid][file]
            sha = hashlib.sha256(data).hexdigest()
            headers = {"X-Repo-Commit": oid, "ETag": f'"{sha}"'}
            if file.endswith(LARGE):  # as the Hub, which keeps them on another host
                self.server.blobs[sha] = data
                linked = {"X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{sha}"'}
                self.answer(
                    302, headers | linked | {"Location": f"http://localhost:{self.server.server_address[1]}/cdn/{sha}"}
                )
            else:
                self.content(data, headers)

    def content(self, data: bytes, headers: dict[str, str]) -> None:
        asked = self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked:
            self.server.ranges.append(asked)
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        rest = data[first:]
        self.answer(206 if asked else 200, headers | {"Content-Length": str(len(rest))})
        if self.command == "GET":
            broken = self.server.breaks > 0
            self.server.breaks -= broken
            self.wfile.write(rest[: len(rest) // 2] if broken else rest)

    def do_PUT(self) -> None:
        self.server.requests.append((self.command, self.path))
        self.server.blobs[self.path.removeprefix("/lfs/")] = self.body()
        self.answer(200, {})

    def do_POST(self) -> None:
        body = self.body()
        if self.refused(needs_token=True):
            return
        path = unquote(self.path)
        if path == "/api/validate-yaml":
            return self.json({})
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path.endswith("/info/lfs/objects/batch"):
            found = [each | {"actions": self.upload(each["oid"])} for each in json.loads(body)["objects"]]
            return self.json({"transfer": "basic", "objects": found})
        owner, name, what, revision = path.removeprefix("/api/models/").split("/", 3)
        repository = self.repository(f"{owner}/{name}")
        if repository is None:
            return None
        if what == "preupload":
            paths = [each["path"] for each in json.loads(body)["files"]]
            modes = {path: "lfs" if path.endswith(LARGE) else "regular" for path in paths}
            return self.json(
                {"files": [{"path": path, "uploadMode": modes[path], "shouldIgnore": False} for path in paths]}
            )
        if what == "branch":
            if revision in repository.branches:
                return self.fail(409, "Exists")
            repository.branches[revision] = repository.branches["main"]
            return self.json({})
        assert what == "commit", path
        return self.commit(f"{owner}/{name}", revision, [json.loads(line) for line in body.splitlines()])

    def create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        if wanted["organization"] == "somebody-else":
            return self.fail(403, "Forbidden", "You don't have the rights to create a model under this namespace")
        if name in self.server.repositories:
            return self.json({"url": f"{self.server.url}/{name}"}, 409)
        made = self.server.repositories[name] = Repository(
            private=wanted.get("visibility") == "private" or bool(wanted.get("private"))
        )
        made.commit({".gitattributes": b""})
        return self.json({"url": f"{self.server.url}/{name}", "name": name, "id": name})

    def upload(self, oid: str) -> dict[str, Any]:
        return {"upload": {"href": f"{self.server.url}/lfs/{oid}"}}

    def commit(self, name: str, branch: str, lines: list[dict[str, Any]]) -> None:
        files, message = {}, ""
        for key, value in ((line["key"], line["value"]) for line in lines):
            if key == "header":
                message = value["summary"]
            elif key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert key == "lfsFile", key
                files[value["path"]] = self.server.blobs[value["oid"]]
        oid = self.server.repositories[name].commit(files, branch, message)
        self.json({"commitOid": oid, "commitUrl": f"{self.server.url}/{name}/commit/{oid}"})

    def repository(self, name: str) -> Repository | None:
        """The repository, if it is there and may be seen; else the answer is sent."""
        found = self.server.repositories.get(name)
        if found is None or (found.private and self.token() is None):
            self.fail(401, "RepoNotFound", "Repository not found")
            return None
        return found

    def refused(self, needs_token: bool = False) -> bool:
        self.server.requests.append((self.command, self.path))
        if self.server.status is not None:
            self.fail(self.server.status, "", "the Hub is down")
        elif self.token() not in (None, TOKEN) or (needs_token and self.token() is None):
            self.fail(401, "", "Invalid credentials in Authorization header")
        else:
            return False
        return True

    def token(self) -> str | None:
        header = self.headers.get("Authorization")
        return header.removeprefix("Bearer ") if header else None

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def json(self, value: Any, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.answer(status, {"Content-Type": "application/json", "Content-Length": str(len(data))})
        self.wfile.write(data)

    def fail(self, status: int, code: str, message: str = "", **headers: str) -> None:
        self.answer(status, {"X-Error-Code": code, "X-Error-Message": message, "Content-Length": "0"} | headers)

    def answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def serve() -> Iterator[Hub]:
    hub = Hub()
    threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
