"""`zoo.convert`: the authors' files give the authors' logits, and what does not fit is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from tests.models import torchvision
from tests.models.lpsc import reference as lpsc
from tests.models.shared_basis import reference as shared_basis
from zoo.cli import main
from zoo.testing import Golden, assert_close, load_golden

pytestmark = pytest.mark.once

GOLDEN = Path(__file__).parents[1] / "golden"
BASES = {
    "cifar10_resnet32_double_S16U1": "shared_basis_resnet32_s16u1_double_cifar10",
    "cifar100_mobilenetv2_shared": "shared_basis_mobilenetv2_cifar100",
}
MORE_BASES = {
    "cifar100_resnet34_single_S32U1": "shared_basis_resnet34_s32u1_cifar100",
    "cifar100_resnext50_single_S64U4": "shared_basis_resnext50_s16u1_cifar100",
    "cifar100_densenet121_single_S16U1": "shared_basis_densenet121_s64u4_cifar100",
    "ilsvrc_resnet34_double_S48U1": "shared_basis_resnet34_s48u1_double_imagenet",
    "ilsvrc_resnet50_shared": "shared_basis_resnet50_imagenet",
    "ilsvrc_resnet101_shared": "shared_basis_resnet101_imagenet",
    "ilsvrc_mobilenetv2_shared": "shared_basis_mobilenetv2_imagenet",
    "ilsvrc_mobilenetv2_shared_pp": "shared_basis_mobilenetv2_pp_imagenet",
    "ilsvrc_mobilenetv2_shared_pp_eca": "shared_basis_mobilenetv2_pp_imagenet",
}
LOG_POLAR = {
    "resnet20_lpc_c10": "lpsc_resnet20_cifar10",
    "alexnet_lpc_c10": "lpsc_alexnet_cifar10",
    "vgg19_bn_lpc_c10": "lpsc_vgg19_bn_cifar10",
    "resnet18_lpc_in1000": "lpsc_resnet18_imagenet",
}


def saved(tensors: dict[str, np.ndarray], folder: Path) -> Path:
    np.savez(folder / "weights.npz", **tensors)
    return folder / "weights.npz"


def with_copies(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As `state_dict` gives it: filters that blocks share once more under the name of each block."""
    found = dict(tensors)
    for name, value in tensors.items():
        if match := re.fullmatch(r"shared_basis_(\d)(_\d)?\.weight", name):
            stage, which = match[1], match[2] or ""
            blocks = {n.split(".")[1] for n in tensors if n.startswith(f"layer{stage}.")} - {"0"}
            found |= {f"layer{stage}.{block}.shared_basis{which}.weight": value for block in blocks}
    return found


def bases_of(fixture: str) -> tuple[Golden, dict[str, np.ndarray]]:
    golden = load_golden(GOLDEN / "dsfb" / f"formula_{fixture}.npz")
    shapes = [tuple(map(int, str(shape).split("x"))) for shape in golden["shapes"]]
    rows = zip(golden["names"], shapes, golden["kinds"], strict=True)
    return golden, {str(name): shared_basis.formula(str(name), shape, str(kind)) for name, shape, kind in rows}


@pytest.mark.parametrize(
    ("fixture", "name"),
    [*BASES.items(), *(pytest.param(*case, marks=pytest.mark.large) for case in MORE_BASES.items())],
)
def test_shared_bases(fixture, name, tmp_path):
    golden, tensors = bases_of(fixture)
    made = zoo.convert(saved(with_copies(tensors), tmp_path), name)
    size = golden.config["size"]
    x = np.random.RandomState(21).standard_normal((2, 3, size, size)).astype("float32")
    found = torchvision.core(made.model, size).predict(shared_basis.nhwc(x), verbose=0)
    assert_close(found[:, :100], golden["eval/logits"][:, :100], 1e-4, name="logits")
    assert ("attention='eca'" in str(made)) == fixture.endswith("eca")
    assert ("shared_basis_4 of the file was left out" in str(made)) == ("densenet" in fixture)


