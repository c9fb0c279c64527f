"""What the documentation says is true: commands and variables exist, and examples give the model's own answers."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch

from app import settings
from app.cli import main
from ssmae.config import ModelConfig
from ssmae.data import ImageStore
from ssmae.export import write_onnx, write_timm
from ssmae.inference import predict
from ssmae.model import build

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
SMALL = ModelConfig(image_size=8, patch_size=4, embed_dim=16, depth=1, heads=2, decoder_dim=8, decoder_heads=2)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(start: str) -> list[str]:
    """Every line that begins so and that a page tells its reader to type; a backslash joins two."""
    scripts = [block.replace("\\\n", " ") for page in PAGES for block in blocks(page, "sh")]
    written = [line for script in scripts for line in script.splitlines()]
    spoken = [text for page in PAGES for text in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))]
    lines = [line.split("#")[0].strip() for line in [*written, *spoken]]
    return sorted({line for line in lines if re.match(rf"{start} [a-z]", line)})


@pytest.mark.parametrize("line", commands("ssmae"))
def test_documentation__names_only_commands_and_options_that_exist(line: str) -> None:
    command: click.Command = main
    context = click.Context(command)
    words = shlex.split(line)[1:]
    while words and isinstance(command, click.Group) and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, f"{line!r}: there is no command {words[0]!r}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("line", commands("python -m"))
def test_documentation__names_only_programs_and_options_of_the_learner_that_exist(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *words = shlex.split(line)[2:]
    program = importlib.import_module("ssmae.__main__" if name == "ssmae" else name)
    command = [word for word in words[:1] if not word.startswith("-")]

    with pytest.raises(SystemExit, match=r"^0$"):
        program.main([*command, "--help"])
    shown = capsys.readouterr().out
    assert all(re.search(rf"{word}\b", shown) for word in words if word.startswith("--"))


def test_documentation__names_only_make_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {target for page in PAGES for target in re.findall(r"\bmake (\w+)\b", "\n".join(blocks(page, "sh")))}

    assert {"demo", "test"} <= named
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)


def test_documentation__names_every_variable_of_the_settings() -> None:
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/accounts.md"))
    rows = re.findall(r"^\| (`[A-Z_`, ]+) \|", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    source = Path(settings.__file__).read_text(encoding="utf-8")

    assert named == set(re.findall(r"""env(?:\.get\(|\[|, )"([A-Z_]+)\"""", source))


def test_documentation__links_only_to_files_that_are_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("example", [0, 1], ids=["timm", "onnx"])
def test_export_guide__its_examples_give_the_models_own_probabilities(
    example: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(SMALL, ("cat", "dog", "hen"), seed=0).eval()
    images_NCHW = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)
    write_timm(model, tmp_path)
    write_onnx(model, tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    exec(blocks(ROOT / "docs" / "export.md", "python")[example], names)
    with torch.inference_mode():
        got_NC = np.asarray(names["classify"](images_NCHW))

    assert np.abs(got_NC - predict(model, ImageStore(images_NCHW)).probabilities_NC).max() < 1e-4


def test_export_page__shows_the_example_of_the_guide() -> None:
    # Read, not imported: a page draws itself when it is imported.
    source = (ROOT / "app" / "ui" / "pages" / "export_page.py").read_text(encoding="utf-8")

    assert f'LOADING = """{blocks(ROOT / "docs" / "export.md", "python")[0]}"""' in source
