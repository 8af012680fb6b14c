from __future__ import annotations

import importlib.util
import types

import pytest

from tests.serving import artifacts
from zoo.serving import serve, sources
from zoo.serving.settings import ModelConfig, Settings

pytestmark = pytest.mark.once


def test_a_folder_of_models_and_a_model(models):
    assert sources.in_folder(models) == [ModelConfig("net", models / "net")]
    assert sources.in_folder(models / "net") == [ModelConfig("net", models / "net")]


def test_folders_without_models(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        sources.in_folder(tmp_path / "none")
    (tmp_path / "notes").mkdir()
    with pytest.raises(FileNotFoundError, match=r"No models in .*expected <model>/<number>/"):
        sources.in_folder(tmp_path)


def test_a_configuration_file_of_tensorflow_serving(tmp_path, models):
    pytest.importorskip("tensorflow_serving", reason="models.config needs the extra `serving`")
    file = tmp_path / "models.config"
    file.write_text(
        f"""model_config_list {{
          config {{ name: "a" base_path: "{models}/net" model_platform: "tensorflow"
                   model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
                   version_labels {{ key: "stable" value: 1 }} }}
          config {{ name: "b" base_path: "file://{models}/net" model_version_policy {{ all {{}} }} }}
          config {{ name: "c" base_path: "{models}/net" }}
        }}"""
    )
    folder = models / "net"
    first, *others = sources.from_file(file)
    assert first == ModelConfig("a", folder, versions=(1, 2), labels={"stable": 1})
    assert others == [ModelConfig("b", folder, None), ModelConfig("c", folder, 1)]
    file.write_text("something else")
    with pytest.raises(ValueError, match="is no models.config"):
        sources.from_file(file)
    file.write_text("model_config_list {}")
    with pytest.raises(ValueError, match="lists no models"):
        sources.from_file(file)
    file.write_text('model_config_list { config { name: "a" base_path: "/nowhere/at/all" } }')
    with pytest.raises(FileNotFoundError, match="of model 'a' does not exist"):
        sources.from_file(file)


@pytest.mark.parametrize(
    ("config", "found", "wanted"),
    [
        ({}, {1, 2, 10}, {10}),
        ({"latest": 2}, {1, 2, 10}, {2, 10}),
        ({"latest": None}, {1, 2}, {1, 2}),
        ({"versions": (1, 7)}, {1, 2}, {1}),
        ({"labels": {"stable": 1, "gone": 5}}, {1, 2, 3}, {1, 3}),
        ({}, set(), set()),
    ],
)
def test_wanted_versions(tmp_path, config, found, wanted):
    assert ModelConfig("net", tmp_path, **config).wanted(found) == wanted


def test_labels(tmp_path):
    configs = [ModelConfig("a", tmp_path), ModelConfig("b", tmp_path)]
    first, second = sources.with_labels(configs, {"stable": 1, "b:canary": 2})
    assert first.labels == {"stable": 1} and second.labels == {"stable": 1, "canary": 2}
    with pytest.raises(ValueError, match="names a model that is not served"):
        sources.with_labels(configs, {"c:stable": 1})
    with pytest.raises(ValueError, match="Two models are called 'a'"):
        sources.with_labels([*configs, configs[0]], {})
    with pytest.raises(ValueError, match="cannot stand in an address"):
        sources.with_labels([ModelConfig("a:b", tmp_path)], {})


def test_a_name_is_exported_once(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    calls = []

    def export(name, root, *, format):
        calls.append((name, format))
        return artifacts.write_onnx(root / "e4net_mnistrot")

    monkeypatch.setattr("zoo.exporting.export", export)
    first = sources.exported("e4net_mnistrot", "onnx")
    assert sources.exported("e4net_mnistrot", "onnx") == first and calls == [("e4net_mnistrot", "onnx")]
    assert first.name == "e4net_mnistrot" and first.folder.is_relative_to(tmp_path)
    assert sources.exported("e4net_mnistrot", "tensorflow").folder != first.folder
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert sources.exported("e4net_mnistrot", None).folder != first.folder
    assert calls[1:] == [("e4net_mnistrot", "savedmodel")]


def test_a_model_of_ones_own_is_called_by_its_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("zoo.exporting.export", lambda name, root, *, format: artifacts.write_onnx(root / "net"))
    own = types.SimpleNamespace(name="net", tag=None, files={}, is_own=True)
    monkeypatch.setattr("zoo.hub.card", lambda name: own)
    for name in (tmp_path / "runs" / "pets", f"{tmp_path}/runs/pets/", "hf://me/pets", "hf://me/pets@v1"):
        assert sources.exported(name, "onnx").name == "pets"


def test_a_folder_of_versions_is_served_as_it_is(models):
    assert sources.exported(models / "net", None) == ModelConfig("net", models / "net")
    assert sources.exported(str(models / "net"), None).name == "net"


def test_an_unknown_name():
    with pytest.raises(ValueError, match="no_such_model"):
        serve("no_such_model", port=0)


def test_an_address_is_no_folder():
    with pytest.raises(ValueError, match="gs://bucket/models is an address"):
        serve(model_dir="gs://bucket/models", port=0)


def test_nothing_to_serve():
    with pytest.raises(ValueError, match="Nothing to serve"):
        serve()


def test_a_model_that_cannot_be_loaded(tmp_path):
    folder = artifacts.write_onnx(tmp_path / "net")
    (folder / "model.onnx").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"The model 'net' cannot be served: version 1: .*cannot be opened"):
        serve(model_dir=tmp_path, port=0, grpc_port=None, wait=False)
    (folder / "model.onnx").unlink()
    with pytest.raises(ValueError, match="no version of it is in"):
        serve(model_dir=tmp_path, port=0, grpc_port=None, wait=False)


def test_litert_files_are_left_out(tmp_path, start, caplog):
    for number in ("3", "4"):
        (tmp_path / "models" / "net" / number).mkdir(parents=True)
        (tmp_path / "models" / "net" / number / "model.tflite").write_bytes(b"")
    with pytest.raises(ValueError, match="versions 3, 4 are LiteRT files, .* export it as savedmodel or onnx"):
        start()
    artifacts.write_onnx(tmp_path / "models" / "net")
    caplog.clear()
    server = start(labels={"stable": 1, "gone": 99})
    server.service.refresh()
    assert [row[1] for row in server.served()] == ["1"]
    assert caplog.text.count("net version 4 is left out: a LiteRT file") == 1
    assert "label gone of net names version 99" in caplog.text and "label stable" not in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_batch_size": 0}, "`max_batch_size` to be a positive integer; got 0"),
        ({"max_rows": 1.5}, "`max_rows` to be a positive integer"),
        ({"read_seconds": 0}, "`read_seconds` to be a number above 0; got 0"),
        ({"batch_timeout_ms": -1}, "`batch_timeout_ms` to be a number of at least 0"),
        ({"engine": "torch"}, "engine of onnx, tensorflow; got 'torch'"),
    ],
)
def test_settings_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        Settings(**options)


def test_a_folder_of_models_in_the_place_of_one(models):
    with pytest.raises(FileNotFoundError, match="To serve every model in it: --model-dir"):
        sources.exported(models, None)
