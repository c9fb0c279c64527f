"""What the command line refuses: one sentence on standard error, exit status 2, no traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image as Pillow

from app.cli import main
from app.services.reports import needed_validation
from ssmae.config import GateConfig


def _run(*arguments: str, env: dict[str, str]) -> Result:
    return CliRunner().invoke(main, arguments, env=env)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "", "BROKER_URL": "", "PORT": "", "HOST": ""}


@pytest.fixture
def with_project(env: dict[str, str]) -> dict[str, str]:
    assert _run("project", "create", "Leaves", "--class", "oak", env=env).exit_code == 0
    return env


@pytest.fixture
def with_images(with_project: dict[str, str], tmp_path: Path) -> dict[str, str]:
    for name, level in (("oak", 10), ("elm", 200)):
        folder = tmp_path / "leaves" / name
        folder.mkdir(parents=True)
        for number in range(3):
            Pillow.new("RGB", (8, 8), (level, number, 0)).save(folder / f"{number}.png")
    (tmp_path / "leaves" / "oak" / "broken.png").write_bytes(b"not an image")
    return with_project


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("project", "create", "Leaves"), "There is already a project named 'Leaves'"),
        (("project", "create", "  "), "name"),
        (("project", "create", "Moss", "--test-size", "-1"), "test_size must be at least 0. Got -1."),
        (("import", "/there/is/nothing", "--project", "Leaves"), "no file or folder"),
        (("import", ".", "--project", "Moss"), "There is no project named 'Moss'. Projects: 'Leaves'."),
        (("import", ".", "--project", "Leaves", "--labels", "sealed"), "not sealed"),
        (("round", "start", "--project", "Leaves"), "no images yet"),
        (("round", "start", "--project", "Leaves", "--set", "loss.mask=1"), "`ssmae round knobs` lists them all"),
        (("round", "start", "--project", "Leaves", "--set", "gate.views=many"), "must be a whole number. Got 'many'."),
        (("round", "start", "--project", "Leaves", "--set", "loss.masking=odd"), "must be one of random, grid"),
        (("round", "status", "--project", "Leaves"), "has no round yet"),
        (("round", "cancel", "--project", "Leaves", "--round", "7"), "has no round 7"),
        (("simulate", "--project", "Leaves"), "is not sealed"),
        (("simulate", "--project", "Leaves", "--rounds", "2", "--queue", "test"), "leave --queue and --count out"),
        (("simulate", "--project", "Leaves", "--rounds", "2", "--count", "5"), "leave --queue and --count out"),
        (("simulate", "--project", "Leaves", "--strategy", "random"), "add --rounds"),
        (("export", "model", "--project", "Leaves"), "has no succeeded round"),
        (("worker", "--queues", "gpu"), "--queues must be made of train, io. Got 'gpu'."),
    ],
)
def test_command__refuses_in_one_sentence(
    with_project: dict[str, str], arguments: tuple[str, ...], sentence: str
) -> None:
    result = _run(*arguments, env=with_project)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "http", "PORT must be a whole number"),
        ("DATABASE_URL", "mysql://here", "DATABASE_URL must start with sqlite:/// or postgresql://"),
        ("BROKER_URL", "amqp://here", "BROKER_URL must start with redis://"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "The database does not answer"),
        ("DATA_DIR", "/proc/nothing", "cannot be made"),
    ],
)
def test_command__refuses_an_environment_it_cannot_use(
    env: dict[str, str], variable: str, value: str, sentence: str
) -> None:
    result = _run("project", "list", env=env | {variable: value})

    assert result.exit_code == 2
    assert sentence in result.stderr


def test_options__take_the_values_of_enums_as_they_are_written_everywhere_else(env: dict[str, str]) -> None:
    made = _run("project", "create", "Moss", "--strategy", "typiclust", "--preset", "thorough", "--sealed", env=env)

    assert made.exit_code == 0
    assert "--labels [labels|sealed|hints|ignored]" in _run("import", "--help", env=env).output


def test_import__reports_added_present_and_refused_with_reasons(with_images: dict[str, str], tmp_path: Path) -> None:
    first = _run("import", str(tmp_path / "leaves"), "--project", "Leaves", env=with_images)
    again = _run("import", str(tmp_path / "leaves"), "--project", "Leaves", env=with_images)

    assert first.exit_code == again.exit_code == 0
    assert "6 added, 0 already there, 1 refused of 7" in first.output
    assert re.search(r"refused: oak/broken.png: \S+", first.output)
    assert "0 added, 6 already there, 1 refused of 7" in again.output


def test_round_start__without_a_worker_queues_and_says_so(with_images: dict[str, str], tmp_path: Path) -> None:
    _run("import", str(tmp_path / "leaves"), "--project", "Leaves", env=with_images)

    started = _run("round", "start", "--project", "Leaves", "--set", "schedule.joint_steps=1", env=with_images)
    second = _run("round", "start", "--project", "Leaves", env=with_images)
    waiting = _run("round", "cancel", "--project", "Leaves", env=with_images)

    assert started.exit_code == 0
    assert "Round 1 is queued" in started.output
    assert "No worker serves the queue 'train'" in started.stderr
    assert second.exit_code == 2
    assert "one round of a project trains at a time" in second.stderr
    assert "Round 1 is cancelled" in waiting.output


def test_round_knobs__every_setting_can_be_set(env: dict[str, str]) -> None:
    listed = _run("round", "knobs", env=env).output.splitlines()
    assignments = [line.split(" ", 1)[0] for line in listed]

    from ssmae.config import Preset, RoundConfig, parse_overrides, preset_config

    parsed = RoundConfig.from_dict(parse_overrides(assignments))

    assert parsed == preset_config(Preset.QUICK, 32)


def test_export_labels__does_not_replace_a_file_unless_told(with_images: dict[str, str], tmp_path: Path) -> None:
    _run("import", str(tmp_path / "leaves"), "--project", "Leaves", env=with_images)
    place = tmp_path / "labels.csv"
    place.write_text("mine")

    refused = _run("export", "labels", "--project", "Leaves", "--to", str(place), env=with_images)
    kept = place.read_text()
    replaced = _run("export", "labels", "--project", "Leaves", "--to", str(place), "--replace", env=with_images)

    assert refused.exit_code == 2
    assert kept == "mine"
    assert replaced.exit_code == 0
    assert "oak/0.png" in place.read_text()


def test_project_create__names_the_fewest_validation_images_that_the_gate_itself_asks_for(env: dict[str, str]) -> None:
    told = " ".join(_run("project", "create", "--help", env=env).output.split())

    assert f"{needed_validation(GateConfig())} are the fewest that can." in told


def test_help__every_command_explains_itself(env: dict[str, str]) -> None:
    names = _run("--help", env=env).output

    for name in ("demo", "up", "serve", "worker", "migrate", "project", "import", "simulate", "round", "export"):
        assert f"  {name} " in names
        assert _run(name, "--help", env=env).exit_code == 0
    assert "prepare-demo" not in names
