"""`python -m ssmae train FOLDER`: the method for someone who has a folder of images and no server."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ssmae.commands.train
from ssmae.__main__ import main
from ssmae.checkpoint import load_checkpoint
from ssmae.commands.content import content_numbers
from ssmae.commands.division import divide, hold_out
from ssmae.commands.folders import read_folder
from ssmae.commands.options import ALL_LABELS
from ssmae.commands.status import PIPE_CLOSED, exit_status
from ssmae.config import GateConfig
from ssmae.errors import InvalidData, Stopped
from ssmae.export import write_timm
from ssmae.gate import required_validation_size
from ssmae.model import build
from ssmae.trainer import train_round
from tests.ssmae.conftest import folder_per_class


@pytest.fixture
def folder(tmp_path, digits):
    return folder_per_class(tmp_path / "digits", digits, "class ")


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
    held_out = int((content_numbers(read_folder(folder)[0]) < 0.25).sum())
    assert f"accuracy on {held_out} held-out images" in printed
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
    assert main(["train", str(folder), "--set", "schedule.joint_stepz=3"]) == 2
    guess = "--set: there is no schedule.joint_stepz; did you mean schedule.joint_steps? `python -m ssmae knobs` lists"
    assert guess in capsys.readouterr().err


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("schedule.joint_steps=-5", "--set schedule.joint_steps must be at least 0. Got -5."),
        ("device=tpu", "--set device must be auto, cpu or cuda. Got 'tpu'."),
        ("model.image_size=9", "model.patch_size must be a divisor of image_size=9"),
        ("model.encoder=resnet18", "--set model.encoder must be a vision transformer of timm"),
    ],
)
def test_train__names_a_setting_as_it_is_typed(folder, capsys, assignment, sentence):
    assert main(["train", str(folder), "--validation", "0", "--set", assignment]) == 2
    assert f"error: {sentence}" in capsys.readouterr().err


def test_train__says_before_it_trains_that_a_held_out_image_cannot_be_read(folder, monkeypatch, capsys):
    monkeypatch.setattr(ssmae.commands.train, "train_round", lambda *_, **__: pytest.fail("it trained first"))
    paths, _, _ = read_folder(folder)
    # Every change of its bytes draws it anew: cut until it is held out.
    broken = paths[0]
    whole = broken.read_bytes()
    for cut in range(30, 60):
        broken.write_bytes(whole[:-cut])
        if content_numbers([broken])[0] < 0.25:
            break
    assert content_numbers([broken])[0] < 0.25
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
        ("--labels-per-class", "every", "must be 'all' or a whole number"),
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


def test_train__tells_apart_what_is_wrong_with_a_folder(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    file = next(folder.rglob("*.png"))
    for given, sentence in (
        (tmp_path / "nowhere", f"There is no folder '{tmp_path / 'nowhere'}'."),
        (file, f"'{file}' is a file, and must be a folder."),
        (tmp_path / "empty", f"The folder '{tmp_path / 'empty'}' is empty."),
        (file.parent, "at least two classes. Got []"),
    ):
        assert main(["train", str(given)]) == 2
        assert sentence in capsys.readouterr().err


def test_train__names_a_start_that_is_none_as_it_was_given(folder, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("no weights")
    for name, sentence in (
        ("notes.txt", f"{tmp_path / 'notes.txt'} is not a readable safetensors file"),
        ("nowhere", f"There is no file '{tmp_path / 'nowhere'}'."),
        ("digits", f"'{tmp_path / 'digits'}' is a folder, and must be a checkpoint."),
    ):
        assert main(["train", str(folder), "--start", str(tmp_path / name)]) == 2
        assert f"error: {sentence}" in capsys.readouterr().err


def test_train__refuses_more_labels_than_there_are(folder, capsys):
    assert main(["train", str(folder), "--labels-per-class", "500"]) == 2
    assert "must have 500 images" in capsys.readouterr().err


def test_read_folder__takes_the_folders_as_classes_in_alphabetical_order(folder, digits):
    (folder / "empty").mkdir()
    paths, labels, names = read_folder(folder)
    assert names == tuple(f"class {index}" for index in range(10))
    assert all(path.parent.name == names[label] for path, label in zip(paths, labels, strict=True))
    assert len(paths) == 300


def test_hold_out__keeps_an_image_held_out_whatever_comes_to_the_folder_and_in_every_round(folder, digits):
    def held_out(share, seed):
        paths, _, _ = read_folder(folder)
        _, test_T = hold_out(content_numbers(paths), share, np.random.default_rng(seed))
        return {paths[index] for index in test_T}

    first = held_out(0.25, seed=0)
    assert 45 < len(first) < 105  # of 300
    Image.fromarray(digits[0][400, 0]).save(folder / "class 0" / "a new one.png")
    assert held_out(0.25, seed=1) - {folder / "class 0" / "a new one.png"} == first
    assert held_out(0.1, seed=2) < held_out(0.25, seed=2)


def test_train__holds_out_for_a_later_round_what_the_first_one_held_out(
    folder, tmp_path, tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    first, second = (str(tmp_path / f"{name}.safetensors") for name in ("first", "second"))
    options = ["--labels-per-class", "3", "--validation", "30"]
    assert main(["train", str(folder), *options, "--test-share", "0.2", "--out", first]) == 0
    capsys.readouterr()
    assert main(["train", str(folder), *options, "--test-share", "0.3", "--start", first]) == 2
    assert "must be at most 0.2, that of the checkpoint's training" in capsys.readouterr().err
    assert main(["train", str(folder), *options, "--seed", "1", "--start", first, "--out", second]) == 0
    held_out = int((content_numbers(read_folder(folder)[0]) < 0.2).sum())
    printed = capsys.readouterr().out
    assert f"accuracy on {held_out} held-out images" in printed
    assert "not known" not in printed
    assert main(["evaluate", second, str(folder), "--test-share", "0.25"]) == 2


def test_train__says_that_nothing_is_known_of_what_taught_a_timm_file(
    folder, tmp_path, tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    write_timm(build(tiny_config.model, ("a", "b"), seed=0), tmp_path / "timm")
    options = ["--labels-per-class", "3", "--validation", "30", "--out", str(tmp_path / "round.safetensors")]
    assert main(["train", str(folder), *options, "--start", str(tmp_path / "timm" / "model.safetensors")]) == 0
    assert "not known which images taught" in capsys.readouterr().out
    assert main(["evaluate", str(tmp_path / "round.safetensors"), str(folder), "--labels-per-class", "3"]) == 0
    assert "not known which images taught" in capsys.readouterr().out


def test_train__takes_the_threads_of_its_preset_unless_told_otherwise(folder, tmp_path, monkeypatch):
    threads = []

    def asked(_, config, **__):
        threads.append(config.threads)
        raise Stopped("That was all there is to know.")

    monkeypatch.setattr(ssmae.commands.train, "train_round", asked)
    for option in ([], ["--threads", "2"]):
        assert main(["train", str(folder), "--labels-per-class", "3", "--validation", "30", *option]) == 2
    assert threads == [1, 2]


def test_exit_status__a_full_disk_is_one_line_and_a_bug_is_not(capsys):
    def run(error):
        raise error

    assert exit_status(lambda: run(OSError(errno.ENOSPC, "No space left on device", "images.npy"))) == 2
    assert "No space left on device: 'images.npy'" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        exit_status(lambda: run(FileNotFoundError(errno.ENOENT, "No such file")))


def test_exit_status__a_reader_who_has_seen_enough_is_no_bug():
    """As in `python -m ssmae knobs | head`."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-m", "ssmae", "knobs"], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (PIPE_CLOSED, b"")


