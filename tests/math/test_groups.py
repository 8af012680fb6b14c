"""The groups: axioms, tables, actions."""

import numpy as np
import pytest

from zoo.math import get_group, is_exact, output_size

pytestmark = pytest.mark.once


GROUPS = [get_group("p4"), get_group("p4m")]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_elements_form_a_group(group):
    probe = np.arange(25).reshape(5, 5)
    images = [group.transform(probe, j).tobytes() for j in range(group.order)]
    assert len(set(images)) == group.order
    for j in range(group.order):
        for h in range(group.order):
            assert group.transform(group.transform(probe, h), j).tobytes() in images  # closed
        assert sorted(group.relative[j]) == list(range(group.order))  # a permutation
        assert group.relative[j, j] == 0  # g^-1 g = identity


def test_tables_are_those_of_the_literature():
    # Written out by hand from the multiplication rule of rotations r and the left-right flip m.
    rows = ["01234567", "30125674", "23016745", "12307456", "45670123", "56743012", "67452301", "74561230"]
    assert ["".join(map(str, row)) for row in GROUPS[1].relative] == rows
    assert [list(row) for row in GROUPS[0].relative] == [[0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1], [1, 2, 3, 0]]


def test_element_four_flips_left_and_right():
    probe = np.arange(6).reshape(2, 3)
    assert (GROUPS[1].transform(probe, 4) == probe[:, ::-1]).all()


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
def test_action_on_fields_is_a_homomorphism(group):
    maps = np.random.default_rng(0).normal(size=(2, 4, 6, 3 * group.order))
    inverse = [int(np.flatnonzero(group.relative[j] == 0)[0]) for j in range(group.order)]
    assert inverse == list(range(group.order))  # g_j^-1 g_j = e lies on the diagonal
    for j in range(group.order):
        for h in range(group.order):
            product = next(i for i in range(group.order) if group.relative[j, i] == h)
            twice = group.act_on_fields(group.act_on_fields(maps, h), j)
            assert np.array_equal(twice, group.act_on_fields(maps, product))


def test_errors_name_what_was_expected():
    with pytest.raises(ValueError, match="p4m"):
        get_group("p8")
    with pytest.raises(ValueError, match="0 to 3"):
        GROUPS[0].transform(np.zeros((2, 2)), 4)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("length", [7, 8, 9, 12])
def test_exactness_rule_is_symmetry_of_the_sampled_positions(length, kernel_size, stride, padding):
    margin = (kernel_size - 1) // 2 if padding == "same" else 0
    count = output_size(length, kernel_size, stride, padding)
    centres = np.arange(count) * stride - margin + (kernel_size - 1) / 2
    symmetric = bool(np.allclose(centres, (length - 1) - centres[::-1]))
    assert is_exact(length, kernel_size, stride, padding) == symmetric
