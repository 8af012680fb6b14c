from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.page.toy import picture, write_version


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    """A server with one toy for images and one that takes none."""
    pytest.importorskip("onnx", reason="the toy is an ONNX file")
    pytest.importorskip("onnxruntime", reason="the toy runs on ONNX Runtime")
    from zoo.serving import serve

    folder = tmp_path_factory.mktemp("models")
    write_version(folder / "corner" / "1")
    write_numbers(folder / "numbers" / "1")
    with serve(model_dir=folder, port=0, grpc_port=None, wait=False) as running:
        yield running


def write_numbers(folder: Path) -> None:
    """A model that doubles three numbers."""
    import onnx
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in ("x", "logits")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["logits"])], "double", values[:1], values[1:])
    folder.mkdir(parents=True)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "model.onnx"
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The file of an image that the toy calls bright."""
    (tmp_path / "bright.png").write_bytes(picture())
    return tmp_path / "bright.png"
