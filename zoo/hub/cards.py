"""The card: the one place where the facts about a set of weights stand."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from zoo._suggestions import did_you_mean
from zoo.hub import card_table

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Size in bytes, SHA-256 in hexadecimal, and the URLs a file may be downloaded from, tried in order.

    `format` is `"packed"` for a safetensors file that leaves zeros out (see `zoo.hub.packing`), else None. `of` is
    `"model.tag/file"` for a file that lies with other published weights and is shared with them, else None.
    """

    size: int
    sha256: str
    urls: tuple[str, ...] = ()
    format: str | None = None
    of: str | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """Identity, origin, files and measured numbers of one set of weights.

    A card with a tag describes published weights and is complete; a card without one comes from `zoo.save` (or, for
    a model that has no weights yet, from its preset), and then only the first group is certain to be filled.

    Attributes:
        name: the model's name.
        family: the family that builds it.
        summary: one line for tables.
        task: what the model does.
        labels: class names in logit order.
        architecture: `config_class`, `config`, `parameters` (those that are trained), `macs` (multiply-adds
            for one input, or None) and `flops_convention`.
        files: facts of every file of the set, by name.
        frozen: what `zoo.load` freezes: paths of layers and variables within the model, `"."` being all of it.
        tag: the tag of published weights, else None.
        paper: `key`, `title`, `authors`, `venue`, `year` and `url`, or None.
        deviations: how the model differs from the paper, one sentence each.
        dataset: `name`, `split`, `license` and `note`, or None.
        metrics: measured numbers, each with `name`, `split`, `value`, `unit`, `seeds`, `values`, `mean`, `std`,
            `paper_value`, `paper_note` and the `command` that prints it; perhaps `note`, on what it was measured.
        recipe: what decided the training run, or None.
        training: `seed`, `minutes`, `hardware`, `versions`, `date`, `commit` and `selection`, or None.
        source: of converted weights the `file`, its `sha256`, whose `layout` it has, its `license`, and in `note` what
            is known of its numbers; also `origin` and `notice`. None for weights that were trained here.
        expects: what images look like: `note`, and the range of the mean of an image's outermost pixels (`border`) and
            of all (`mean`), or None where any image may come.
        symmetry: facts about equivariance, or None.
        license: the licence of the weights.
        citation: how to cite the paper.
    """

    name: str
    family: str
    summary: str
    task: str
    labels: tuple[str, ...]
    architecture: dict[str, Any]
    files: dict[str, FileFacts]
    frozen: tuple[str, ...] = ()
    tag: str | None = None
    paper: dict[str, Any] | None = None
    deviations: tuple[str, ...] = ()
    dataset: dict[str, Any] | None = None
    metrics: tuple[dict[str, Any], ...] = ()
    recipe: dict[str, Any] | None = None
    training: dict[str, Any] | None = None
    source: dict[str, Any] | None = None
    expects: dict[str, Any] | None = None
    symmetry: dict[str, Any] | None = None
    license: str | None = None
    citation: str | None = None
    schema_version: int = SCHEMA_VERSION

    @classmethod
    def load(cls, path: Path) -> Card:
        """Read and check `card.json`."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise FileNotFoundError(_what_is_missing(path.parent)) from None
        except NotADirectoryError:
            raise ValueError(_what_a_file_is(path.parent)) from None
        except UnicodeDecodeError as error:
            raise ValueError(f"card {path} is not UTF-8 text: {error}") from None
        try:
            data = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"card {path} is not valid JSON: {error}") from None
        return cls.from_dict(data, where=str(path))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, where: str = "from a dictionary") -> Card:
        """Check `data` against the schema; a `ValueError` names every fault and `where` it was found."""
        try:
            fields = json.loads(json.dumps(data, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"card {where} holds a value that JSON cannot: {error}") from None
        written = fields.get("schema_version") if isinstance(fields, dict) else None
        if type(written) is int and written > SCHEMA_VERSION:
            raise ValueError(
                f"card {where} has the schema version {written}, and this version of zoo reads {SCHEMA_VERSION}: "
                "a newer one wrote it; pip install --upgrade zoo"
            )
        faults = [
            f"{fault.json_path.removeprefix('$.')}: {fault.message}" for fault in _validator().iter_errors(fields)
        ]
        if faults:
            raise ValueError(f"card {where} is not valid:\n  " + "\n  ".join(sorted(faults)))
        return cls._of(fields)

    @classmethod
    def of_preset(cls, facts: Mapping[str, Any]) -> Card:
        """The card of a model without weights, unchecked: `zoo list` makes a hundred, and presets check themselves."""
        return cls._of(json.loads(json.dumps(facts)) | {"files": {}})

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Card:
        for key in ("labels", "frozen", "deviations", "metrics"):
            fields[key] = tuple(fields.get(key) or ())
        fields["files"] = {
            name: FileFacts(**facts | {"urls": tuple(facts.get("urls") or ())})
            for name, facts in fields["files"].items()
        }
        return cls(**fields)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain JSON types, every key present; `Card.from_dict` reads it back."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @property
    def full_name(self) -> str:
        """The name with the tag of the weights, where they are published: what `zoo.load` takes."""
        return f"{self.name}.{self.tag}" if self.tag else self.name

    @property
    def is_own(self) -> bool:
        """Whether it describes weights of a user's own, saved or from a run: `name` is then the architecture's."""
        return bool(self.files) and self.tag is None

    @property
    def weights_size(self) -> int:
        """Bytes of the files of weights."""
        return sum(facts.size for name, facts in self.files.items() if name.endswith(".safetensors"))

    @staticmethod
    def measured(metric: Mapping[str, Any], *, spread: bool = True) -> str:
        """One of the card's metrics as people read it: two decimals of percent, and the spread over seeds."""
        return card_table.measured(metric, spread=spread)

    def __str__(self) -> str:
        """What a reader wants first, a line a fact; `repr` has everything."""
        return card_table.text(self)

    def _repr_html_(self) -> str:
        """The same as a table, which notebooks show."""
        return card_table.table(self)

    def to_json(self) -> str:
        """The text of `card.json`."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


@functools.cache
def _validator() -> Any:
    import jsonschema  # not at the top: a card that needs no check does not wait for it

    base = jsonschema.Draft202012Validator

    def check_items(validator: Any, items: Any, instance: Any, schema: Any) -> Any:
        """Strings at a glance: one at a time, a thousand labels take longer than all the rest of a card."""
        if items == {"type": "string"} and isinstance(instance, list) and all(type(item) is str for item in instance):
            return ()
        return base.VALIDATORS["items"](validator, items, instance, schema)

    schema = json.loads((Path(__file__).parent / "card.schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.extend(base, {"items": check_items})(schema)


def _what_is_missing(folder: Path) -> str:
    """What to do about a folder that is not there, or has no card."""
    if folder.is_dir():
        return f"{folder} has no card.json: expected a folder written by zoo.save, or that of a run"
    near = did_you_mean(folder.name, sorted(path.name for path in folder.parent.glob("*/")))
    return f"No such folder: {folder}.{near}"


def _what_a_file_is(path: Path) -> str:
    """What to do with a file where a folder with a card is expected."""
    expected = f"Expected a folder written by zoo.save; got the file {path}"
    if (path.parent / "card.json").is_file():
        return f"{expected}, one file of the set in {path.parent}: name that folder, zoo.load({str(path.parent)!r})"
    return f"{expected}, and there is no card.json beside it: the card says which network the weights belong to"


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")
