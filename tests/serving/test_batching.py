from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from zoo.serving.batching import Batcher, best_rows

pytestmark = pytest.mark.once


class Engine:
    """Doubles its rows; a run can be held up, and a row of -1 breaks it."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()
        self.started = threading.Event()
        self.go.set()

    def __call__(self, inputs):
        self.started.set()
        assert self.go.wait(10)
        self.batches.append(len(inputs["x"]))
        if (inputs["x"] == -1).any():
            raise ValueError("a row of -1")
        return {"y": inputs["x"] * 2}


def rows(*values, width=1):
    return {"x": np.repeat(np.array(values, np.float32)[:, None], width, axis=1)}


def batcher(engine, **options):
    settings = {"max_rows": 8, "timeout": 0.0, "places": 1, "expected": lambda: 0}
    return Batcher(engine, **(settings | options))


def while_busy(engine, made, calls, joinable=True):
    """Runs `calls` so that all of them queue up behind one run; their results or exceptions."""
    engine.go.clear()
    engine.started.clear()
    with ThreadPoolExecutor(len(calls) + 1) as pool:
        first = pool.submit(made.run, rows(0), joinable=True)
        assert engine.started.wait(10)
        futures = []
        for call in calls:  # one after the other, so that the order in the queue is known
            futures.append(pool.submit(made.run, call, joinable=joinable))
            while len(made._waiting) < len(futures):
                pass
        engine.go.set()
        first.result(10)
        return [future.exception(10) or future.result()["y"].tolist() for future in futures]


@pytest.mark.parametrize(
    ("cost", "most", "best"),
    [
        (lambda rows: 10.0, 32, 32),  # a run costs the same whatever is in it
        (lambda rows: 10.0, 24, 24),
        (lambda rows: 1.0 + rows, 32, 32),
        (lambda rows: rows * (1.0 if rows <= 8 else 2.0), 32, 8),  # what does not fit into the caches
        (lambda rows: rows**2, 32, 1),
        (lambda rows: 10.0, 1, 1),
    ],
)
def test_batches_grow_as_long_as_it_pays(monkeypatch, cost, most, best):
    now = [0.0]
    monkeypatch.setattr("zoo.serving.batching.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("zoo.serving.batching._TRIAL_SECONDS", 1e9)

    def run(rows: int) -> None:
        now[0] += cost(rows)

    assert best_rows(run, most) == best


def test_a_batcher_can_be_limited():
    engine = Engine()
    made = batcher(engine)
    made.limit(2)
    made.limit(5)
    assert len(while_busy(engine, made, [rows(1), rows(2), rows(3), rows(4)])) == 4 and engine.batches == [1, 2, 2]


def test_an_idle_batcher_runs_in_the_callers_thread():
    threads = []
    made = batcher(lambda inputs: threads.append(threading.current_thread()) or {"y": inputs["x"]}, timeout=60.0)
    made.run(rows(1), joinable=True)
    assert threads == [threading.current_thread()]


def test_requests_that_wait_are_joined_and_taken_apart():
    engine = Engine()
    results = while_busy(engine, batcher(engine), [rows(1), rows(2, 3), rows(4)])
    assert results == [[[2]], [[4], [6]], [[8]]] and engine.batches == [1, 4]


def test_batches_are_not_larger_than_allowed():
    engine = Engine()
    results = while_busy(engine, batcher(engine, max_rows=3), [rows(1, 2), rows(3, 4), rows(5), rows(*range(9))])
    assert results[3] == [[2 * value] for value in range(9)] and engine.batches == [1, 3, 2, 9]


def test_other_shapes_wait_for_their_turn():
    engine = Engine()
    results = while_busy(engine, batcher(engine), [rows(1), rows(2, width=2), rows(3)])
    assert results == [[[2]], [[4, 4]], [[6]]] and engine.batches == [1, 2, 1]


@pytest.mark.parametrize(("options", "joinable"), [({"max_rows": 1}, True), ({}, False)])
def test_without_batching_everything_runs_alone(options, joinable):
    engine = Engine()
    results = while_busy(engine, batcher(engine, **options), [rows(1), rows(2)], joinable=joinable)
    assert results == [[[2]], [[4]]] and engine.batches == [1, 1, 1]


def test_one_requests_error_is_not_the_others():
    engine = Engine()
    first, bad, last = while_busy(engine, batcher(engine), [rows(1), rows(-1), rows(2)])
    assert first == [[2]] and last == [[4]] and isinstance(bad, ValueError)


def test_outputs_that_cannot_be_taken_apart_are_run_alone():
    made = batcher(Engine())
    made._run = lambda inputs: {"y": inputs["x"].sum(keepdims=True)[0]}
    jobs = [threading.Thread(target=made.run, args=(rows(1),), kwargs={"joinable": True}) for _ in range(3)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(10)
    assert not any(job.is_alive() for job in jobs)


def test_a_request_waits_for_one_that_is_being_read():
    engine, arriving = Engine(), [1]
    made = batcher(engine, timeout=10.0, expected=lambda: arriving[0])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made.run, rows(1), joinable=True)
        while made._free:
            pass
        arriving[0] = 0
        second = pool.submit(made.run, rows(2), joinable=True)
        assert [first.result(5)["y"].tolist(), second.result(5)["y"].tolist()] == [[[2]], [[4]]]
    assert engine.batches == [2]


def test_the_wait_is_bounded():
    engine = Engine()
    made = batcher(engine, timeout=0.01, expected=lambda: 1)
    assert made.run(rows(3), joinable=True)["y"].tolist() == [[6]]


@pytest.mark.parametrize("places", [1, 3])
def test_many_threads_get_their_own_answers(places):
    made = batcher(lambda inputs: {"y": inputs["x"] * 2}, places=places, timeout=0.001, expected=lambda: 2)

    def ask(number: int) -> bool:
        count = number % 5 + 1
        answer = made.run(rows(*range(number, number + count)), joinable=True)["y"]
        return answer.ravel().tolist() == [2 * value for value in range(number, number + count)]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(500)))
    assert not made._waiting and made._free == places
