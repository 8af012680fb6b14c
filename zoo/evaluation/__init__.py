"""Measuring models: predictions, accuracy, equivariance, arithmetic."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.equivariance import equivariance_error
from zoo.evaluation.macs import CONVENTION, count_macs
from zoo.evaluation.prediction import predict

__all__ = ["CONVENTION", "count_macs", "equivariance_error", "evaluate", "predict"]
