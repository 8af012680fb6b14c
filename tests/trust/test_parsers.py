"""Everything that reads files from elsewhere refuses altered ones with the documented error."""

import pytest

from tests.trust import parsers

pytestmark = pytest.mark.once


def test_altered_files_are_refused():
    answers = parsers.attack(2_000, seed=1)
    assert parsers.faults(answers) == []
    passed_over = {"progress in a checkpoint", "plug-in's metadata"}  # for what lies beside them
    assert passed_over < set(answers)
    assert all(counts["refused"] > 20 for door, counts in answers.items() if door not in passed_over)


@pytest.mark.large
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_altered_files():
    assert parsers.faults(parsers.attack(100_000, seed=0)) == []
