"""The server is killed as by a power cut, again and again, while people label: nothing acknowledged is lost."""

from __future__ import annotations

import random
import time

import pytest

from tests.steady import answering
from tests.trials.trial import Tab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def test_server__killed_at_25_random_moments_keeps_every_acknowledged_answer_once(trial):
    chance, people = random.Random(25), [trial.person("Ada"), trial.person("Ben")]
    with trial.serve() as server, answering(people, server.url):
        for _ in range(25):
            time.sleep(chance.uniform(0.05, 1.0))
            server.kill()
            server.start()
    answers = trial.check(people)
    assert answers >= 25, f"{answers} answers in 25 lives of the server"


def test_server__killed_ten_times_under_a_browser_gets_every_key_once(sqlite_trial, new_page):
    chance = random.Random(10)
    with sqlite_trial.serve() as server:
        tab = Tab(new_page(), sqlite_trial, server.url)
        for _ in range(10):
            tab.answer(chance.randrange(1, 6))
            tab.page.wait_for_timeout(chance.uniform(0, 300))
            server.kill()
            tab.answer_what_is_there(2)
            server.start()
        tab.wait_saved()
    assert sorted(sqlite_trial.labels_of("you")) == sorted(tab.answered)
    assert len({image_id for image_id, _ in tab.answered}) == len(tab.answered)
