"""The packages of the extra `batch`, imported when they are first needed."""

from __future__ import annotations

from typing import Any

_INSTALL = 'Install it with: pip install "zoo[batch]"'


def load_pyarrow() -> Any:
    """The package pyarrow with its Parquet module.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"Batch prediction reads and writes Parquet with pyarrow. {_INSTALL}") from error
    return pyarrow


def load_ray() -> Any:
    """The package ray with Ray Data.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(f"The engine 'ray' needs Ray Data. {_INSTALL}") from error
    return ray
