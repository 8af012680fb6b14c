from .ports import check_ports
from .runners import Runner, Signature, TensorSpec, open_runner
from .server import Server
from .serving import serve
from .settings import ModelConfig, Settings

__all__ = [
    "ModelConfig",
    "Runner",
    "Server",
    "Settings",
    "Signature",
    "TensorSpec",
    "check_ports",
    "open_runner",
    "serve",
]
