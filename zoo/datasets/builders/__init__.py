"""TensorFlow Datasets builders, one module a set. Importing a module registers its builder; needs `zoo[data]`."""
