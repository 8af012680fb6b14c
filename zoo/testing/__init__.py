"""Helpers for tests of layers and models: the contracts of a layer and of a family in one call, and golden tensors."""

from zoo.testing.family_contract import check_family, check_names, check_preset
from zoo.testing.golden import Golden, assert_close, load_golden
from zoo.testing.layer_contract import check_layer

__all__ = ["Golden", "assert_close", "check_family", "check_layer", "check_names", "check_preset", "load_golden"]
