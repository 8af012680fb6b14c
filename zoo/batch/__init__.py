"""Batch prediction: folders of images and Parquet files in, Parquet files out, in one process or on a Ray cluster."""

from zoo.batch.files import predict_files
from zoo.batch.output import BatchResult

__all__ = ["BatchResult", "predict_files"]
