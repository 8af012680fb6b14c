"""Measuring models: predictions, accuracy, equivariance."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.prediction import predict

__all__ = ["evaluate", "predict"]
