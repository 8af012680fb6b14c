"""Reading files of weights: kinds, number types, containers, and what is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from zoo.hub.checkpoints import read_checkpoint

pytestmark = pytest.mark.once

VALUES = {"layer.weight": np.arange(6, dtype="float32").reshape(2, 3), "layer.bias": np.array([0.5, -2.0], "float32")}


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="writes files of torch")


def check(found: dict[str, np.ndarray]) -> None:
    assert found.keys() == VALUES.keys()
    for name, value in VALUES.items():
        assert found[name].dtype == np.float32 and np.array_equal(found[name], value)


def tensors(torch: Any, dtype: str = "float32") -> dict[str, Any]:
    return {name: torch.from_numpy(value).to(getattr(torch, dtype)) for name, value in VALUES.items()}


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_torch(torch: Any, tmp_path: Path, dtype: str) -> None:
    """Numbers that every type holds exactly."""
    torch.save(tensors(torch, dtype), tmp_path / "w.pth")
    found = read_checkpoint(tmp_path / "w.pth")
    check(found.tensors)
    assert len(found.sha256) == 64 and found.path.name == "w.pth"


def test_the_old_format_of_torch(torch: Any, tmp_path: Path) -> None:
    torch.save(tensors(torch), tmp_path / "w.pth.tar", _use_new_zipfile_serialization=False)
    check(read_checkpoint(tmp_path / "w.pth.tar").tensors)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_safetensors(tmp_path: Path, dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="NumPy has no bfloat16")
    kind = np.dtype(getattr(ml_dtypes, dtype) if dtype == "bfloat16" else dtype)
    safetensors.numpy.save_file({name: value.astype(kind) for name, value in VALUES.items()}, tmp_path / "w.bin")
    check(read_checkpoint(tmp_path / "w.bin").tensors)


def test_numpy_and_keras(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason="comes with Keras")
    np.savez(tmp_path / "w.npz", **VALUES)
    check(read_checkpoint(tmp_path / "w.npz").tensors)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["model_weights/conv/kernel:0"] = VALUES["layer.weight"]
        file["optimizer_weights/m"] = np.zeros(3)
    assert list(read_checkpoint(tmp_path / "w.h5").tensors) == ["conv/kernel:0"]


@pytest.mark.parametrize("key", ["net_state_dict", "state_dict", "model_state"])
def test_containers_prefixes_and_counters(torch: Any, tmp_path: Path, key: str) -> None:
    inner = {f"module.{name}": value for name, value in tensors(torch).items()}
    inner["module.norm.num_batches_tracked"] = torch.tensor(7)
    content = {"epoch": 3, key: inner, "optimizer_state_dict": {"state": {0: {"exp_avg": torch.zeros(2)}}}}
    torch.save(content, tmp_path / "w.pth")
    found = read_checkpoint(tmp_path / "w.pth")
    check(found.tensors)
    assert found.ignored == ("norm.num_batches_tracked",)


def test_several_dictionaries_are_asked_about(torch: Any, tmp_path: Path) -> None:
    torch.save({"state_dict": tensors(torch), "ema": {"shadow": tensors(torch)}}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"several dictionaries of tensors, \['ema.shadow', 'state_dict'\].*key="):
        read_checkpoint(tmp_path / "w.pth")
    check(read_checkpoint(tmp_path / "w.pth", key="ema.shadow").tensors)
    with pytest.raises(ValueError, match="called 'model'; it has"):
        read_checkpoint(tmp_path / "w.pth", key="model")


class Dangerous:
    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('the file ran code')",))


def test_code_is_refused_and_not_run(torch: Any, tmp_path: Path) -> None:
    torch.save({"state_dict": tensors(torch), "extra": Dangerous()}, tmp_path / "code.pth")
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps(Dangerous()))
    for name in ("code.pth", "bare.pkl"):
        with pytest.raises(ValueError, match="was not read: .*would run code.*state_dict"):
            read_checkpoint(tmp_path / name)
    np.savez(tmp_path / "code.npz", x=np.array([Dangerous()], dtype=object))
    with pytest.raises(ValueError, match="holds pickled objects, which are not read"):
        read_checkpoint(tmp_path / "code.npz")


def test_a_whole_module_is_refused(torch: Any, tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 3), tmp_path / "module.pth")
    with pytest.raises(ValueError, match="more than tensors"):
        read_checkpoint(tmp_path / "module.pth")


@pytest.mark.parametrize("kind", ["new", "old", "safetensors", "npz", "h5"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_files_that_are_cut_short(torch: Any, tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "file"
    big = {"w": np.random.default_rng(0).normal(size=(50, 40)).astype("float32")}
    if kind in ("new", "old"):
        torch.save({"w": torch.from_numpy(big["w"])}, path, _use_new_zipfile_serialization=kind == "new")
    elif kind == "safetensors":
        safetensors.numpy.save_file(big, path)
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, **big)
    else:
        h5py = pytest.importorskip("h5py", reason="comes with Keras")
        with h5py.File(path, "w") as file:
            file["w"] = big["w"]
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match="cut short|damaged|not a readable"):
        read_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html>not found</html>", b"GIF89a" + bytes(30)])
def test_what_is_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(ValueError, match="no file of weights"):
        read_checkpoint(tmp_path / "w.pth")


def test_no_file_no_tensors(torch: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is none"):
        read_checkpoint(tmp_path / "missing.pth")
    with pytest.raises(FileNotFoundError, match="a folder"):
        read_checkpoint(tmp_path)
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match="no tensors by name"):
        read_checkpoint(tmp_path / "w.pth")
    header = json.dumps({"w": {"dtype": "U16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "odd").write_bytes(len(header).to_bytes(8, "little") + header + bytes(2))
    with pytest.raises(ValueError, match="U16"):
        read_checkpoint(tmp_path / "odd")


def test_half_an_archive(tmp_path):
    file = tmp_path / "half.npz"
    np.savez(file, kernel=np.ones((30, 30)))
    file.write_bytes(file.read_bytes()[:400])
    with pytest.raises(ValueError, match="half.npz is cut short or damaged: the end of the archive"):
        read_checkpoint(file)
