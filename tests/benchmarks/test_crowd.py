"""People who share a queue never get the same image, and nothing of theirs is lost: a small crowd on each engine."""

from __future__ import annotations

import pytest

from tests.benchmarks import crowd


@pytest.mark.slow
def test_crowd__of_eight_shares_a_queue_without_meeting(database_url, tmp_path):
    project_id, class_ids, people = crowd.prepare(database_url, tmp_path, 400, 8)

    done = crowd.work_together(database_url, project_id, class_ids, people, 12, None)

    assert done.errors == []
    assert crowd.verdict(database_url, project_id, done) == (0, 400, 400)
    # Nobody here thinks between two answers, so SQLite's write lock may pass some of them by.
    assert len({person for _, person in done.given}) > 1
