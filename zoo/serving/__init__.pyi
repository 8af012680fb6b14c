from .runners import Runner, Signature, TensorSpec, open_runner
from .server import Server
from .serving import serve
from .settings import ModelConfig, Settings

__all__ = ["ModelConfig", "Runner", "Server", "Settings", "Signature", "TensorSpec", "open_runner", "serve"]
