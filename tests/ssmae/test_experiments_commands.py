"""The commands behind the published tables, from the command line to the table, at toy length."""

from __future__ import annotations

import json
import re
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
from ssmae.experiments.reading import read
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
    assert comparison.main([*common, "--minutes", "1e-9"]) == UNFINISHED
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


def test_run__refuses_results_that_could_not_be_written(tmp_path, capsys):
    for place in (tmp_path / "missing" / "x.jsonl", tmp_path):
        with pytest.raises(SystemExit, match="2"):
            comparison.main(["run", "--results", str(place)])
        assert "argument --results: must be a file" in capsys.readouterr().err
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "many"])
def test_run__refuses_minutes_that_are_no_time(tmp_path, capsys, minutes):
    with pytest.raises(SystemExit, match="2"):
        comparison.main(["run", "--results", str(tmp_path / "x"), "--minutes", minutes])
    assert f"argument --minutes: must be a number above 0. Got '{minutes}'." in capsys.readouterr().err


@pytest.mark.parametrize("length", ["0", "1.5", "nan", "half"])
def test_resuming__refuses_a_length_that_is_no_part(tmp_path, capsys, length):
    with pytest.raises(SystemExit, match="2"):
        resuming.main(["run", "--results", str(tmp_path / "x"), "--lengths", length])
    assert f"argument --lengths: must be a number above 0, at most 1. Got '{length}'." in capsys.readouterr().err


PROGRAMS = {
    "cifar": (cifar.main, ["run"]),
    "comparison": (comparison.main, ["run"]),
    "cpu": (cpu.main, ["run"]),
    "gates": (gates.main, ["run"]),
    "learning_curve": (learning_curve.main, []),
    "phases": (phases.main, []),
    "resuming": (resuming.main, ["run"]),
}


@pytest.fixture
def help_of(capsys, monkeypatch):
    """Call it with the name of an experiment: what its help says of each option, on one line."""
    monkeypatch.setenv("COLUMNS", "2000")

    def ask(name):
        main, arguments = PROGRAMS[name]
        with pytest.raises(SystemExit, match="0"):
            main([*arguments, "--help"])
        found = re.findall(r"^  (--[a-z-]+)(.*(?:\n {6,}.*)?)$", capsys.readouterr().out, re.MULTILINE)
        return {option: " ".join(text.split()) for option, text in found}

    return ask


@pytest.mark.parametrize("name", PROGRAMS)
def test_help__says_the_default_of_every_option(name, help_of):
    texts = help_of(name)
    assert len(texts) >= 3
    without = {option for option, text in texts.items() if not re.search(r"[a-z].* \(default: .+\)$", text)}
    assert without <= {"--results", "--data"}, "only what has to be given has no default"


def test_help__names_what_may_be_chosen(help_of):
    assert (
        "scratch, last, shrink_70, shrink_40, keep_head, label_free (default: all)" in help_of("resuming")["--starts"]
    )
    assert "cifar10, cifar100 (default: all)" in help_of("cifar")["--packs"]
    assert "1, 5, 10 (default: all)" in help_of("cifar")["--shares"]
    assert re.search(r"supervised, .*, no_mixing \(default: mae_finetune ssmae\)", help_of("phases")["--arms"])
    assert "quick, standard, thorough (default: quick)" in help_of("gates")["--preset"]


def test_help__says_that_a_chain_is_not_cut(help_of):
    assert "in one piece: give more minutes than one takes" in help_of("resuming")["--minutes"]
    assert "--midway" not in help_of("resuming")
    assert "--midway" in help_of("comparison")


def test_packs__that_are_missing_are_named_before_anything_is_read(tmp_path, capsys):
    options = ["run", "--data", str(tmp_path), "--results", str(tmp_path / "x")]
    assert cpu.main(options) == 2
    first, second = tmp_path / "fashion12000.tar.xz", tmp_path / "eurosat5400.tar.xz"
    assert capsys.readouterr().err.startswith(f"error: There is no {first}, no {second}: ")
    first.touch()
    assert cpu.main(options) == 2
    assert capsys.readouterr().err.startswith(f"error: There is no {second}: ")
    assert cifar.main(options) == 2
    assert capsys.readouterr().err.startswith(f"error: There is no {tmp_path / 'cifar10.tar.xz'}, no ")


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
