"""A trained classifier for others: timm weights with a JSON description, and ONNX.

Neither needs this package to be used. Every file is compared with torch before it is given out. Must never import
trainer.

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
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from safetensors.torch import save_file
from torch import nn

from ssmae.errors import SsmaeError
from ssmae.model import PIXEL_MEAN, PIXEL_STD, SSMAE, timm_arguments

ONNX_TOLERANCE = 1e-4
"""Largest difference allowed between a probability from ONNX and from torch."""


class ExportMismatch(SsmaeError):
    """An exported file does not give the probabilities of the model it was made from."""


def write_timm(model: SSMAE, folder: Path) -> None:
    """Write `model.safetensors` and `config.json`: the encoder with its head under timm's own names.

    `config["timm"]` holds the arguments of `timm.create_model`; `config["preprocessing"]` says how pixels go in;
    `config["class_names"]` names the outputs.

    Args:
        model: what to export.
        folder: made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.encoder.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    description = {
        "timm": timm_arguments(model.config, len(model.class_names)),
        "class_names": list(model.class_names),
        "preprocessing": _preprocessing(model),
    }
    (folder / "config.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


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

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, C) of float images 0..255 (B, 3, S, S)."""
        normalised_BCHW = (images / 255.0 - PIXEL_MEAN) / PIXEL_STD
        probabilities_BC: torch.Tensor = self.encoder(normalised_BCHW).softmax(dim=1)
        return probabilities_BC


def write_onnx(model: SSMAE, path: Path) -> None:
    """Write the classifier as ONNX and compare it with torch by running it.

    Input `images`: float32, shape (batch, 3, S, S), RGB, values 0..255 (bytes as floats), any batch. Output
    `probabilities`: float32, shape (batch, C). Normalisation is inside. Class names and the preparation of files are in
    the file's metadata, as JSON.

    Raises:
        ExportMismatch: the file's probabilities differ from torch's by more than 1e-4; it is removed.
    """
    classifier = _Classifier(copy.deepcopy(model)).cpu().eval()  # moving it must not move the caller's
    size = model.config.image_size
    sample = torch.zeros(2, 3, size, size)
    program = _export_quietly(classifier, sample)
    program.model.metadata_props["class_names"] = json.dumps(list(model.class_names), ensure_ascii=False)
    program.model.metadata_props["preprocessing"] = json.dumps(_preprocessing(model), ensure_ascii=False)
    program.save(str(path))
    difference = _largest_difference(classifier, path, size)
    if not difference <= ONNX_TOLERANCE:
        path.unlink()
        raise ExportMismatch(f"ONNX and torch must agree within {ONNX_TOLERANCE}. Got a difference of {difference}.")


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


def _largest_difference(classifier: nn.Module, path: Path, size: int) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    generator, worst = torch.Generator().manual_seed(0), 0.0
    for batch in (1, 5):
        images_BCHW = torch.randint(256, (batch, 3, size, size), generator=generator).float()
        with torch.inference_mode():
            expected = classifier(images_BCHW).numpy()
        got = session.run(["probabilities"], {"images": images_BCHW.numpy()})[0]
        worst = max(worst, float(np.abs(np.asarray(got) - expected).max()))
    return worst