def test_divide__keeps_test_labels_and_validation_apart(digits):
    labels, number_N = digits[1][:400], np.linspace(0, 1, 400, endpoint=False)
    options: dict[str, Any] = {"validation": 50, "test_share": 0.25, "seed": 1, "gate": GateConfig()}
    parts = divide(number_N, labels, tuple("0123456789"), labels_per_class=4, **options)
    assert sorted([*parts.stream_M, *parts.test_T]) == list(range(400))
    assert set(parts.test_T) == set(range(100))
    teaches = parts.labels_M >= 0
    assert np.bincount(parts.labels_M[teaches]).tolist() == [4] * 10
    assert np.array_equal(parts.labels_M[teaches], labels[parts.stream_M[teaches]])
    assert len(set(parts.validation_V)) == 50
    assert np.array_equal(parts.in_frame_M, ~teaches)
    assert not teaches[parts.validation_V].any()


def test_divide__refuses_too_few_images_for_the_gate(digits):
    few = digits[1][:100]
    with pytest.raises(InvalidData, match="to judge the gate"):
        divide(
            np.linspace(0, 1, 100),
            few,
            tuple("0123456789"),
            labels_per_class=1,
            validation=90,
            test_share=0.25,
            seed=0,
            gate=GateConfig(),
        )


