"""Models as files that other programs serve: TensorFlow SavedModel, ONNX and LiteRT."""

from zoo.export.exporting import export

__all__ = ["export"]
