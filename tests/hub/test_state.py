"""What layers hold beside plain weights survives `zoo.save`, or is refused: LoRA, quantization, frozen flags."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.hub import ZooModel, loading, saving, source, verifying

from .conftest import values


def test_lora_is_multiplied_into_the_kernels(toy: ZooModel, tmp_path: Path, images: np.ndarray) -> None:
    head, conv = toy.get_layer("head"), toy.get_layer("conv")
    plain = keras.ops.convert_to_numpy(head.kernel)
    head.enable_lora(2, lora_alpha=6)
    conv.enable_lora(1)
    a, b = np.arange(8.0).reshape(4, 2), np.ones((2, 3))
    head.lora_kernel_a.assign(a)
    head.lora_kernel_b.assign(b)
    conv.lora_kernel_b.assign(np.full(conv.lora_kernel_b.shape, 0.5))
    folder = saving.save(toy, tmp_path / "lora")
    again = loading.load(folder)
    assert np.allclose(values(again)["head/kernel"], plain + 6 / 2 * a @ b)
    assert not again.get_layer("head").lora_enabled and len(again.trainable_weights) == 6
    assert np.allclose(saving.golden_logits(again, images), saving.golden_logits(toy, images), rtol=1e-5)
    assert source.card(folder).frozen == () and verifying.verify(folder)[0].ok


@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_quantized_layers_are_refused_with_the_way_out(mode: str, tmp_path: Path) -> None:
    model = loading.build("toy_w4_shelf")
    model.get_layer("head").quantize(mode)
    with pytest.raises(ValueError, match=rf"'head' is quantized \({mode}\).*model.save\('model.keras'\) keeps them"):
        saving.save(model, tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_a_quantized_model_comes_back_from_its_keras_file(toy: ZooModel, tmp_path: Path, images: np.ndarray) -> None:
    toy.get_layer("head").quantize("int8")
    toy.save(tmp_path / "small.keras")
    again = loading.load(tmp_path / "small.keras")
    assert again.get_layer("head").quantization_mode == "int8" and again.labels == toy.labels
    assert np.allclose(saving.golden_logits(again, images), saving.golden_logits(toy, images), rtol=1e-5)


def test_frozen_layers_stay_frozen(toy: ZooModel, tmp_path: Path) -> None:
    for layer in toy.layers:
        layer.trainable = layer.name == "head"
    folder = saving.save(toy, tmp_path / "frozen")
    again = loading.load(folder)
    assert [w.path for w in again.trainable_weights] == ["head/kernel", "head/bias"]
    assert [layer.trainable for layer in again.layers] == [layer.trainable for layer in toy.layers]
    assert verifying.verify(folder)[0].ok
    assert source.card(saving.save(again, tmp_path / "again")).frozen == source.card(folder).frozen
    free = saving.save(loading.build("toy_w4_shelf"), tmp_path / "free")
    assert source.card(free).frozen == () and len(loading.load(free).trainable_weights) == 6


def test_a_single_variable_stays_frozen(toy: ZooModel, tmp_path: Path) -> None:
    toy.get_layer("conv").bias.trainable = False
    folder = saving.save(toy, tmp_path / "frozen")
    assert source.card(folder).frozen == ("conv/bias",)
    again = loading.load(folder)
    assert "conv/bias" not in [w.path for w in again.trainable_weights] and len(again.trainable_weights) == 5


def test_a_wholly_frozen_model_takes_a_new_head_that_learns(toy: ZooModel, tmp_path: Path) -> None:
    toy.trainable = False
    folder = saving.save(toy, tmp_path / "frozen")
    assert loading.load(folder).trainable_weights == []
    assert [w.path for w in loading.load(folder, num_classes=5).trainable_weights] == ["head/kernel", "head/bias"]
    assert verifying.verify(folder)[0].ok