def test_a_file_as_the_authors_write_it(tmp_path):
    """torch, `net_state_dict`, data-parallel prefixes, counters, copies of shared filters; then `zoo.load`."""
    torch = pytest.importorskip("torch", reason="writes a file of torch")
    golden, tensors = bases_of("cifar10_resnet32_double_S16U1")
    state = {f"module.{name}": torch.from_numpy(value) for name, value in with_copies(tensors).items()}
    state["module.bn1.num_batches_tracked"] = torch.tensor(3)
    torch.save({"net_state_dict": state, "optimizer": {"lr": 0.1}, "epoch": 9}, tmp_path / "net.pth")
    name = "shared_basis_resnet32_s16u1_double_cifar10"
    made = zoo.convert(tmp_path / "net.pth", name, out=tmp_path / "out")
    card = zoo.card(made.folder)
    assert card.source == made.source and card.source["file"] == "net.pth" and not card.metrics
    assert card.license.startswith("none stated by the authors") and "not measured here" in card.source["note"]
    assert zoo.verify(made.folder)[0].ok and made.ignored == ("bn1.num_batches_tracked",)
    x = np.random.RandomState(21).standard_normal((2, 3, 32, 32)).astype("float32")
    found = torchvision.core(zoo.load(made.folder), 32).predict(shared_basis.nhwc(x), verbose=0)
    assert_close(found, golden["eval/logits"], 1e-4)
    state["module.layer1.1.shared_basis_1.weight"] = torch.zeros_like(state["module.layer1.1.shared_basis_1.weight"])
    torch.save({"net_state_dict": state}, tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"1 tensor does not fit\s+left over in the file: layer1.1.shared_basis_1"):
        zoo.convert(tmp_path / "net.pth", name)


def test_both_shared_layers_of_bottlenecks(tmp_path):
    """ResNet-50-Shared++, which no fixture holds: the blocks in torch's functions."""
    torch = pytest.importorskip("torch", reason="the original runs on torch")
    tensors = shared_plus_plus()
    state = {name: torch.from_numpy(value) for name, value in tensors.items()}
    mean, std = (np.array(each, "float32") for each in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)))

    def logits(pixels: np.ndarray) -> Any:
        with torch.no_grad():
            return forward(state, torch.from_numpy((pixels - mean) / std).permute(0, 3, 1, 2))

    file = saved(with_copies(tensors), tmp_path)
    assert zoo.convert(file, "shared_basis_resnet50_pp_imagenet", reference=logits).reference_error < 1e-4
    with pytest.raises(ValueError, match=r"logits differ from the reference's by .* expected at most 0.0001"):
        zoo.convert(file, "shared_basis_resnet50_pp_imagenet", reference=lambda pixels: -logits(pixels))


def shared_plus_plus() -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 2048), "fc.bias": (1000,)}
    norms, last = {"bn1": 64}, 64
    for stage, (width, depth) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        shapes |= {f"shared_basis_{stage}_1.weight": (width, width, 3, 3)}
        shapes |= {f"shared_basis_{stage}_2.weight": (4 * width, width, 1, 1)}
        for index in range(depth):
            block = f"layer{stage}.{index}"
            shapes[f"{block}.conv1.weight"] = (width, last, 1, 1)
            norms |= {f"{block}.bn1": width, f"{block}.bn2": width, f"{block}.bn3": 4 * width}
            if index == 0:
                shapes |= {
                    f"{block}.conv2.weight": (width, width, 3, 3),
                    f"{block}.conv3.weight": (4 * width, width, 1, 1),
                }
                shapes[f"{block}.shortcut.0.weight"] = (4 * width, last, 1, 1)
                norms[f"{block}.shortcut.1"] = 4 * width
            last = 4 * width
    parts = ("weight", "bias", "running_mean", "running_var")
    shapes |= {f"{name}.{part}": (size,) for name, size in norms.items() for part in parts}
    return {name: torchvision.formula(name, shape) for name, shape in shapes.items()}


def forward(state: dict[str, Any], x: Any) -> Any:
    from torch.nn import functional

    def norm(x: Any, name: str) -> Any:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return functional.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"])

    x = functional.relu(norm(functional.conv2d(x, state["conv1.weight"], stride=2, padding=3), "bn1"))
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, depth in enumerate((3, 4, 6, 3), start=1):
        for index in range(depth):
            block, strides = f"layer{stage}.{index}", 2 if stage > 1 and index == 0 else 1
            second, third = (f"{block}.conv{part}.weight" for part in (2, 3))
            if index:
                second, third = (f"shared_basis_{stage}_{part}.weight" for part in (1, 2))
            y = functional.relu(norm(functional.conv2d(x, state[f"{block}.conv1.weight"]), f"{block}.bn1"))
            y = functional.conv2d(y, state[second], stride=strides, padding=1)
            y = norm(functional.conv2d(functional.relu(norm(y, f"{block}.bn2")), state[third]), f"{block}.bn3")
            if index == 0:
                x = norm(
                    functional.conv2d(x, state[f"{block}.shortcut.0.weight"], stride=strides), f"{block}.shortcut.1"
                )
            x = functional.relu(y + x)
    return functional.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


