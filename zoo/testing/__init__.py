"""Helpers for tests of layers and models: the contract of a layer in one call, and golden tensors."""

from zoo.testing.golden import Golden as Golden
from zoo.testing.golden import assert_close as assert_close
from zoo.testing.golden import load_golden as load_golden
from zoo.testing.layer_contract import check_layer as check_layer
