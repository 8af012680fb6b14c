"""Pairwise consistency: a second look at every image, without what the network looked at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from zoo import _keras
from zoo.losses import ErasePolicy, PairwiseConsistencyLoss, class_maps
from zoo.models.class_maps import find_gap_head, find_normalization


@keras.saving.register_keras_serializable(package="zoo")
class PairwiseConsistency(keras.Model):
    """Trains a classifier to answer alike for an image and for the image without the area that it used.

    Our reading of "See More for Scene: Pairwise Consistency Learning" (NeurIPS 2021), of which we know the abstract
    alone: every default is a choice of ours and an argument, and none is the paper's. For images x with labels y and
    logits z, and images x' without the area of the class activation map of y, logits z':

        loss = L(z, y) + erased_ce_weight L(z', y) + consistency_weight PairwiseConsistencyLoss(z, z', y)

    with the loss L that the wrapper is compiled with. It overrides how the loss is computed and nothing else, so `fit`
    compiles it on TensorFlow and JAX. With both weights 0 it is plain training, in numbers and in cost. Metrics and
    `evaluate` see the logits of whole images. The wrapped model shares its variables and is what to keep:
    inference, export and class maps need nothing of the wrapper.

    Args:
        model: a functional classifier that ends with global average pooling and a dense layer; anything from
            `zoo.load`, `keras.applications` (with `classifier_activation=None`) or KerasHub that does.
        policy: what is erased and how.
        loss: how the two answers are compared.
        consistency_weight: of that comparison.
        erased_ce_weight: of the loss for the erased image with its label.
        stop_gradient_original: let the comparison change the answer to the erased image alone.
        erased_bn: `"train"`: the second pass uses and updates batch statistics as the first; `"inference"`: it uses
            the stored ones, and no dropout.
        warmup_steps: steps at the start without erasing: the maps of a random network are noise.
        ramp_steps: steps after these in which both weights grow from 0 to their value.
        soft_labels: `"error"` refuses labels that are no integers; `"argmax"` takes the most probable class where a
            label's class is needed, for mixed or one-hot labels.
        seed: of a random policy.
        name: of the wrapper.

    Raises:
        ValueError: the model has no such head, or an argument that cannot be meant.

    Example:
        >>> import numpy as np, zoo
        >>> model = zoo.load("scene_resnet18_narrow_sun16", weights=None, input_shape=(32, 32, 3))
        >>> trainer = PairwiseConsistency(model)
        >>> trainer.compile(optimizer="sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> history = trainer.fit(np.zeros((4, 32, 32, 3), "uint8"), np.arange(4), verbose=0)
        >>> model(np.zeros((1, 32, 32, 3), "float32")).shape[1]
        16
    """

    def __init__(
        self,
        model: keras.Model,
        *,
        policy: ErasePolicy | Mapping[str, Any] | None = None,
        loss: PairwiseConsistencyLoss | Mapping[str, Any] | None = None,
        consistency_weight: float = 1.0,
        erased_ce_weight: float = 0.0,
        stop_gradient_original: bool = True,
        erased_bn: str = "train",
        warmup_steps: int = 0,
        ramp_steps: int = 0,
        soft_labels: str = "error",
        seed: int = 0,
        name: str = "pairwise_consistency",
    ) -> None:
        super().__init__(name=name)
        _check(consistency_weight, erased_ce_weight, warmup_steps, ramp_steps, erased_bn, soft_labels)
        self.model = model
        self.policy = ErasePolicy(**policy) if isinstance(policy, Mapping) else policy or ErasePolicy()
        self.pair_loss = (
            PairwiseConsistencyLoss(**loss) if isinstance(loss, Mapping) else loss or PairwiseConsistencyLoss()
        )
        self.consistency_weight, self.erased_ce_weight = float(consistency_weight), float(erased_ce_weight)
        self.stop_gradient_original, self.erased_bn = bool(stop_gradient_original), erased_bn
        self.warmup_steps, self.ramp_steps = int(warmup_steps), int(ramp_steps)
        self.soft_labels, self.seed = soft_labels, seed
        end = find_gap_head(model)
        if end.head.units < 2:
            raise ValueError(
                f"Expected a head of at least 2 classes; got {end.head.units} logit of {model.name!r}, whose softmax "
                "is always 1. Use Dense(2) and SparseCategoricalCrossentropy(from_logits=True)."
            )
        self._head, self._colours = end.head, find_normalization(model)
        # The same layers once more: both outputs of one pass, and the way from the maps to the logits.
        self._network = keras.Model(model.inputs, {"logits": model.outputs[0], "features": end.features})
        self._tail = keras.Model(end.features, model.outputs[0])
        self._random = keras.random.SeedGenerator(seed) if self.policy.is_random else None
        self.steps = self.add_weight(name="steps", shape=(), dtype="float32", initializer="zeros", trainable=False)
        self.built = True

    @property
    def is_plain(self) -> bool:
        """Whether both weights are 0, and nothing is erased."""
        return not (self.consistency_weight or self.erased_ce_weight)

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, Any]:
        """Logits and, unless training is plain, the feature maps they come from."""
        if self.is_plain:
            return {"logits": self.model(inputs, training=training)}
        return self._network(inputs, training=training)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Metrics of the whole images' logits."""
        return super().compute_metrics(x, y, y_pred["logits"], sample_weight=sample_weight)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The compiled loss, in training with the two terms of the erased images."""
        loss = super().compute_loss(x, y, y_pred["logits"], sample_weight, training)
        if not training or self.is_plain:
            return loss
        labels = hard_labels(y, y_pred["logits"], self.soft_labels)
        exist = ops.all(ops.logical_and(labels >= 0, labels < self._head.units))
        loss = ops.where(exist, loss, ops.cast(float("nan"), loss.dtype))  # what compiled code can say of a wrong label
        started = self.steps >= self.warmup_steps
        areas = ops.logical_and(self._areas(x, y_pred, labels), started)
        erased = self._second_pass(x, y_pred["features"], areas)
        scale = ops.cast(started, "float32")
        if self.ramp_steps:
            scale = ops.clip((self.steps - self.warmup_steps + 1.0) / self.ramp_steps, 0.0, 1.0) * scale
        added = self.consistency_weight * self._compare(labels, y_pred, erased, sample_weight)
        if self.erased_ce_weight:
            added += self.erased_ce_weight * _keras.compiled_loss(self, y, erased["logits"], sample_weight)
        self.steps.assign_add(1.0)
        return loss + ops.cast(scale * added, loss.dtype)

    def _areas(self, x: Any, y_pred: Any, labels: Any) -> Any:
        """What to erase: of the images, or of their feature maps."""
        features, logits = y_pred["features"], ops.stop_gradient(y_pred["logits"])
        classes = labels
        if self.policy.cam_class == "predicted":
            classes = ops.argmax(logits, axis=-1)
        elif self.policy.cam_class == "top":
            classes = ops.top_k(logits, min(self.policy.top, logits.shape[-1]))[1]
        size = x.shape[1:3] if self.policy.level == "image" else features.shape[1:3]
        areas = self._areas_once(features, classes, size)
        for _ in range(self.policy.rounds - 1):
            again = self._network(self._erase(x, areas), training=False)["features"]
            areas = ops.logical_or(areas, self._areas_once(again, classes, size))
        return self.policy.choose(areas, seed=self._random)

    def _areas_once(self, features: Any, classes: Any, size: Any) -> Any:
        return self.policy.areas(class_maps(features, self._head.kernel, classes), size, seed=self._random)

    def _erase(self, images: Any, areas: Any) -> Any:
        mean, std = self._colours
        return self.policy.erase(images, areas, mean=mean, std=std, seed=self._random)

    def _second_pass(self, x: Any, features: Any, areas: Any) -> dict[str, Any]:
        training = self.erased_bn == "train"
        if self.policy.level == "image":
            return self._network(self._erase(x, areas), training=training)
        erased = self._erase(features, areas)
        return {"logits": self._tail(erased, training=training), "features": erased}

    def _compare(self, labels: Any, original: Any, erased: Any, sample_weight: Any) -> Any:
        if not self.consistency_weight:
            return 0.0
        if self.pair_loss.kind == "class_features":
            first, second = (self._class_features(answer["features"], labels) for answer in (original, erased))
        else:
            first, second = original["logits"], erased["logits"]
        if self.stop_gradient_original:
            first = ops.stop_gradient(first)
        return self.pair_loss((labels, first), second, sample_weight=sample_weight)

    def _class_features(self, features: Any, labels: Any) -> Any:
        """Mean features times the label's column of the head."""
        columns = ops.take(ops.transpose(ops.cast(self._head.kernel, "float32")), labels, axis=0)
        return ops.mean(ops.cast(features, "float32"), axis=(1, 2)) * columns

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same wrapper again."""
        own = (
            "consistency_weight",
            "erased_ce_weight",
            "stop_gradient_original",
            "erased_bn",
            "warmup_steps",
            "ramp_steps",
            "soft_labels",
            "seed",
            "name",
        )
        return {
            "model": keras.saving.serialize_keras_object(self.model),
            "policy": self.policy.get_config(),
            "loss": self.pair_loss.get_config(),
            **{name: getattr(self, name) for name in own},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> PairwiseConsistency:
        """The wrapper around a new model of the same kind."""
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects=custom_objects)
        return cls(model, **{name: value for name, value in config.items() if name != "model"})


def hard_labels(labels: Any, logits: Any, soft_labels: str = "error") -> Any:
    """Labels as integers (B,).

    Args:
        labels: integers (B,) or (B, 1), or probabilities (B, C).
        logits: (B, C).
        soft_labels: `"error"` or `"argmax"`, what to do with probabilities.

    Raises:
        ValueError: probabilities, where they are refused.
    """
    shape = labels.shape
    if len(shape) == len(logits.shape) and shape[-1] == logits.shape[-1] and shape[-1] != 1:
        if soft_labels != "argmax":
            raise ValueError(
                f"Expected hard labels, one integer an image; got soft ones of shape {tuple(shape)}. "
                "Pass soft_labels='argmax' to go by the most probable class, or leave mixup, cutmix and "
                "one-hot labels out."
            )
        return ops.cast(ops.argmax(labels, axis=-1), "int32")
    if len(shape) == len(logits.shape):
        labels = ops.squeeze(labels, axis=-1)
    return ops.cast(labels, "int32")


def _check(weight: float, erased: float, warmup: int, ramp: int, erased_bn: str, soft_labels: str) -> None:
    if min(weight, erased, warmup, ramp) < 0:
        raise ValueError(
            f"Expected weights and steps of at least 0; got consistency_weight={weight}, erased_ce_weight={erased}, "
            f"warmup_steps={warmup}, ramp_steps={ramp}."
        )
    for name, value, choices in (
        ("erased_bn", erased_bn, ("train", "inference")),
        ("soft_labels", soft_labels, ("error", "argmax")),
    ):
        if value not in choices:
            raise ValueError(f"Expected {name} to be one of {choices}; got {value!r}.")