def test_e4_with_the_norm_that_breaks_the_symmetry(tmp_path):
    """The norm becomes its mean over the group, and the report says what that does to the logits."""
    golden = load_golden(GOLDEN / "e4net" / "mnistrot_normal_official.npz")
    made = zoo.convert(saved(golden.group("weights"), tmp_path), "e4net_mnistrot")
    (first, second) = made.notes
    assert "the mean over the group" in first
    said = float(re.search(r"move by up to (\S+) of the largest", second)[1])
    assert 0.001 < said < 10
    gamma = golden["weights/conv3.conv1.1.weight"].reshape(-1, 4).mean(axis=1)
    assert_close(made.model.get_layer("conv3").generator_gamma, gamma, 1e-6)
    assert zoo.evaluation.equivariance_error(made.model, np.full((1, 28, 28, 1), 100.0, "float32")).max() < 1e-4


def test_e4_with_a_norm_that_does_not(tmp_path):
    golden = load_golden(GOLDEN / "e4net" / "mnistrot_normal_shared.npz")
    made = zoo.convert(saved(golden.group("weights"), tmp_path), "e4net_mnistrot")
    assert made.notes == () and made.source["license"].startswith("MIT")
    core = keras.Model(made.model.layers[1].output, made.model.output)
    found = core.predict(shared_basis.nhwc(golden["input"]), verbose=0)
    assert_close(found, golden["eval/output"], 1e-4)


@pytest.mark.parametrize(("fixture", "name"), LOG_POLAR.items())
def test_log_polar(fixture, name, tmp_path):
    golden = load_golden(GOLDEN / "lpsc" / f"model_{fixture}.npz")
    made = zoo.convert(saved(lpsc.named(golden), tmp_path), name)
    assert "non-commercial" in made.source["license"]
    found = torchvision.core(made.model, golden["x"].shape[2]).predict(golden["x"].transpose(0, 2, 3, 1), verbose=0)
    assert_close(found, golden["logits"], 1e-4)


@pytest.mark.parametrize("decoder", [True, False])
def test_deeplab_by_names_and_shapes(decoder, tmp_path):
    name = f"lpsc_deeplabv3{'plus' if decoder else ''}_mobilenetv2_voc2012"
    tensors = deeplab(decoder)
    made = zoo.convert(saved(tensors, tmp_path), name)
    assert made.tensors == len(tensors) and any("near the borders" in note for note in made.notes)
    expected = tensors["backbone.high_level_features.17.conv.1.0.weight"].transpose(2, 3, 0, 1)
    assert_close(made.model.get_layer("stage7_block1_depthwise").kernel, expected, 0.0)


def deeplab(decoder: bool) -> dict[str, np.ndarray]:
    """Every tensor that the authors' DeepLab on MobileNetV2 has, by their names."""
    convs: dict[str, tuple[int, ...]] = {"backbone.low_level_features.0.0": (32, 3, 3, 3)}
    norms, place, last = {"backbone.low_level_features.0.1": 32}, 1, 32
    for expansion, width, count in (
        (1, 16, 1),
        (6, 24, 2),
        (6, 32, 3),
        (6, 64, 4),
        (6, 96, 3),
        (6, 160, 3),
        (6, 320, 1),
    ):
        for _ in range(count):
            level = "low" if place < 4 else "high"
            block, inner, step = f"backbone.{level}_level_features.{place}.conv", expansion * last, int(expansion > 1)
            if expansion > 1:
                convs[f"{block}.0.0"], norms[f"{block}.0.1"] = (inner, last, 1, 1), inner
            convs[f"{block}.{step}.0"], norms[f"{block}.{step}.1"] = (inner, 1, 3, 3), inner
            convs[f"{block}.{step + 1}"], norms[f"{block}.{step + 2}"] = (width, inner, 1, 1), width
            place, last = place + 1, width
    aspp = "classifier.aspp" if decoder else "classifier.classifier.0"
    for branch, (index, size) in enumerate(((0, 1), (0, 3), (0, 3), (1, 4), (1, 1))):
        convs[f"{aspp}.convs.{branch}.{index}"] = (256, 320, size, size)
        norms[f"{aspp}.convs.{branch}.{index + 1}"] = 256
    convs[f"{aspp}.project.0"], norms[f"{aspp}.project.1"] = (256, 1280, 1, 1), 256
    first = 0 if decoder else 1
    convs[f"classifier.classifier.{first}"] = (256, 304 if decoder else 256, 3, 3)
    norms[f"classifier.classifier.{first + 1}"], head = 256, f"classifier.classifier.{first + 3}"
    convs[head] = (21, 256, 1, 1)
    if decoder:
        convs["classifier.project.0"], norms["classifier.project.1"] = (48, 24, 1, 1), 48
    shapes = {f"{name}.weight": shape for name, shape in convs.items()}
    shapes |= {f"{head}.bias": (21,), f"{aspp}.convs.3.1.bias": (256,)}
    parts = ("weight", "bias", "running_mean", "running_var")
    shapes |= {f"{name}.{part}": (size,) for name, size in norms.items() for part in parts}
    return {name: torchvision.formula(name, shape) for name, shape in shapes.items()}


