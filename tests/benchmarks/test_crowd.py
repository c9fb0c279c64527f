"""People who share a queue never get the same image, and nothing of theirs is lost: a crowd on each engine."""

from __future__ import annotations

import pytest

from tests.benchmarks import crowd


@pytest.mark.slow
def test_crowd__larger_than_the_pool_of_connections_shares_a_queue_without_meeting(database_url, tmp_path):
    project_id, class_ids, people = crowd.prepare(database_url, tmp_path, 600, 20)

    done = crowd.work_together(database_url, project_id, class_ids, people, 12, None)

    assert done.errors == []
    assert crowd.verdict(database_url, project_id, done) == (0, 600, 600)
    assert {person for _, person in done.given} == set(people)
