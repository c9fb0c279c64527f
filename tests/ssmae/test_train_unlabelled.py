"""`python -m ssmae train FOLDER --unlabelled MORE`: images without a label join, and nothing is promised of them."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

import ssmae.commands.train
from ssmae.__main__ import main
from ssmae.checkpoint import load_checkpoint
from ssmae.commands.content import content_numbers
from ssmae.commands.division import hold_out
from ssmae.commands.folders import read_folder
from ssmae.commands.past import Past
from ssmae.config import RejectionReason
from ssmae.data import RoundData
from ssmae.results import RoundResult
from ssmae.trainer import train_round
from tests.ssmae.conftest import folder_per_class

OPTIONS = ["--labels-per-class", "3", "--validation", "60", "--threads", "1"]


@pytest.fixture
def folder(tmp_path, digits):
    return folder_per_class(tmp_path / "digits", digits, "class ")


@pytest.fixture
def more(tmp_path, digits):
    """A hundred others, at two depths."""
    for index in range(300, 400):
        path = tmp_path / "more" / ("deep/deeper" if index % 2 else ".") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][index, 0]).save(path)
    return tmp_path / "more"


@pytest.fixture
def rounds(monkeypatch, tiny_config):
    """What rounds were given and what came of them; they are really trained."""
    seen: list[tuple[RoundData, RoundResult]] = []

    def watched(data, config, **options):
        seen.append((data, train_round(data, config, **options)))
        return seen[-1][1]

    monkeypatch.setattr(ssmae.commands.train, "preset_config", lambda *_: tiny_config)
    monkeypatch.setattr(ssmae.commands.train, "train_round", watched)
    return seen


def test_train__unlabelled_images_join_the_stream_outside_of_the_frame(folder, more, rounds, capsys):
    assert main(["train", str(folder), *OPTIONS, "--unlabelled", str(more), "--set", "gate.rule=always_open"]) == 0
    printed = capsys.readouterr().out
    held_out = int((content_numbers(read_folder(folder)[0]) < 0.25).sum())
    ((data, result),) = rounds
    joined = np.arange(len(data.images) - 100, len(data.images))
    assert len(data.images) == 300 - held_out + 100
    assert (data.labels_N[joined] == -1).all()
    assert not data.in_frame_N[joined].any()
    assert not np.isin(joined, data.validation_index_V).any()
    # Whatever the gate lets in, none of them is.
    proposals = result.proposals
    is_joined_K = np.isin(proposals.index_K, joined)
    assert is_joined_K.sum() == 100
    assert {proposals.reason_K[place] for place in np.flatnonzero(is_joined_K)} == {RejectionReason.OUTSIDE_FRAME}
    shares = f"{held_out} images are held out, 30 labels teach, 60 images judge the gate"
    assert f"{shares}, the labels of {300 - held_out - 90} are hidden\n" in printed
    assert "100 images without a label join\n" in printed
    assert "the gate's promise does not reach the images without a label" in printed
    assert f"of {300 - held_out - 90}, besides 100 images that the gate does not speak of" in printed


def test_train__an_unlabelled_copy_of_a_labelled_image_stays_out(folder, more, rounds, capsys):
    """A held-out image must not come in by the other door."""
    paths, _, _ = read_folder(folder)
    held_out = [path for path, number in zip(paths, content_numbers(paths), strict=True) if number < 0.25]
    for number, path in enumerate(held_out[:5]):
        shutil.copy(path, more / f"copy {number}.png")
    assert main(["train", str(folder), *OPTIONS, "--unlabelled", str(more)]) == 0
    assert len(rounds[0][0].images) == 300 - len(held_out) + 100
    assert "100 images without a label join; 5 images left out, which the labelled" in capsys.readouterr().out


def test_train__what_taught_without_a_label_does_not_judge_when_it_has_one(folder, more, tmp_path, rounds, capsys):
    out = str(tmp_path / "round.safetensors")
    assert main(["train", str(folder), *OPTIONS, "--unlabelled", str(more), "--out", out]) == 0
    before = int((content_numbers(read_folder(folder)[0]) < 0.25).sum())
    # Now somebody labels them: a quarter would have been held out.
    for path in sorted(more.rglob("*.png")):
        shutil.move(path, folder / "class 0" / path.name)
    past = Past.of(load_checkpoint(tmp_path / "round.safetensors").remarks)
    number_N = content_numbers(read_folder(folder)[0])
    assert (number_N < 0.25).sum() > before
    assert len(hold_out(number_N, 0.25, np.random.default_rng(0), past.taught)[1]) == before
    capsys.readouterr()
    assert main(["evaluate", out, str(folder), "--labels-per-class", "3"]) == 0
    assert f"400 images, {before} of them held out" in capsys.readouterr().out
    assert main(["train", str(folder), *OPTIONS, "--start", out, "--out", out]) == 0
    assert f"accuracy on {before} held-out images" in capsys.readouterr().out
    assert Past.of(load_checkpoint(tmp_path / "round.safetensors").remarks).taught == past.taught


def test_train__all_labels_teach_and_the_gate_stays_closed(folder, more, rounds, capsys):
    assert main(["train", str(folder), "--labels-per-class", "all", "--unlabelled", str(more)]) == 0
    printed = capsys.readouterr().out
    held_out = int((content_numbers(read_folder(folder)[0]) < 0.25).sum())
    data = rounds[0][0]
    assert len(data.labelled_index_L) == 300 - held_out
    assert "Note: every label teaches and no image judges the gate, so it stays closed." in printed
    assert "gate check 1: Closed" in printed
    assert "pseudo-labels accepted: 0 of 0, besides 100 images" in printed


def test_train__refuses_unlabelled_images_that_are_none(folder, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no image")
    for given, sentence in (
        (tmp_path / "nowhere", "There is no folder"),
        (tmp_path / "empty", "is empty"),
        (tmp_path / "texts", "There is no image below"),
        (folder / "class 0", "must be a folder outside"),
    ):
        assert main(["train", str(folder), "--unlabelled", str(given)]) == 2
        assert sentence in capsys.readouterr().err


def test_train__refuses_an_image_under_two_classes_and_names_both(folder, monkeypatch, capsys):
    monkeypatch.setattr(ssmae.commands.train, "train_round", lambda *_, **__: pytest.fail("it trained"))
    first = next((folder / "class 1").iterdir())
    shutil.copy(first, folder / "class 7" / "again.png")
    assert main(["train", str(folder)]) == 2
    refusal = capsys.readouterr().err
    assert str(first) in refusal
    assert str(folder / "class 7" / "again.png") in refusal


def test_train__says_what_it_found_and_what_it_ignored(folder, capsys):
    paths, labels_N, _ = read_folder(folder)
    shutil.copy(paths[0], folder / "loose.png")
    for number in range(3):
        (folder / f"z{number}").mkdir()
        Image.new("L", (8, 8), number + 1).save(folder / f"z{number}" / "one.png")
    assert main(["train", str(folder), "--labels-per-class", "500"]) == 2
    printed = capsys.readouterr().out
    counts = ", ".join(f"class {name} {count}" for name, count in enumerate(np.bincount(labels_N)))
    assert f"images of each class: {counts} and 3 more" in printed
    assert f"ignored: 1 image in '{folder}' itself, which is of no class" in printed
