"""Trains small nets for a few steps under strategies, in a process of its own; prints what came out as JSON.

    python -m tests.training.strategies.steps NET/STRATEGY[:DEVICES] ...

The losses are those of single steps: every epoch has one step, on other data.
"""

from __future__ import annotations

import json
import os
import sys

BATCH = 16
# Rounding errors grow from step to step, fast where nothing keeps the activations in bounds: small steps there.
RATES = {"norm": 0.05, "plain": 0.005, "e4net_mnistrot": 0.001}
STEPS = {"norm": 20, "plain": 20, "e4net_mnistrot": 5}


def main(*wanted: str) -> None:
    if os.environ["KERAS_BACKEND"] == "tensorflow" and "TF_CONFIG" not in os.environ:
        split_cpu(4)
    from zoo.training.strategies import choose

    found = {}
    for text in wanted:
        net, _, strategy = text.partition("/")
        name, _, count = strategy.partition(":")
        found[text] = run(choose(name, devices=int(count) if count else None), net)
    print(json.dumps(found))


def split_cpu(count: int) -> None:
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def run(strategy, net: str) -> dict:
    import keras
    import numpy as np

    from zoo.optimizers import SGD
    from zoo.training.optimizers import inner

    keras.utils.set_random_seed(7)
    strategy.check_batch(BATCH)
    with strategy.scope():
        model = build(net)
        trainer = strategy.trainer(model)
        trainer.compile(
            SGD(
                RATES[net],
                nesterov=True,
                decay=1e-3,
                decay_kind="l2",
                global_clipnorm=1.0,
                use_ema=True,
                ema_momentum=0.9,
            ),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
            # Compiling takes most of the time; test_runs has compiled steps in several TensorFlow processes.
            jit_compile=(strategy.name, strategy.replicas) not in {("mirrored", 4), ("multi_worker", 2)},
        )
        batches = strategy.share(make_batches())
        validation = make_batches()[99]
        validation = (validation[0][:13], validation[1][:13])  # no multiple of anything
        history = trainer.fit(
            batches, epochs=STEPS[net], verbose=0, validation_data=validation, validation_batch_size=4
        ).history
        loss, accuracy = trainer.evaluate(*validation, batch_size=4, verbose=0)
    watched = [variable for variable in model.non_trainable_variables if "moving" in variable.path]
    watched += [average for _, average in inner(trainer.optimizer).averages()]
    statistics = [float(np.sum(keras.ops.convert_to_tensor(variable))) for variable in watched]
    return {
        "losses": history["loss"],
        "accuracies": history["accuracy"],
        "validation": history["val_loss"],
        "last": [loss, accuracy],
        "statistics": statistics,
        "replicas": strategy.replicas,
        "chief": strategy.is_chief,
        "synchronized": [layer.name for layer in model.layers if getattr(layer, "synchronized", False)],
        **(programs(trainer) if strategy.name == "mirrored" else {}),
        **(layouts(model) if strategy.name == "model_parallel" else {}),
    }


def make_batches():
    import keras
    import numpy as np

    class Batches(keras.utils.PyDataset):
        step = 0

        def __len__(self):
            return 1

        def __getitem__(self, index):
            rng = np.random.default_rng([self.step, index])
            labels = rng.integers(0, 4, BATCH)
            images = rng.normal(size=(BATCH, 8, 8, 1)) * (1 + labels[:, None, None, None]) + 1
            return images.astype("float32"), labels

        def on_epoch_end(self):
            self.step += 1

    return Batches()


def build(net: str):
    import keras

    from zoo import layers

    if net == "e4net_mnistrot":
        import zoo

        return zoo.build(net, input_shape=(8, 8, 1), num_classes=4, dropout=0.0)
    norm = net == "norm"
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.LiftingConv2D(4, 3, group="p4", name="lift")(inputs)
    x = layers.GBatchNormalization("p4", name="group_norm")(x) if norm else x
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.Conv2D(8, 3, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x) if norm else x
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(4, name="head")(x), name=net)


def programs(trainer) -> dict:
    """How many XLA programs one traced step calls, and whether Keras' layers are as they were."""
    import tensorflow as tf

    data = make_batches()[0]
    strategy = trainer.distribute_strategy
    values = strategy.experimental_distribute_values_from_function(
        lambda _: tuple(tf.convert_to_tensor(part[: BATCH // strategy.num_replicas_in_sync]) for part in data)
    )
    step = tf.function(lambda batch: strategy.run(trainer.train_step, args=(batch,)))
    graph = step.get_concrete_function(values).graph
    compiled = [op for op in graph.get_operations() if "_XlaMustCompile" in op.node_def.attr]
    return {"programs": len(compiled), "changed": [layer.name for layer in trainer.layers if "call" in vars(layer)]}


def layouts(model) -> dict:
    return {"cut": sorted(v.path for v in model.variables if not v.value.sharding.is_fully_replicated)}


if __name__ == "__main__":
    main(*sys.argv[1:])
