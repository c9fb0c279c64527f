"""`python -m ssmae predict` and `export`: a trained classifier at work, here and in other programs."""

from __future__ import annotations

import csv

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from app.formats import spreadsheet
from ssmae.__main__ import main
from ssmae.checkpoint import save_checkpoint
from ssmae.commands.predict import guarded
from ssmae.decoding import decode_image
from ssmae.images import ImageStore
from ssmae.inference import predict
from ssmae.model import build
from ssmae.results import EncoderState

NAMES = ("=cat", "dog, wet", "élan")


@pytest.fixture
def model(tiny_config):
    model = build(tiny_config.model, NAMES, seed=0)
    torch.nn.init.normal_(model.encoder.get_parameter("head.weight"), generator=torch.Generator().manual_seed(0))
    return model.eval()


@pytest.fixture
def checkpoint(tmp_path, tiny_config, model):
    save_checkpoint(tmp_path / "some.safetensors", model, EncoderState.of(model), tiny_config)
    return tmp_path / "some.safetensors"


@pytest.fixture
def folder(tmp_path, digits):
    for index, name in enumerate(("b.png", "a/deep/er.PNG", "-1.png", "a/notes.txt")):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][index, 0]).save(path, format="png")
    return tmp_path / "images"


def test_predict__writes_a_line_for_every_image_of_any_depth(checkpoint, folder, tmp_path, model, capsys):
    out = tmp_path / "table.csv"
    assert main(["predict", str(checkpoint), str(folder), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "3 images, 3 classes, at 8 pixels" in printed
    assert f"written to {out}" in printed
    with out.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["image", "predicted", "confidence", *(f"probability of {name}" for name in NAMES)]
    assert [row[0] for row in rows] == ["'-1.png", "a/deep/er.PNG", "b.png"]
    paths = [folder / row[0].removeprefix("'") for row in rows]
    expected_NC = predict(model, ImageStore(np.stack([decode_image(path, 8) for path in paths]))).probabilities_NC
    assert np.allclose(np.array([row[3:] for row in rows], float), expected_NC, atol=1e-6)
    for row, values in zip(rows, expected_NC, strict=True):
        assert row[1] == guarded(NAMES[values.argmax()])
        assert float(row[2]) == pytest.approx(values.max(), abs=1e-6)


def test_predict__refuses_what_is_no_checkpoint_no_folder_or_no_image(checkpoint, folder, tmp_path, capsys):
    out = tmp_path / "table.csv"
    for first, second, sentence in (
        (folder, folder, f"'{folder}' is a folder, and must be a checkpoint."),
        (checkpoint, tmp_path / "nowhere", f"There is no folder '{tmp_path / 'nowhere'}'."),
    ):
        assert main(["predict", str(first), str(second), "--out", str(out)]) == 2
        assert sentence in capsys.readouterr().err
    (folder / "broken.png").write_text("no image")
    assert main(["predict", str(checkpoint), str(folder), "--out", str(out)]) == 2
    assert f"{folder / 'broken.png'}: not a readable image" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("cell", ["plain", "", "a=b", *(f"{first}x" for first in "=+-@\t\r\n＝＋－＠'")])
def test_guarded__is_what_the_server_does(cell):
    assert guarded(cell) == spreadsheet.guarded(cell)


def test_export__writes_what_the_server_gives_out(checkpoint, folder, tmp_path, model, capsys):
    out = tmp_path / "new" / "exported"
    assert main(["export", str(checkpoint), str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["config.json", "model.onnx", "model.safetensors"]
    printed = capsys.readouterr().out
    assert all(path.name in printed for path in out.iterdir())
    image_CHW = decode_image(folder / "b.png", 8)
    session = onnxruntime.InferenceSession(out / "model.onnx", providers=["CPUExecutionProvider"])
    (got,) = session.run(["probabilities"], {"images": image_CHW[None].astype(np.float32)})
    assert np.allclose(got, predict(model, ImageStore(image_CHW[None])).probabilities_NC, atol=1e-4)


def test_export__never_overwrites_the_checkpoint(checkpoint, capsys):
    place = checkpoint.with_name("model.safetensors")
    checkpoint.rename(place)
    before = place.read_bytes()
    assert main(["export", str(place), str(place.parent)]) == 2
    assert f"would overwrite '{place}'" in capsys.readouterr().err
    assert place.read_bytes() == before


def test_predict__leaves_its_checkpoint_alone(checkpoint, folder, capsys):
    before = checkpoint.read_bytes()
    assert main(["predict", str(checkpoint), str(folder), "--out", str(checkpoint)]) == 2
    assert "the table would overwrite" in capsys.readouterr().err
    assert checkpoint.read_bytes() == before
