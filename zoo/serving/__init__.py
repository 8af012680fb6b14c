"""The embedded server: TensorFlow Serving's REST and gRPC interfaces over exported version folders."""

from zoo.serving.runners import Runner, Signature, TensorSpec, open_runner

__all__ = ["Runner", "Signature", "TensorSpec", "open_runner"]
