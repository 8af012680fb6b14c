"""When does a strided window commute with rotations and flips of its input?

A window of size k that moves in steps of t over L pixels commutes with reversing the line exactly when the sampled
positions are symmetric about its middle. With p zeros on either side that is (L + 2 p - k) mod t = 0. Rotations by 90
degrees and flips reverse or exchange the two axes, so the rule must hold for height and width alike.
"""

from __future__ import annotations

from zoo.math.values import check_choice


def symmetric_padding(kernel_size: int, padding: str) -> int:
    """Zeros on each side for an odd window: (k - 1) / 2 for `"same"`, 0 for `"valid"`.

    Raises:
        ValueError: for another padding.

    Example:
        >>> symmetric_padding(5, "same")
        2
    """
    check_choice("padding", padding, ("same", "valid"))
    return (kernel_size - 1) // 2 if padding == "same" else 0


def output_size(length: int | None, kernel_size: int, stride: int, padding: str) -> int | None:
    """Number of window positions along one axis; None where the length is unknown.

    Example:
        >>> output_size(28, 3, 1, "same")
        28
    """
    if length is None:
        return None
    return (length + 2 * symmetric_padding(kernel_size, padding) - kernel_size) // stride + 1


def is_exact(length: int | None, kernel_size: int, stride: int, padding: str) -> bool:
    """Whether sampling one axis commutes with reversing it; True where the length is unknown.

    Args:
        length: pixels along the axis.
        kernel_size: window size.
        stride: step of the window.
        padding: `"same"` (symmetric zeros) or `"valid"`.

    Example:
        >>> is_exact(28, 3, 2, "same"), is_exact(29, 3, 2, "same")
        (False, True)
    """
    if length is None:
        return True
    return (length + 2 * symmetric_padding(kernel_size, padding) - kernel_size) % stride == 0
