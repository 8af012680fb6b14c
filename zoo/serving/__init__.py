"""The embedded server: TensorFlow Serving's REST and gRPC interfaces over exported version folders."""

from zoo.serving.runners import Runner, Signature, TensorSpec, open_runner
from zoo.serving.server import Server
from zoo.serving.serving import serve
from zoo.serving.settings import ModelConfig, Settings

__all__ = ["ModelConfig", "Runner", "Server", "Settings", "Signature", "TensorSpec", "open_runner", "serve"]
