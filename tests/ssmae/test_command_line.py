"""`python -m ssmae train FOLDER`: the method for someone who has a folder of images and no server."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import ssmae.commands.train
from ssmae.__main__ import main
from ssmae.checkpoint import load_checkpoint
from ssmae.commands.division import divide, hold_out
from ssmae.commands.folders import read_folder
from ssmae.errors import InvalidData


@pytest.fixture
def folder(tmp_path, digits):
    for index in range(300):
        path = tmp_path / "digits" / f"class {digits[1][index]}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][index, 0]).save(path)
    return tmp_path / "digits"


def test_train__prints_the_gate_and_a_held_out_accuracy_with_its_interval(
    folder, tmp_path, tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    out = tmp_path / "round.safetensors"
    options = ["--labels-per-class", "3", "--validation", "60", "--threads", "1", "--out", str(out)]
    options += ["--set", "gate.views=1", "loss.masking=grid", "--set", "schedule.joint_steps=3"]
    assert main(["train", str(folder), *options]) == 0
    printed = capsys.readouterr().out
    assert "300 images, 10 classes, trained at 8 pixels" in printed
    assert "gate check 1: Closed" in printed
    assert "accuracy on 75 held-out images" in printed
    assert "95 % interval" in printed
    saved = load_checkpoint(out)
    assert saved.model.class_names == tuple(f"class {index}" for index in range(10))
    assert (saved.config.gate.views, saved.config.loss.masking, saved.config.schedule.joint_steps) == (1, "grid", 3)


def test_train__starts_from_a_checkpoint_and_leaves_no_half_way_state(folder, tmp_path, tiny_config, monkeypatch):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    first, half, second = (tmp_path / name for name in ("first.safetensors", "half", "second.safetensors"))
    options = ["--labels-per-class", "3", "--validation", "60", "--threads", "1"]
    no_steps = ["--set", "schedule.resume_reconstruct_steps=0", "schedule.labels_steps=0", "schedule.joint_steps=0"]
    assert main(["train", str(folder), *options, "--out", str(first)]) == 0
    resumed = ["--start", str(first), "--midway", str(half), "--out", str(second), *no_steps]
    assert main(["train", str(folder), *options, *resumed]) == 0
    encoders = [load_checkpoint(path).student.weights["encoder.pos_embed"] for path in (first, second)]
    assert torch.equal(*encoders)
    assert not half.exists()


def test_train__refuses_a_half_way_state_that_is_none_and_leaves_it_alone(
    folder, tmp_path, tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    half = tmp_path / "half"
    half.write_text("no half-way state")
    options = ["--labels-per-class", "3", "--validation", "60", "--threads", "1", "--midway", str(half)]
    assert main(["train", str(folder), *options]) == 2
    assert half.name in capsys.readouterr().err
    assert half.exists()


def test_train__refuses_a_setting_that_does_not_exist(folder, monkeypatch, capsys):
    monkeypatch.setattr(ssmae.commands.train, "train_round", lambda *_, **__: pytest.fail("it trained"))
    assert main(["train", str(folder), "--set", "loss.mask=1"]) == 2
    assert "--set must be SECTION.FIELD=VALUE with one of model.encoder" in capsys.readouterr().err


def test_train__says_before_it_trains_that_a_held_out_image_cannot_be_read(folder, monkeypatch, capsys):
    monkeypatch.setattr(ssmae.commands.train, "train_round", lambda *_, **__: pytest.fail("it trained first"))
    paths, _, _ = read_folder(folder)
    _, test = hold_out(len(paths), 0.25, np.random.default_rng(0))
    broken = paths[test[0]]
    broken.write_bytes(broken.read_bytes()[:-30])
    assert main(["train", str(folder), "--labels-per-class", "3", "--validation", "60"]) == 2
    assert broken.name in capsys.readouterr().err


def test_train__names_an_image_that_is_none(folder, capsys):
    paths, _, _ = read_folder(folder)
    paths[0].write_text("no image")
    assert main(["train", str(folder)]) == 2
    assert f"{paths[0]}: not a readable image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--test-share", "-0.25", "strictly between 0 and 1"),
        ("--test-share", "1", "strictly between 0 and 1"),
        ("--seed", "-1", "at least 0"),
        ("--validation", "many", "at least 0"),
        ("--labels-per-class", "0", "at least 1"),
        ("--out", "missing/round.safetensors", "no folder 'missing'"),
        ("--out", ".", "a folder"),
    ],
)
def test_train__refuses_an_option_before_it_reads_anything(tmp_path, capsys, option, value, expected):
    with pytest.raises(SystemExit, match="2"):
        main(["train", str(tmp_path), option, value])
    printed = capsys.readouterr().err
    assert f"argument {option}: must be" in printed
    assert expected in printed


def test_train__refuses_a_folder_without_classes_in_one_sentence(tmp_path, capsys):
    assert main(["train", str(tmp_path)]) == 2
    assert "at least two classes" in capsys.readouterr().err


def test_train__refuses_more_labels_than_there_are(folder, capsys):
    assert main(["train", str(folder), "--labels-per-class", "500"]) == 2
    assert "must have 500 images" in capsys.readouterr().err


def test_read_folder__takes_the_folders_as_classes_in_alphabetical_order(folder, digits):
    (folder / "empty").mkdir()
    paths, labels, names = read_folder(folder)
    assert names == tuple(f"class {index}" for index in range(10))
    assert all(path.parent.name == names[label] for path, label in zip(paths, labels, strict=True))
    assert len(paths) == 300


def test_divide__keeps_test_labels_and_validation_apart(digits):
    labels = digits[1][:400]
    parts = divide(labels, tuple("0123456789"), labels_per_class=4, validation=50, test_share=0.25, seed=1)
    assert sorted([*parts.stream_M, *parts.test_T]) == list(range(400))
    assert len(parts.test_T) == 100
    teaches = parts.labels_M >= 0
    assert np.bincount(parts.labels_M[teaches]).tolist() == [4] * 10
    assert np.array_equal(parts.labels_M[teaches], labels[parts.stream_M[teaches]])
    assert len(set(parts.validation_V)) == 50
    assert not teaches[parts.validation_V].any()


def test_divide__refuses_too_few_images_for_the_gate(digits):
    few = digits[1][:100]
    with pytest.raises(InvalidData, match="to judge the gate"):
        divide(few, tuple("0123456789"), labels_per_class=1, validation=90, test_share=0.25, seed=0)