def test_graphs(tmp_path):
    """The authors' module with all its parameters; the mapping's logits are in pdegcn/test_golden.py."""
    shapes = {"K1Nopen": (64, 1433), "K2Nopen": (64, 64), "KNclose": (7, 64), "KN1": (16, 64, 64), "KN2": (16, 64, 64)}
    tensors = {name: torchvision.formula(name, shape) for name, shape in (shapes | {"alpha": (1, 1)}).items()}
    made = zoo.convert(saved(tensors, tmp_path), "pdegcn_m_cora")
    assert sorted(note.split()[0] for note in made.notes) == ["K2Nopen", "KN2"]
    assert_close(made.model.get_layer("pde").kernel, tensors["KN1"].swapaxes(1, 2), 0.0)
    with pytest.raises(ValueError, match=r"left over in the file: alpha\s+nearest registered network: 'pdegcn_m_cora'"):
        zoo.convert(tmp_path / "weights.npz", "pdegcn_cora")
    part = {name: tensors[name] for name in ("K1Nopen", "KNclose")}
    with pytest.raises(ValueError, match="missing in the file: pde/kernel") as error:
        zoo.convert(saved(part, tmp_path), "pdegcn_cora")
    assert "nearest" not in str(error.value)  # a part of a file fits many networks a little


@pytest.fixture
def small(tmp_path):
    golden = load_golden(GOLDEN / "lpsc" / "model_resnet20_lpc_c10.npz")
    return lpsc.named(golden), tmp_path


def test_all_faults_come_in_one_error(small):
    tensors, folder = small
    tensors["extra"] = tensors.pop("layer1.0.conv1.weight")
    tensors["fc.weight"] = tensors["fc.weight"][:7]
    with pytest.raises(ValueError) as error:
        zoo.convert(saved(tensors, folder), "lpsc_resnet20_cifar10")
    text = str(error.value)
    assert "3 tensors do not fit" in text and "left over in the file: extra" in text
    assert "missing in the file: stage1_block1_conv1/kernel (3, 3, 16, 16)" in text
    assert "of another shape: fc.weight is (64, 7) as head/kernel, which is (64, 10)" in text
    with pytest.raises(ValueError, match=r"\n  missing in the file: [0-9]+ more") as error:
        zoo.convert(folder / "weights.npz", "lpsc_resnet32_cifar10")
    assert str(error.value).count("missing in the file") == 11


def test_the_nearest_network_is_named(small):
    tensors, folder = small
    with pytest.raises(ValueError, match="nearest registered network: 'lpsc_resnet20_cifar10'"):
        zoo.convert(saved(tensors, folder), "lpsc_resnet32_cifar10")
    with pytest.raises(ValueError, match="nearest registered network: 'lpsc_resnet20_cifar10'"):
        zoo.convert(folder / "weights.npz", "e4net_mnistrot")


def test_other_heads_and_names(small):
    tensors, folder = small
    tensors |= {"fc.weight": tensors["fc.weight"][:3], "fc.bias": tensors["fc.bias"][:3]}
    made = zoo.convert(
        saved(tensors, folder), "lpsc_resnet20_cifar10", num_classes=3, labels=["a", "b", "c"], out=folder / "x"
    )
    assert zoo.card(folder / "x").labels == ("a", "b", "c") and made.model.output_shape == (None, 3)
    with pytest.raises(ValueError, match="without a tag"):
        zoo.convert(folder / "weights.npz", "lpsc_resnet20_cifar10.v2")
    with pytest.raises(ValueError, match="Did you mean 'lpsc_resnet20_cifar10'"):
        zoo.convert(folder / "weights.npz", "lpsc_resnet20_cifar1")
    with pytest.raises(ValueError, match="read from no file but zoo's own"):
        zoo.convert(folder / "weights.npz", "synaptic_vgg16_cifar10")


def test_the_command(small, capsys):
    tensors, folder = small
    file = saved(tensors, folder)
    words = ["convert", str(file), "lpsc_resnet20_cifar10", "--out", str(folder / "out"), "--license", "mine", "--json"]
    assert main(words) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["tensors"] == len(tensors) and facts["source"]["license"] == "mine"
    assert zoo.card(folder / "out").license == "mine"
    assert main(words) == 2 and "--overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0 and json.loads(capsys.readouterr().out) == facts
    assert main(["convert", str(file), "lpsc_resnet32_cifar10", "--out", str(folder / "no")]) == 2
    assert "nearest registered network" in capsys.readouterr().err and not (folder / "no").exists()
