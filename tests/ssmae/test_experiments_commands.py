"""The commands behind the published tables, from the command line to the table, at toy length."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ssmae.baselines import ARMS
from ssmae.config import GateRule
from ssmae.experiments import cifar, comparison, cpu, gates, learning_curve, phases, resuming
from ssmae.experiments.command import UNFINISHED
from ssmae.experiments.draw import draw_round
from ssmae.experiments.packs import DIGITS, load_pack
from ssmae.experiments.running import read
from ssmae.trainer import train_round

LENGTHS = ("reconstruct_steps", "resume_reconstruct_steps", "labels_steps", "joint_steps")
SHORT = [
    "--set",
    *(f"schedule.{name}=2" for name in LENGTHS),
    "model.embed_dim=32",
    "model.depth=1",
    "gate.views=1",
]


def test_comparison__runs_in_pieces_and_prints_its_table(tmp_path, capsys):
    results = str(tmp_path / "digits.jsonl")
    arms = ["--arms", "supervised", "ssmae"]
    common = ["run", "--results", results, "--images", "200", "--labels", "20", "--seeds", "1", *arms, *SHORT]
    assert comparison.main([*common, "--minutes", "0"]) == UNFINISHED
    assert comparison.main(common) == 0
    assert "digits, 20 answers, ssmae, seed 0" in capsys.readouterr().out
    assert comparison.main(["table", results]) == 0
    printed = capsys.readouterr().out
    assert "| supervised |" in printed
    assert "test images: 500; training images: 200; steps a run: 6;" in printed


def test_comparison__refuses_a_setting_that_does_not_exist_in_one_line(tmp_path, capsys):
    options = ["run", "--results", str(tmp_path / "x"), "--set"]
    for wrong in ("schedule.steps=3", "joint_steps=3", "schedule.joint_steps", "schedule.joint_steps=many"):
        assert comparison.main([*options, wrong]) == 2
        assert wrong.split(".")[-1].split("=")[0] in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_table__refuses_a_file_that_is_not_there(tmp_path, capsys):
    assert comparison.main(["table", str(tmp_path / "typo.jsonl")]) == 2
    assert "There is no" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--images", "--seeds", "--labels", "--part"])
def test_comparison__refuses_a_number_that_counts_nothing(tmp_path, capsys, option):
    with pytest.raises(SystemExit, match="2"):
        comparison.main(["run", "--results", str(tmp_path / "x"), option, "-5"])
    assert f"argument {option}: " in capsys.readouterr().err


def test_gates__gives_every_rule_the_same_labels_and_the_same_evidence(tmp_path):
    results = tmp_path / "gates.jsonl"
    options = ["--images", "200", "--labels", "20", "--evidence", "50", "--seeds", "1", *SHORT]
    assert gates.main(["run", "--results", str(results), *options]) == 0
    lines = read([results])
    assert [line.cell.arm for line in lines] == [str(rule) for rule in GateRule]
    assert {(line.cell.budget, line.cell.validation) for line in lines} == {(70, 50)}
    assert len({line.config for line in lines}) == 3


def test_resuming__carries_weights_from_round_to_round_at_every_length(tmp_path, capsys):
    results = tmp_path / "resuming.jsonl"
    options = ["--images", "100", "--labels", "20", "40", "--seeds", "1", "--lengths", "0.5", *SHORT]
    starts = ["--starts", "scratch", "last", "shrink_40", "keep_head", "label_free"]
    assert resuming.main(["run", "--results", str(results), *options, *starts]) == 0
    by_cell = {(line.cell.arm, line.cell.budget): line for line in read([results])}
    resumed = starts[2:]
    full = {(f"{start}/1", budget): 6 for start in starts[1:] for budget in (20, 40)}
    assert {cell: line.steps for cell, line in by_cell.items()} == full | {(f"{each}/0.5", 40): 3 for each in resumed}
    # The first round is the same; the second begins elsewhere for each, so its losses are others.
    assert by_cell["scratch/1", 20].history == by_cell["last/1", 20].history
    assert len({str(by_cell[f"{start}/1", 40].history) for start in starts[1:]}) == 5
    assert resuming.main(["table", str(results)]) == 0
    assert "| last weights, 0.5 of the steps |" in capsys.readouterr().out


def test_cpu__keeps_the_settings_of_the_digits_on_the_other_packs():
    of_digits, *others = [cpu.settings(entry) for entry in cpu.ENTRIES]
    for other in others:
        size = replace(other.model, image_size=8, patch_size=2)
        assert size == of_digits.model
        assert (other.schedule, other.gate) == (of_digits.schedule, of_digits.gate)
        assert replace(other.augment, flip=False) == of_digits.augment


def test_learning_curve__counts_every_label_of_its_rounds(tiny_config):
    schedule = tiny_config.schedule
    short = replace(schedule, reconstruct_steps=1, resume_reconstruct_steps=1, labels_steps=1, joint_steps=1)
    tiny = replace(tiny_config, schedule=short, gate=replace(tiny_config.gate, views=0))
    points = learning_curve.run(learning_curve.ARMS[0], tiny, seed=0)
    assert [point.labels for point in points] == [20, 50, 100, 200]
    assert "| resumed, chosen |" in learning_curve.table(points)


def test_phases__looks_at_the_teacher_along_the_round_and_leaves_it_as_it_is(tmp_path, capsys):
    out = tmp_path / "phases.json"
    options = ["--images", "200", "--labels", "40", "--arms", "supervised", "ssmae", "--seeds", "1", "--every", "4"]
    assert phases.main([*options, "--out", str(out), *SHORT]) == 0
    points = json.loads(out.read_text())
    of_ssmae = [(point["phase"], point["step"]) for point in points if point["arm"] == "ssmae"]
    assert of_ssmae == [("reconstruct", 0), ("labels", 2), ("joint", 4), ("end", 6)]
    assert all(0 <= point["neighbours"] <= 1 for point in points)
    assert "| supervised | end | 6 |" in capsys.readouterr().out


def test_phases__a_round_that_is_watched_is_the_same_round(tiny_config):
    pack = load_pack(DIGITS, 8).part(200)
    data = draw_round(pack, budget=40, validation=0, seed=0)
    watched = train_round(data, tiny_config, seed=0, observe=phases.Watch(pack, data, "ssmae", 0, every=1))
    alone = train_round(data, tiny_config, seed=0)
    assert [point.losses for point in watched.history] == [point.losses for point in alone.history]


@pytest.fixture
def toy_packs(tmp_path):
    """Folders of noise under the names of both packs, as many classes as they have, 2,600 training images each."""
    generator = np.random.default_rng(0)
    for name, classes in (("cifar10", 10), ("cifar100", 100)):
        for split, images in (("train", 2600), ("test", 200)):
            for number in range(images):
                path = tmp_path / name / split / f"class {number % classes:03}" / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)).save(path, compress_level=0)
    return tmp_path


@pytest.mark.slow
def test_cifar__fills_every_cell_of_its_table_at_toy_length(toy_packs, capsys):
    results = toy_packs / "toy.jsonl"
    options = ["--toy", "--seeds", "1", "--data", str(toy_packs), "--cache", str(toy_packs / "cache")]
    assert cifar.main(["run", "--results", str(results), *options]) == 0
    lines = read([results])
    assert len(lines) == 2 * 3 * len(ARMS)
    assert [line.cell.arm for line in lines[:12]] == ["ssmae"] * 6 + ["freematch_cutmix"] * 6
    assert {line.cell.budget for line in lines} == {26, 130, 260}
    # A tenth of 2,600 affords evidence for the gate; the smaller budgets keep it closed.
    assert {line.cell.validation for line in lines if line.cell.arm == "ssmae"} == {0, 84}
    assert cifar.main(["table", str(results)]) == 0
    assert "not yet run" not in capsys.readouterr().out
