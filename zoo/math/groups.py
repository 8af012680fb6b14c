"""The symmetry groups p4 and p4m acting on square grids.

p4 holds the four rotations by 90 degrees, p4m the same with reflections (eight elements). An element acts on a spatial
array w (rows, columns) in NumPy's convention, where `rot90` turns counter-clockwise:

- index j = 0..3 is the rotation r^j:         T_j(w) = rot90(w, j)
- index 4 + i is the roto-reflection m r^i:   T_{4+i}(w) = rot90(w transposed, 3 - i),  so index 4 flips left and right.

A feature map on the group has `n` values (n = 4 or 8) for each of its C fields; they lie side by side in the channel
axis, channel index = field * n + element. An element g acts on such a map by turning the grid and re-indexing the
group axis:  (g f)(x, h) = f(g^-1 x, g^-1 h).

Source: Cohen and Welling, Group Equivariant Convolutional Networks, ICML 2016, sections 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.math.values import check_choice


@dataclass(frozen=True)
class Group:
    """A finite group of symmetries of the square grid.

    Attributes:
        name: `"p4"` or `"p4m"`.
        order: number of elements n.
    """

    name: str
    order: int

    def transform(self, array: np.ndarray, element: int, axes: tuple[int, int] = (0, 1)) -> np.ndarray:
        """Turns (and mirrors) `array` in the plane of `axes` by one element: T_element(array).

        Args:
            array: any array whose two `axes` are rows and columns.
            element: index of the element, 0 to `order` - 1.
            axes: the row and the column axis.

        Returns:
            The transformed array; rows and columns change places for odd quarter turns.

        Raises:
            ValueError: if there is no such element.

        Example:
            >>> get_group("p4").transform(np.array([[1, 2], [3, 4]]), 1).tolist()
            [[2, 4], [1, 3]]
        """
        if not 0 <= element < self.order:
            raise ValueError(f"{self.name} has the elements 0 to {self.order - 1}; got {element}.")
        if element < 4:
            return np.rot90(array, element, axes)
        return np.rot90(np.swapaxes(array, *axes), 7 - element, axes)

    @cached_property
    def relative(self) -> np.ndarray:
        """Table P (n, n) of int: P[j, h] is the index of g_j^-1 g_h."""
        probe = np.arange(9).reshape(3, 3)
        index = {self.transform(probe, j).tobytes(): j for j in range(self.order)}
        table = np.zeros((self.order, self.order), int)
        for j in range(self.order):
            for h in range(self.order):
                product = self.transform(self.transform(probe, h), j)  # T_j T_h = T_{jh}
                table[j, index[product.tobytes()]] = h
        return table

    def act_on_image(self, images: np.ndarray, element: int) -> np.ndarray:
        """Applies one element to images (B, H, W, C)."""
        return self.transform(images, element, axes=(1, 2))

    def act_on_fields(self, maps: np.ndarray, element: int) -> np.ndarray:
        """Applies one element to feature maps on the group, (B, H, W, C * n): (g f)(x, h) = f(g^-1 x, g^-1 h)."""
        turned = self.transform(maps, element, axes=(1, 2))
        fields = turned.reshape(*turned.shape[:-1], -1, self.order)
        return fields[..., self.relative[element]].reshape(turned.shape)


GROUPS = {"p4": Group("p4", 4), "p4m": Group("p4m", 8)}
"""The groups by their names: quarter turns, and quarter turns with reflections."""


def get_group(name: str) -> Group:
    """Looks a group up by its name.

    Args:
        name: `"p4"` or `"p4m"`.

    Returns:
        The group.

    Raises:
        ValueError: for any other name.

    Example:
        >>> get_group("p4m").order
        8
    """
    return GROUPS[check_choice("group", name, tuple(GROUPS))]
