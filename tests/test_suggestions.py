"""A misspelt argument, field or option names the one that was meant."""

from __future__ import annotations

import inspect

import pytest

import zoo
from zoo._suggestions import suggests
from zoo.training import Recipe

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("load", {"num_clases": 5}, "num_classes"),
        ("predict", {"batchsize": 5}, "batch_size"),
        ("evaluate", {"datset": "mnist_rot"}, "dataset"),
        ("export", {"fromat": "onnx"}, "format"),
        ("list_models", {"pretraind": True}, "pretrained"),
        ("serve", {"prot": 80}, "port"),
        ("predict_files", {"batch-size": 80}, "batch_size"),
    ],
)
def test_arguments_of_public_functions(name: str, given: dict[str, object], meant: str) -> None:
    (wrong,) = given
    with pytest.raises(
        TypeError, match=rf"^{name}\(\) got an unexpected keyword argument '{wrong}'. Did you mean '{meant}'\?$"
    ):
        getattr(zoo, name)("e4net_mnistrot", **given)


def test_every_public_function_names_what_was_meant() -> None:
    """By the decorator, or, where it takes any keyword, by itself."""
    few = {"card", "verify", "register_augmentation", "register_dataset", "register_family", "register_preset"}
    functions = {name: getattr(zoo, name) for name in zoo.__all__ if inspect.isfunction(getattr(zoo, name))}
    without = {name for name, function in functions.items() if not hasattr(function, "__wrapped__")} - few
    assert without == {"build", "finetune", "train"}
    for name in without:
        with pytest.raises((TypeError, ValueError), match="Did you mean"):
            functions[name]("e4net_mnistrot", **{"data": "x", "out": "y"} if name != "build" else {}, **_MISSPELT[name])


_MISSPELT = {"build": {"model_nam": "a"}, "finetune": {"unreadabel": "skip"}, "train": {"epoch": 1}}


def test_the_arguments_are_listed_where_none_is_near() -> None:
    @suggests
    def wide(first: int, *, second: int = 2) -> int:
        return first + second

    assert wide(1) == 3 and wide(1, second=3) == 4
    with pytest.raises(TypeError, match="'zzz'. Its arguments are first, second.$"):
        wide(1, zzz=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        wide()  # type: ignore[call-arg]


def test_fields_of_data_classes() -> None:
    with pytest.raises(TypeError, match="'max_row'. Did you mean 'max_rows'"):
        zoo.serving.Settings(max_row=1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no field 'epoch'. Did you mean 'epochs'"):
        Recipe(epoch=1, batch_size=1)  # type: ignore[call-arg]
