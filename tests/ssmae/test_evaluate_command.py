"""`python -m ssmae evaluate CHECKPOINT FOLDER`: figures and pictures of a model for someone without the server."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

import ssmae.commands.train
from ssmae.__main__ import main
from ssmae.checkpoint import load_checkpoint, save_checkpoint
from ssmae.commands.content import content_numbers
from ssmae.commands.evaluate import calibration_words
from ssmae.commands.folders import read_folder
from ssmae.errors import InvalidData
from ssmae.evaluation import calibrate, evaluate
from ssmae.model import build
from ssmae.results import EncoderState
from tests.ssmae.conftest import folder_per_class


@pytest.fixture
def folder(tmp_path, digits):
    return folder_per_class(tmp_path / "digits", digits)


@pytest.fixture
def checkpoint(tmp_path, tiny_config):
    model = build(tiny_config.model, tuple("0123456789"), seed=0)
    save_checkpoint(tmp_path / "fresh.safetensors", model, EncoderState.of(model), tiny_config)
    return tmp_path / "fresh.safetensors"


def count_held_out(folder, share):
    return int((content_numbers(read_folder(folder)[0]) < share).sum())


def accuracy_after(words, printed):
    found = re.search(words + r" +([\d.]+%)", printed)
    assert found is not None
    return found[1]


def test_evaluate__judges_on_the_images_that_train_held_out(folder, tmp_path, tiny_config, monkeypatch, capsys):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    checkpoint, common = tmp_path / "round.safetensors", ["--labels-per-class", "3", "--seed", "4"]
    assert main(["train", str(folder), *common, "--validation", "60", "--out", str(checkpoint)]) == 0
    trained = capsys.readouterr().out
    assert main(["evaluate", str(checkpoint), str(folder), *common]) == 0
    printed = capsys.readouterr().out
    held_out = count_held_out(folder, 0.25)
    assert f"300 images, {held_out} of them held out, 30 labels for the readouts" in printed
    assert accuracy_after("classifier", printed) == accuracy_after(f"{held_out} held-out images:", trained)


def test_evaluate__divides_the_folder_of_the_training_as_the_training_did(
    folder, tmp_path, tiny_config, monkeypatch, capsys
):
    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    checkpoint, labels = str(tmp_path / "round.safetensors"), ["--labels-per-class", "3"]
    division = ["--seed", "4", "--test-share", "0.2"]
    assert main(["train", str(folder), *labels, *division, "--validation", "60", "--out", checkpoint]) == 0
    held_out = count_held_out(folder, 0.2)
    trained = accuracy_after(f"{held_out} held-out images:", capsys.readouterr().out)
    for seed in ("0", "4"):
        assert main(["evaluate", checkpoint, str(folder), *labels, "--seed", seed]) == 0
        assert accuracy_after("classifier", capsys.readouterr().out) == trained
    Image.new("L", (8, 8)).save(folder / "0" / "a new one.png")
    assert main(["evaluate", checkpoint, str(folder), "--test-share", "0.25"]) == 2
    assert "must be at most 0.2, that of the checkpoint's training: else images that taught" in capsys.readouterr().err


def test_evaluate__writes_pictures_and_every_figure(checkpoint, folder, tmp_path, capsys):
    out = tmp_path / "new" / "out"
    options = ["--labels-per-class", "4", "--fine-tune", "--out", str(out)]
    assert main(["evaluate", str(checkpoint), str(folder), *options]) == 0
    printed = capsys.readouterr().out
    for line in ("classifier", "linear probe", "nearest neighbours", "fine-tuned", "calibration error"):
        assert line in printed
    for name in ("reconstructions.png", "reliability.png", "unusual.png"):
        with Image.open(out / name) as picture:
            assert len(picture.convert("L").getcolors() or []) > 10
    figures = json.loads((out / "evaluation.json").read_text())
    assert set(figures["readouts"]) == {"classifier", "linear probe", "nearest neighbours", "fine-tuned"}
    held_out = count_held_out(folder, 0.25)
    assert figures["calibration"]["measured_on"] == held_out - held_out // 2
    run, classes = figures["run"], figures["classes"]
    assert (run["checkpoint"], run["folder"]) == (str(checkpoint), str(folder))
    assert (run["seed"], run["test_share"], run["labels"]) == (0, 0.25, 40)
    assert run["checkpoint_versions"] == load_checkpoint(checkpoint).versions
    confusion, judged = np.array(classes["confusion"]), figures["readouts"]["classifier"]
    assert classes["names"] == list("0123456789")
    assert (confusion.sum(), confusion.trace()) == (held_out, judged["correct"])
    assert [row["n"] for row in classes["accuracy"]] == confusion.sum(axis=1).tolist()
    # Untrained, the classifier says the first class of every image.
    assert confusion[:, 0].sum() == held_out
    assert [row["accuracy"] for row in classes["accuracy"]] == [1.0] + [0.0] * 9
    scores = [row["score"] for row in figures["unusual"]]
    assert len(scores) == 300
    assert scores == sorted(scores, reverse=True)
    assert (folder / figures["unusual"][0]["image"]).exists()


def test_evaluate__gives_the_same_figures_again(checkpoint, folder, tmp_path):
    for name in ("first", "second"):
        assert main(["evaluate", str(checkpoint), str(folder), "--out", str(tmp_path / name)]) == 0
    for name in ("evaluation.json", "reconstructions.png"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_evaluate__knows_the_classes_by_name_in_a_folder_with_fewer(checkpoint, folder, tmp_path, capsys):
    for name in "0123456":
        (folder / name).rename(tmp_path / f"away {name}")
    assert main(["evaluate", str(checkpoint), str(folder)]) == 0
    # Untrained, the classifier always says the model's first class, of which the folder has none.
    assert re.search(r"classifier +0\.0%", capsys.readouterr().out)


def test_evaluate__refuses_a_class_that_the_model_does_not_know(checkpoint, folder, capsys):
    (folder / "0").rename(folder / "zero")
    assert main(["evaluate", str(checkpoint), str(folder)]) == 2
    assert "Got ['zero']" in capsys.readouterr().err


def test_evaluate__refuses_a_file_where_a_folder_is_to_be_before_it_works(checkpoint, folder, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", str(checkpoint), str(folder), "--out", str(checkpoint)])
    assert "argument --out: must be a folder" in capsys.readouterr().err


def test_evaluate__names_what_is_no_checkpoint_as_it_was_given(folder, capsys):
    picture = next(folder.rglob("*.png"))
    for given, sentence in (
        (folder / "0", f"'{folder / '0'}' is a folder, and must be a checkpoint."),
        (folder / "nowhere", f"There is no file '{folder / 'nowhere'}'."),
        (picture, f"{picture} is not a readable safetensors file"),
    ):
        assert main(["evaluate", str(given), str(folder)]) == 2
        assert f"error: {sentence}" in capsys.readouterr().err


def test_evaluate__says_that_a_share_holds_out_nothing(checkpoint, folder, capsys):
    assert main(["evaluate", str(checkpoint), str(folder), "--test-share", "0.00001"]) == 2
    assert "A share of 1e-05 holds out none of 300 images." in capsys.readouterr().err


def test_evaluate__refuses_labels_that_both_teach_and_judge(tiny_config, make_data):
    data = make_data(images=40, labels=40, validation=0)
    model = build(tiny_config.model, data.class_names, seed=0)
    taught_L, held_out_H = np.arange(20), np.arange(19, 40)
    with pytest.raises(InvalidData, match=r"both for images \[19\]"):
        evaluate(model, tiny_config, data.images, data.labels_N, taught_L=taught_L, held_out_H=held_out_H, seed=0)


def test_calibrate__measures_on_answers_that_did_not_choose_the_temperature():
    probabilities_HC = np.tile([0.9, 0.1], (200, 1))
    # The first half is right six times in ten, the second always.
    labels_H = np.array([0] * 60 + [1] * 40 + [0] * 100)
    found = calibrate(probabilities_HC, labels_H)
    assert (found.fitted_on, found.measured_on) == (100, 100)
    assert found.temperature == pytest.approx(np.log(9) / np.log(1.5))  # 0.9 becomes 0.6
    assert found.error_before == pytest.approx(0.1)
    assert found.error_after == pytest.approx(0.4)


def test_calibration_words__say_when_a_temperature_does_not_help():
    probabilities_HC = np.tile([0.9, 0.1], (200, 1))
    worse = calibrate(probabilities_HC, np.array([0] * 60 + [1] * 40 + [0] * 100))
    better = calibrate(probabilities_HC, np.array(([0] * 60 + [1] * 40) * 2))
    assert "temperature does not help here" in calibration_words(worse)
    assert "help" not in calibration_words(better)


def test_calibrate__refuses_a_single_answer():
    with pytest.raises(InvalidData, match=r"two answers.*Got 1"):
        calibrate(np.array([[0.5, 0.5]]), np.array([0]))


def test_evaluate__refuses_a_folder_below_a_file_before_it_works(checkpoint, folder, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", str(checkpoint), str(folder), "--out", str(checkpoint / "report")])
    assert f"must be a folder. {str(checkpoint)!r} is a file" in capsys.readouterr().err


def test_evaluate__refuses_an_image_of_two_classes(checkpoint, folder, capsys):
    image = next((folder / "0").glob("*.png"))
    (folder / "1" / "again.png").write_bytes(image.read_bytes())
    assert main(["evaluate", str(checkpoint), str(folder)]) == 2
    assert "An image must lie under one class" in capsys.readouterr().err
