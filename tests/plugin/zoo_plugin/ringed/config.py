from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RingedConfig:
    name: str = "ringed"
    input_shape: tuple[int | None, int | None, int] = (16, 16, 1)
    num_classes: int = 2
    include_head: bool = True
    width: int = 4
