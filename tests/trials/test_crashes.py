"""The server is killed as by a power cut, again and again, while people label: nothing acknowledged is lost."""

from __future__ import annotations

import random
import time

import pytest

from tests.trials.trial import answering

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
