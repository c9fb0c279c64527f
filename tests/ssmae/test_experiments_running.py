"""Experiments in pieces: nothing is done twice, nothing is lost, and the clock is kept."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from dataclasses import replace
from itertools import count

import pytest

from ssmae.baselines import ARMS
from ssmae.errors import InvalidConfig, InvalidData, Stopped
from ssmae.experiments import jobs, running
from ssmae.experiments.jobs import Pause, comparison_jobs
from ssmae.experiments.packs import DIGITS, load_pack
from ssmae.experiments.reading import read
from ssmae.experiments.running import Share, run_jobs

ARM_KEYS = ("supervised", "ssmae")


@pytest.fixture(scope="module")
def pack():
    return load_pack(DIGITS, 8).part(320)


@pytest.fixture
def make_jobs(pack, tiny_config):
    schedule = replace(tiny_config.schedule, reconstruct_steps=2, labels_steps=2, joint_steps=2)
    short = replace(tiny_config, threads=1, schedule=schedule, gate=replace(tiny_config.gate, views=1))

    def make(seeds=1, config=short, budgets=(20, 30)):
        return comparison_jobs(pack, config, {key: ARMS[key] for key in ARM_KEYS}, budgets, seeds)

    return make


def test_run_jobs__fills_every_cell_once_and_goes_on_where_it_stopped(make_jobs, tmp_path):
    said: list[str] = []
    results = tmp_path / "results.jsonl"
    assert run_jobs(make_jobs()[:1], results, say=said.append) == 0
    first = results.read_text()
    assert run_jobs(make_jobs(), results, say=said.append) == 0
    assert results.read_text().startswith(first)
    lines = read([results])
    assert [(line.cell.budget, line.cell.arm) for line in lines] == [(b, a) for b in (20, 30) for a in ARM_KEYS]
    assert len(said) == 4
    assert run_jobs(make_jobs(), results, say=said.append) == 0
    assert len(said) == 4


def test_run_jobs__keeps_what_a_published_number_needs(make_jobs, tmp_path):
    run_jobs(make_jobs(budgets=(300,)), tmp_path / "results.jsonl", say=lambda _: None)
    supervised, ssmae = read([tmp_path / "results.jsonl"])
    assert (supervised.cell.validation, ssmae.cell.validation) == (0, 84)
    assert supervised.steps == ssmae.steps == 6
    assert (ssmae.test_images, ssmae.cell.images, ssmae.device, ssmae.threads) == (500, 320, "cpu", 1)
    assert len(ssmae.checks) == 1
    assert ssmae.settings == supervised.settings
    assert ssmae.config != supervised.config
    assert {point["phase"] for point in ssmae.history} == {"reconstruct", "labels", "joint"}
    assert 0 <= ssmae.accuracy <= 1
    assert ssmae.seconds > 0


def test_run_jobs__gives_the_same_accuracy_again(make_jobs, tmp_path):
    for name in ("first", "second"):
        run_jobs(make_jobs(budgets=(20,)), tmp_path / name, say=lambda _: None)
    first, second = read([tmp_path / "first"]), read([tmp_path / "second"])
    assert [line.accuracy for line in first] == [line.accuracy for line in second]


def test_run_jobs__divides_the_cells_among_processes(make_jobs, tmp_path):
    results = tmp_path / "results.jsonl"
    for part in ("1/2", "2/2"):
        run_jobs(make_jobs(), results, share=Share.parse(part), say=lambda _: None)
        assert {line.cell.arm for line in read([results])} == set(ARM_KEYS[: int(part[0])])
    assert {line.cell for line in read([results])} == {cell for job in make_jobs() for cell in job.cells}


def test_run_jobs__begins_nothing_that_would_end_too_late(make_jobs, tmp_path):
    results = tmp_path / "results.jsonl"
    run_jobs(make_jobs()[:2], results, say=lambda _: None)
    slow = [replace(line, seconds=100.0) for line in read([results])]
    results.write_text("".join(line.to_json() + "\n" for line in slow))
    said: list[str] = []
    started = time.monotonic()
    assert run_jobs(make_jobs(), results, minutes=1.5, say=said.append) == 2
    assert time.monotonic() - started < 1
    assert said == [
        "2 of 4 left; the next needs about 100 s in one piece, for which --minutes 1.5 is never enough: give 3."
    ]
    assert run_jobs(make_jobs(), results, minutes=10, say=said.append) == 0


def test_run_jobs__says_that_a_first_run_is_not_cut(make_jobs, tmp_path):
    said: list[str] = []
    run_jobs(make_jobs()[:1], tmp_path / "results", minutes=10, say=said.append)
    assert said[0] == "How long the next one takes is not known yet: it is run to its end, even if that is later."


def test_run_jobs__adds_of_a_chain_only_the_cells_that_are_missing(make_jobs, tmp_path):
    # Given two cells that are run as one job, and a file that has lost the second of them.
    one, other = make_jobs()[:2]
    both = replace(
        one,
        cells=one.cells + other.cells,
        configs=one.configs + other.configs,
        run=lambda _: one.run(None) + other.run(None),
        can_pause=False,
    )
    results = tmp_path / "results"
    run_jobs([both], results, say=lambda _: None)
    kept, _ = results.read_text().splitlines()
    results.write_text(kept + "\n")
    # When the job is run again, then the first stays as it was and the second comes back.
    assert run_jobs([both], results, say=lambda _: None) == 0
    assert results.read_text().splitlines()[0] == kept
    assert [line.cell for line in read([results])] == list(both.cells)


def test_run_jobs__refuses_a_cell_that_is_asked_for_twice(make_jobs, tmp_path):
    with pytest.raises(InvalidData, match=r"asked for once. Got digits, 20 answers, supervised, seed 0 twice"):
        run_jobs(make_jobs(budgets=(20, 20)), tmp_path / "results")


def test_run_jobs__makes_no_folder(make_jobs, tmp_path):
    with pytest.raises(FileNotFoundError):
        run_jobs(make_jobs()[:1], tmp_path / "missing" / "results", say=lambda _: None)


def test_run_jobs__refuses_to_write_on_behind_a_line_without_an_end(make_jobs, tmp_path):
    results = tmp_path / "results"
    run_jobs(make_jobs()[:1], results, say=lambda _: None)
    results.write_text(results.read_text().rstrip())
    with pytest.raises(InvalidData, match=r"results, line 1: It must end with a line break"):
        run_jobs(make_jobs(), results)


def test_run_jobs__goes_on_in_the_middle_of_a_run_that_was_cut(make_jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "SECONDS_BETWEEN_STATES", 0.0)
    job, states = make_jobs()[1], tmp_path / "midway"
    asked = count()
    with pytest.raises(Stopped):
        job.run(Pause(states, lambda: next(asked) > 8))
    assert len(list(states.iterdir())) == 1
    run_jobs([job], tmp_path / "cut", midway=states, say=lambda _: None)
    run_jobs([job], tmp_path / "whole", say=lambda _: None)
    (cut,), (whole,) = read([tmp_path / "cut"]), read([tmp_path / "whole"])
    assert (cut.accuracy, cut.steps, cut.history) == (whole.accuracy, whole.steps, whole.history)
    assert not list(states.iterdir())


def test_run_jobs__cuts_a_run_when_the_time_is_up(make_jobs, tmp_path):
    def late(pause):
        while not pause.should_stop():
            time.sleep(0.01)
        return job.run(pause)

    job = make_jobs()[0]
    said: list[str] = []
    slow = [replace(job, run=late)]
    assert run_jobs(slow, tmp_path / "results", minutes=0.01, midway=tmp_path / "midway", say=said.append) == 1
    assert said == ["1 of 1 left, the next one begun. Stopped in phase 'labels' after 0 of 6 steps."]


def test_run_jobs__refuses_a_file_of_other_settings_before_it_trains(make_jobs, tmp_path, tiny_config):
    results = tmp_path / "results.jsonl"
    run_jobs(make_jobs()[:1], results, say=lambda _: None)
    before = results.read_text()
    other = replace(tiny_config, loss=replace(tiny_config.loss, mask_ratio=0.5))
    with pytest.raises(
        InvalidData, match=r"results.jsonl, line 1 \(digits, 20 answers, supervised, seed 0\) and this command .* share"
    ):
        run_jobs(make_jobs(config=other), results, say=lambda _: None)
    elsewhere = replace(make_jobs()[0].settings, threads=2)  # where it runs is no setting of the method
    run_jobs(make_jobs(config=elsewhere)[:1], results, say=lambda _: None)
    assert results.read_text() == before


def test_run_jobs__refuses_a_file_of_another_version_of_the_learner(make_jobs, tmp_path):
    results = tmp_path / "results.jsonl"
    run_jobs(make_jobs()[:1], results, say=lambda _: None)
    old = [replace(line, code="0123456789ab") for line in read([results])]
    results.write_text("".join(line.to_json() + "\n" for line in old))
    with pytest.raises(InvalidData, match=r"one version of the learner.*0123456789ab"):
        run_jobs(make_jobs(), results, say=lambda _: None)
    run_jobs(make_jobs()[1:2], tmp_path / "now.jsonl", say=lambda _: None)
    with pytest.raises(InvalidData, match="one version of the learner"):
        read([results, tmp_path / "now.jsonl"])


def test_run_jobs__begins_a_cell_anew_whose_half_way_state_does_not_fit(make_jobs, tmp_path, capsys):
    (job,), states = make_jobs()[1:2], tmp_path / "midway"
    states.mkdir()
    jobs.Pause(states, lambda: False).state_of(job.cells[0]).write_bytes(b"left by another version")
    assert run_jobs([job], tmp_path / "results", midway=states, say=lambda _: None) == 0
    assert len(read([tmp_path / "results"])) == 1
    assert "begun anew" in capsys.readouterr().err
    assert not list(states.iterdir())


def test_run_jobs__keeps_the_half_way_state_until_the_line_is_written(make_jobs, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("disk full")

    states = tmp_path / "midway"
    monkeypatch.setattr(jobs, "SECONDS_BETWEEN_STATES", 0.0)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="disk full"):
        broken.setattr(running, "_append", full)
        run_jobs(make_jobs()[1:2], tmp_path / "results", midway=states, say=lambda _: None)
    assert len(list(states.iterdir())) == 1
    run_jobs(make_jobs()[1:2], tmp_path / "results", midway=states, say=lambda _: None)
    assert not list(states.iterdir())


def test_comparison_jobs__refuses_thresholds_that_smoothed_labels_keep_out_of_reach(pack, tiny_config):
    smoothed = replace(tiny_config, loss=replace(tiny_config.loss, label_smoothing=0.1))
    with pytest.raises(InvalidConfig, match=r"settings of pseudo_label.*teach a confidence of 0.91"):
        comparison_jobs(pack, smoothed, ARMS, [20], 1)
    assert comparison_jobs(pack, smoothed, {"freematch": ARMS["freematch"]}, [20], 1)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b"])
def test_share__refuses_what_is_no_part(text):
    with pytest.raises(ArgumentTypeError, match=f"I from 1 to N. Got '{text}'"):
        Share.parse(text)
