"""A trained classifier for others: timm weights with a JSON description, and ONNX.

Neither needs this package to be used. Every file is loaded, and compared with the model, before it is given out. Must
never import trainer.

Ten lines that load `write_timm`'s folder with timm, torch and NumPy alone (a test runs exactly these):

    import json, pathlib, timm, torch
    from safetensors.torch import load_file
    config = json.loads(pathlib.Path("config.json").read_text())
    model = timm.create_model(**config["timm"]).eval()
    model.load_state_dict(load_file("model.safetensors"), strict=True)
    def classify(images):  # uint8 or float 0..255, shape (B, 3, S, S), RGB
        scaled = torch.as_tensor(images).float() / config["preprocessing"]["divide_by"]
        normalised = (scaled - config["preprocessing"]["mean"]) / config["preprocessing"]["std"]
        return model(normalised).softmax(dim=1)  # columns: config["class_names"]
"""

from __future__ import annotations

import copy
import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ssmae.errors import SsmaeError
from ssmae.model import PIXEL_MEAN, PIXEL_STD, SSMAE, timm_arguments

TOLERANCE = 1e-4
"""Largest difference allowed between a probability of an exported classifier and of the model itself."""


TIMM_FILES = ("model.safetensors", "config.json")
"""What `write_timm` writes: weights, and what they are the weights of."""


class ExportMismatch(SsmaeError):
    """An exported file does not give the probabilities of the model it was made from."""


def write_timm(model: SSMAE, folder: Path) -> None:
    """Write `model.safetensors` and `config.json`: the encoder with its head under timm's own names.

    `config["timm"]` holds the arguments of `timm.create_model`; `config["preprocessing"]` says how pixels go in;
    `config["class_names"]` names the outputs.

    Args:
        model: what to export.
        folder: made if it is not there; files of an earlier export are replaced only by checked ones.

    Raises:
        ExportMismatch: timm, given what was written, builds another network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as unchecked:
        files = [Path(unchecked) / name for name in TIMM_FILES]
        _write_timm(model, *files)
        _check_timm(model, *files)
        for file in files:
            file.replace(folder / file.name)


def _write_timm(model: SSMAE, weights_file: Path, description_file: Path) -> None:
    weights = {name: value.detach().cpu().contiguous() for name, value in model.encoder.state_dict().items()}
    save_file(weights, weights_file, metadata={"format": "pt"})
    description = {
        "timm": timm_arguments(model.config, len(model.class_names)),
        "class_names": list(model.class_names),
        "preprocessing": _preprocessing(model),
    }
    description_file.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_timm(model: SSMAE, weights_file: Path, description_file: Path) -> None:
    """Load the files as anybody would and compare the probabilities."""
    with torch.random.fork_rng(devices=[]):  # timm draws weights, from torch's global generator
        rebuilt = timm.create_model(**json.loads(description_file.read_text(encoding="utf-8"))["timm"]).eval()
    try:
        rebuilt.load_state_dict(load_file(weights_file), strict=True)
    except RuntimeError as error:
        raise ExportMismatch(f"timm must take the weights that were written. {error}") from error
    images_BCHW = _noise(2, model.config.image_size)
    with torch.inference_mode():
        difference_BC = _of_encoder(rebuilt, images_BCHW) - _Classifier.of(model)(images_BCHW)
    _check_difference("timm and this package", difference_BC)


def _check_difference(both: str, *differences: torch.Tensor) -> None:
    largest = float(torch.stack([difference.abs().max() for difference in differences]).max())
    if not largest <= TOLERANCE:  # nor is NaN
        raise ExportMismatch(f"{both} must agree within {TOLERANCE}. Got a difference of {largest}.")


def _preprocessing(model: SSMAE) -> dict[str, Any]:
    return {
        "colours": "RGB, 8 bit, EXIF orientation applied, transparency over white",
        "image_size": model.config.image_size,
        "resize": "longer side to image_size, Lanczos (Pillow) when shrinking, bicubic when enlarging; aspect kept",
        "padding": "centred, rest filled with the image's mean colour",
        "layout": "BCHW",
        "divide_by": 255.0,
        "mean": PIXEL_MEAN,
        "std": PIXEL_STD,
    }


class _Classifier(nn.Module):
    """Bytes in, probabilities out: what the ONNX file computes."""

    def __init__(self, model: SSMAE) -> None:
        super().__init__()
        self.encoder = model.encoder

    @classmethod
    def of(cls, model: SSMAE) -> _Classifier:
        """Of a copy on the CPU: moving the model must not move the caller's."""
        return cls(copy.deepcopy(model)).cpu().eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, C) of float images 0..255 (B, 3, S, S)."""
        return _of_encoder(self.encoder, images)


def _of_encoder(encoder: nn.Module, images_BCHW: torch.Tensor) -> torch.Tensor:
    probabilities_BC: torch.Tensor = encoder((images_BCHW / 255.0 - PIXEL_MEAN) / PIXEL_STD).softmax(dim=1)
    return probabilities_BC


def _noise(batch: int, size: int) -> torch.Tensor:
    return torch.randint(256, (batch, 3, size, size), generator=torch.Generator().manual_seed(batch)).float()


def write_onnx(model: SSMAE, path: Path) -> None:
    """Write the classifier as ONNX and compare it with torch by running it.

    Input `images`: float32, shape (batch, 3, S, S), RGB, values 0..255 (bytes as floats), any batch. Output
    `probabilities`: float32, shape (batch, C). Normalisation is inside. Class names and the preparation of files are in
    the file's metadata, as JSON.

    Raises:
        ExportMismatch: the file's probabilities differ from torch's by more than 1e-4; it is not given out.
    """
    classifier = _Classifier.of(model)
    size = model.config.image_size
    sample = torch.zeros(2, 3, size, size)
    program = _export_quietly(classifier, sample)
    program.model.metadata_props["class_names"] = json.dumps(list(model.class_names), ensure_ascii=False)
    program.model.metadata_props["preprocessing"] = json.dumps(_preprocessing(model), ensure_ascii=False)
    with tempfile.TemporaryDirectory(dir=path.parent) as unchecked:
        file = Path(unchecked) / path.name
        program.save(str(file))
        _check_onnx(classifier, file, size)
        file.replace(path)


def _export_quietly(classifier: nn.Module, sample: torch.Tensor) -> torch.onnx.ONNXProgram:
    """The exporter announces itself on the log and uses deprecated parts of torch; neither is the caller's concern."""
    level, log = logging.WARNING, logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(max(level, logging.ERROR))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            program = torch.onnx.export(
                classifier,
                (sample,),
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=65536)},),
                dynamo=True,
                verbose=False,
            )
    finally:
        log.setLevel(before)
    if program is None:
        raise ExportMismatch("torch's ONNX exporter must return a program. Got none.")
    return program


def _check_onnx(classifier: nn.Module, path: Path, size: int) -> None:
    """Run the file, with batches of two sizes, and compare the probabilities."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    differences = []
    for batch in (1, 5):
        images_BCHW = _noise(batch, size)
        with torch.inference_mode():
            expected_BC = classifier(images_BCHW)
        got_BC = session.run(["probabilities"], {"images": images_BCHW.numpy()})[0]
        differences.append(torch.from_numpy(np.asarray(got_BC)) - expected_BC)
    _check_difference("ONNX and torch", *differences)