def test_divide__draws_the_sample_before_all_other_labels_teach(digits):
    labels, number_N = digits[1][:400], np.linspace(0, 1, 400, endpoint=False)
    options: dict[str, Any] = {"labels_per_class": ALL_LABELS, "test_share": 0.25, "seed": 1, "gate": GateConfig()}
    parts = divide(number_N, labels, tuple("0123456789"), validation=50, **options)
    assert sorted(np.flatnonzero(parts.labels_M < 0)) == sorted(parts.validation_V)
    assert parts.in_frame_M.all()
    assert len(parts.validation_V) == 50
    # Not asked for, there is none: it would cost labels and could let nothing in.
    parts = divide(number_N, labels, tuple("0123456789"), validation=None, **options)
    assert (parts.labels_M >= 0).all()
    assert not len(parts.validation_V)


def test_divide__refuses_a_class_that_has_no_label_left():
    labels = np.array([1] + [0] * 20)  # the first is held out
    with pytest.raises(InvalidData, match=r"\['rare'\] have none"):
        divide(
            np.linspace(0, 1, 21),
            labels,
            ("common", "rare"),
            labels_per_class=ALL_LABELS,
            validation=5,
            test_share=0.01,
            seed=0,
            gate=GateConfig(),
        )


def test_divide__asks_the_gate_as_often_as_there_are_images_for(digits):
    """By what the gate itself says that it needs: all checks, or one, or a refusal that says what to do."""
    gate, names = GateConfig(), tuple("0123456789")
    two, one = (required_validation_size(gate.alpha, gate.delta, checks, check=checks) for checks in (2, 1))

    def sample(left, asked=None):
        # A hundredth of the images is held out, and a label of each class teaches.
        images = left + len(names) + 1
        number_N = np.r_[0.0, np.linspace(0.5, 0.9, images - 1)]
        labels = np.r_[0, np.arange(images - 1) % 10]
        options: dict[str, Any] = {"labels_per_class": 1, "test_share": 0.01, "seed": 0, "gate": gate}
        return len(divide(number_N, labels, names, validation=asked, **options).validation_V)

    assert (sample(two), sample(two - 1), sample(one)) == (two, one, one)
    too_few = rf"{one} images must be left.*Got {one - 1}: a single check needs {one}, `--validation 0` keeps"
    with pytest.raises(InvalidData, match=rf"{too_few} the gate closed, and fewer `--labels-per-class`"):
        sample(one - 1)
    with pytest.raises(InvalidData, match=rf"`--validation {one}` is enough for a single check"):
        sample(one, asked=two)


def test_hold_out__says_that_a_share_is_too_small():
    with pytest.raises(InvalidData, match=r"A share of 0.001 holds out none of 500 images\."):
        hold_out(np.linspace(0.01, 0.99, 500), 0.001, np.random.default_rng(0))


def test_bench__names_the_option_that_is_no_device(capsys):
    assert main(["bench", "--device", "tpu"]) == 2
    assert "error: --device must be auto, cpu or cuda. Got 'tpu'." in capsys.readouterr().err


def test_train__never_judges_by_an_answer_that_an_earlier_round_knew(
    folder, tmp_path, tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    seen = []

    def remembered(data, *given, **options):
        seen.append(data)
        return train_round(data, *given, **options)

    monkeypatch.setattr(ssmae.commands.train, "train_round", remembered)
    first, second = (str(tmp_path / f"{name}.safetensors") for name in ("first", "second"))
    options = ["--labels-per-class", "3", "--validation", "60"]
    assert main(["train", str(folder), *options, "--out", first]) == 0
    assert main(["train", str(folder), *options, "--start", first, "--out", second]) == 0
    before, after = seen
    # The same seed and folder: the same images in the same order.
    assert np.array_equal(before.images.images_NCHW, after.images.images_NCHW)
    assert not set(before.validation_index_V) & set(after.validation_index_V)
    assert set(before.validation_index_V) | set(before.labelled_index_L) == set(after.labelled_index_L)
    assert "90 labels teach, 60 images judge the gate" in capsys.readouterr().out


def test_train__refuses_a_half_way_state_in_the_file_of_the_result(folder, tmp_path, capsys):
    one = str(tmp_path / "one.safetensors")
    assert main(["train", str(folder), "--midway", one, "--out", str(tmp_path / "." / "one.safetensors")]) == 2
    assert "--midway and --out must be different files" in capsys.readouterr().err
