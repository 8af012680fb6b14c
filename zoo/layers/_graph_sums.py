"""Linear maps between nodes and edges whose gradients are each other, with the sums in the backend's quickest form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import keras
from keras import ops

from zoo import _backends
from zoo.layers import _graph
from zoo.math.values import Tensor


class End:
    """One end of every edge.

    Args:
        index: the node at this end of every edge, (E,).
        count: nodes.
        runs: whether sums are taken run by run (`zoo._backends.sums_runs`).
        ascending: whether the index is in ascending order.
    """

    def __init__(self, index: Tensor, count: Any, runs: bool, ascending: bool = False) -> None:
        self.index, self.count, self._runs, self._ascending = index, count, runs, ascending

    @cached_property
    def order(self) -> Tensor:
        """The edges in ascending order of this end, (E,); None where their own order serves."""
        return None if self._ascending or not self._runs else ops.argsort(self.index)

    @cached_property
    def _borders(self) -> Tensor:
        if keras.backend.backend() == "torch":
            return _backends.starts(self.index, self.count)
        return self.index if self.order is None else ops.take(self.index, self.order, axis=0)

    def prepare(self) -> End:
        """Makes what sums need; TensorFlow wants it in the graph that the sums of a gradient are derived from."""
        if self._runs:
            _ = self._borders
        return self

    def add(self, rows: Tensor, index: Tensor | None = None) -> Tensor:
        """For every node the sum over its edges e of rows[e], or of rows[index[e]]: (., C) -> (count, C)."""
        if not self._runs:
            return _graph.sum_at(rows if index is None else ops.take(rows, index, axis=0), self.index, self.count)
        if self.order is not None:
            index = self.order if index is None else ops.take(index, self.order, axis=0)
        return _backends.add_runs(rows, index, self._borders)


class Edges:
    """The edges of a graph, sorted where that makes sums quick; what is read is the order of `i`, `j` and `weight`.

    Args:
        graph: the graph.
        like: the features, by which backend and mode are known.
        symmetric: whether the list is known to hold each edge as often as its reverse, with the same weight.
    """

    def __init__(self, graph: _graph.GraphBatch, like: Tensor, *, symmetric: bool = False) -> None:
        runs = _backends.sums_runs(like)
        if runs and keras.backend.backend() == "tensorflow":
            graph = _sorted(graph)
        elif runs:
            graph = graph._replace(i=graph.i.long(), j=graph.j.long())  # as torch's sums want it
        self.graph = graph
        self.first = End(graph.i, graph.count, runs, ascending=keras.backend.backend() == "tensorflow")
        self.second = End(graph.j, graph.count, runs)
        self.symmetric = symmetric
        if keras.backend.backend() == "tensorflow":
            self.first.prepare()
            if not symmetric:
                self.second.prepare()  # a graph leaves out what nothing asks for

    def differences(self, x: Tensor) -> Tensor:
        """x[i] - x[j] of every edge, (count, C) -> (E, C)."""
        i, j = self.first.index, self.second.index
        return _linear(lambda x: ops.take(x, i, axis=0) - ops.take(x, j, axis=0), self.divergence)(x)

    def divergence(self, flows: Tensor) -> Tensor:
        """What leaves every node minus what arrives, (E, C) -> (count, C): the adjoint of `differences`."""
        return _linear(lambda flows: self.first.add(flows) - self.second.add(flows), self.differences)(flows)

    def neighbours(self, x: Tensor, *, reverse: bool = False) -> Tensor:
        """For every node n the sum over the edges (n, j) of a[e] x[j], or with `reverse` over the edges (j, n)."""
        here, there = (self.second, self.first) if reverse else (self.first, self.second)
        if self.graph.weight is not None:
            return self._sum(self._take(x, there) * ops.cast(self.graph.weight, x.dtype), here)
        back = reverse if self.symmetric else not reverse
        return _linear(lambda x: here.add(x, there.index), lambda upstream: self.neighbours(upstream, reverse=back))(x)

    def _take(self, x: Tensor, end: End) -> Tensor:
        return _linear(lambda x: ops.take(x, end.index, axis=0), lambda upstream: self._sum(upstream, end))(x)

    def _sum(self, flows: Tensor, end: End) -> Tensor:
        return _linear(end.add, lambda upstream: self._take(upstream, end))(flows)


def _sorted(graph: _graph.GraphBatch) -> _graph.GraphBatch:
    """The edges in ascending order of i, and as one more, at the last node, padding: so its run is never empty."""
    last = ops.reshape(ops.cast(graph.count - 1, "int32"), (1,))
    i, j = (ops.concatenate([ends, last], axis=0) for ends in (graph.i, graph.j))
    order = ops.argsort(i)
    weight = graph.weight
    if weight is not None:
        weight = ops.take(ops.concatenate([weight, ops.zeros_like(weight[:1])], axis=0), order, axis=0)
    return graph._replace(i=ops.take(i, order, axis=0), j=ops.take(j, order, axis=0), weight=weight)


def _linear(function: Callable[[Tensor], Tensor], adjoint: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A linear map with its adjoint as gradient; JAX derives the same one, and more."""
    if keras.backend.backend() == "jax":
        return function

    @ops.custom_gradient
    def forward(x: Tensor) -> Tensor:
        def gradient(*arguments: Any, upstream: Tensor | None = None) -> Tensor:
            # torch hands the input over too, and the upstream gradient by name.
            return adjoint(arguments[0] if upstream is None else upstream)

        return function(x), gradient

    return forward
