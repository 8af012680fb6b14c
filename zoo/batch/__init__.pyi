from .files import predict_files
from .output import BatchResult

__all__ = ["BatchResult", "predict_files"]
