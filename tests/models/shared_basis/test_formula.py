"""The registered networks against the authors', in full size, with weights that a formula gives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.models.shared_basis import reference
from tests.models.shared_basis.losses import gradients
from zoo.hub import find_preset
from zoo.models.shared_basis import BasicResNetConfig, build
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "dsfb"
CASES = {
    "cifar10_resnet32_double_S16U1": ("shared_basis_resnet32_s16u1_double_cifar10", reference.RESNET),
    "cifar10_resnet56_single_S16U1": ("shared_basis_resnet56_s16u1_cifar10", reference.RESNET),
    "cifar10_resnet32_sharedonly_S16": (BasicResNetConfig(shared=16, bases=2), reference.RESNET),
    "cifar100_resnet34_single_S32U1": ("shared_basis_resnet34_s32u1_cifar100", reference.RESNET),
    "cifar100_resnext50_single_S64U4": ("shared_basis_resnext50_s16u1_cifar100", reference.RESNEXT),
    "cifar100_densenet121_single_S16U1": ("shared_basis_densenet121_s64u4_cifar100", reference.DENSENET),
    "cifar100_mobilenetv2_shared": ("shared_basis_mobilenetv2_cifar100", reference.MOBILENET),
    "ilsvrc_resnet34_double_S48U1": ("shared_basis_resnet34_s48u1_double_imagenet", reference.RESNET),
    "ilsvrc_resnet50_shared": ("shared_basis_resnet50_imagenet", reference.RESNET),
    "ilsvrc_resnet101_shared": ("shared_basis_resnet101_imagenet", reference.RESNET),
    "ilsvrc_mobilenetv2_shared": ("shared_basis_mobilenetv2_imagenet", reference.MOBILENET),
    "ilsvrc_mobilenetv2_shared_pp": ("shared_basis_mobilenetv2_pp_imagenet", reference.MOBILENET),
    "ilsvrc_mobilenetv2_shared_pp_eca": ("shared_basis_mobilenetv2_pp_imagenet", reference.MOBILENET),
}


@pytest.mark.large
@pytest.mark.parametrize("name", CASES)
def test_network(name):
    golden = load_golden(FOLDER / f"formula_{name}.npz")
    preset, rules = CASES[name]
    shapes = [tuple(map(int, shape.split("x"))) for shape in golden["shapes"]]
    weights = {
        str(name): reference.formula(str(name), shape, kind)
        for name, shape, kind in zip(golden["names"], shapes, golden["kinds"], strict=True)
    }
    size = golden.config["size"]
    changes = {"input_shape": (size, size, 3), "mean": (0.0,) * 3, "std": (1.0,) * 3, "side": "filters"}
    if "mobilenet" in name:
        changes |= {"dropout": 0.0, "attention": "eca" if name.endswith("eca") else None}
    config = find_preset(preset).config if isinstance(preset, str) else preset
    model = build(dataclasses.replace(config, **changes))
    values = reference.convert(weights, rules)
    if "densenet" in name:  # the authors' last block takes the third block's basis again
        values["stage4_basis/kernel"] = values["stage3_basis/kernel"]
    assert {variable.path for variable in model.weights} == set(values)
    for variable in model.weights:
        variable.assign(values[variable.path])
    core = keras.Model(model.layers[1].output, model.output)
    x = np.random.RandomState(21).standard_normal((2, 3, size, size)).astype("float32")
    x = reference.nhwc(x)
    found = core.predict(x, verbose=0)[:, :100]
    assert_close(found, golden["eval/logits"][:, :100], 1e-4, name="eval logits")
    logits, penalty, found = gradients(core, x)
    slack = max(2e-4, 4 * float(golden["train/f64_maxdiff"]))
    assert_close(logits[:, :100], golden["train/logits"][:, :100], slack, name="train logits")
    if "densenet" not in name:
        assert_close(np.array(penalty / 10), golden["ortho/avg_sim"], 1e-4, name="penalty")
        check_norms(found, golden, rules, 2e-2)  # two images through dozens of normalizations


def check_norms(found, golden, rules, rel):
    """Norms of the gradients; that of a double basis is that of both sets together."""
    expected: dict[str, float] = {}
    for name, norm in zip(golden["names"], golden["train/grad_l2"], strict=True):
        if norm >= 0:
            path = reference.path_of(str(name), rules).removesuffix("_1").removesuffix("_2")
            expected[path] = float(np.hypot(expected.get(path, 0.0), norm))
    assert set(expected) == set(found)
    scale = max(expected.values())
    for path, value in found.items():
        norm = float(np.linalg.norm(value))
        assert abs(norm - expected[path]) <= rel * expected[path] + 1e-6 * scale, (path, norm, expected[path])
