"""What an import on the command line says when it is done."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from app.cli import main
from tests.pictures import picture, put


@pytest.mark.parametrize(("count", "sentence"), [(1, "1 image took over a class."), (2, "2 images took over a class.")])
def test_import__counts_the_images_that_took_over_a_class(tmp_path, count, sentence):
    env = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "", "BROKER_URL": "", "PORT": "", "HOST": ""}
    folder = put(tmp_path / "in", {f"oak/{number}.png": picture(number) for number in range(count)})
    assert CliRunner().invoke(main, ["project", "create", "Leaves"], env=env).exit_code == 0
    told = CliRunner().invoke(main, ["import", str(folder), "--project", "Leaves"], env=env)
    assert sentence in told.output.splitlines()


def test_import__names_the_classes_that_it_added(tmp_path):
    env = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": "", "BROKER_URL": "", "PORT": "", "HOST": ""}
    folder = put(tmp_path / "in", {f"{name}/{name}.png": picture(len(name)) for name in ("oak", "2023-05")})
    created = CliRunner().invoke(main, ["project", "create", "Leaves", "--class", "oak"], env=env)
    assert created.exit_code == 0
    told = [CliRunner().invoke(main, ["import", str(folder), "--project", "Leaves"], env=env) for _ in range(2)]
    assert "New classes: 2023-05. If your folders are no classes: --labels ignored." in told[0].output.splitlines()
    assert "New classes" not in told[1].output
