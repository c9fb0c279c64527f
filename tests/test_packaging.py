"""What is shipped: who may import what, which versions are pinned, and what must never be in the repository."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "timm", "onnx", "onnxruntime")


def modules(package):
    """Names of every module of one of our packages, from its files."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path):
    """Names of everything a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def loaded_by(names):
    """Module by module, in one fresh interpreter: which heavy libraries are loaded after importing it."""
    script = (
        "import importlib, json, sys\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    importlib.import_module(name)\n"
        "    print(json.dumps([name, [heavy for heavy in json.loads(sys.argv[2]) if heavy in sys.modules]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(list(names)), json.dumps(HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


def test_app__no_module_loads_torch():
    # Pages are scripts that Streamlit runs: outside it they would draw into nothing. What they import is what counts.
    names = [name for name in modules("app") if not re.match(r"app\.(ui\.(main|pages)|bootstrap)", name)]
    scripts = [path for path in (ROOT / "app" / "ui").rglob("*.py") if re.search(r"ui/(main\.py|pages/)", str(path))]
    behind = {name for path in scripts for name in imported(path) if name.startswith("app.")}
    every = {module for module in modules("app") for name in behind if name == module or name.startswith(module + ".")}
    loaded = loaded_by([*names, *sorted(every - set(names) - {"app.ui.main"})])
    assert {name: heavy for name, heavy in loaded.items() if heavy} == {}
    assert set(names) <= set(loaded)
    for path in scripts:
        assert not {name.split(".")[0] for name in imported(path)} & {*HEAVY, "worker"}, path


def test_worker__the_long_lived_process_does_not_load_torch():
    names = ["worker.__main__", "worker.celery_app", "worker.child", "worker.sweeper", "worker.tasks"]
    assert {name: heavy for name, heavy in loaded_by(names).items() if heavy} == {}


@pytest.mark.parametrize(
    ("where", "ours"),
    [
        ("app/domain", ("app.domain", "app.errors", "ssmae.config", "ssmae.errors")),
        ("app/errors.py", ()),
        ("ssmae/config", ("ssmae.config", "ssmae.errors")),
        ("ssmae/errors.py", ()),
        ("ssmae/__init__.py", ()),
    ],
)
def test_core__imports_the_standard_library_only(where, ours):
    path = ROOT / where
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    assert files
    for file in files:
        for name in imported(file):
            is_ours = any(name == allowed or name.startswith(allowed + ".") for allowed in ours)
            assert is_ours or name.split(".")[0] in sys.stdlib_module_names, f"{file} imports {name}"


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_constraints__pin_every_dependency_to_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    wanted = [requirement for group in (project["dependencies"], *extras) for requirement in group]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    for pin in pins:
        assert re.match(r"^[a-z0-9._-]+==[0-9][^ *]*( ; .+)?$", pin), f"constraints.txt: {pin!r} is no exact version"
    pinned = {normalised(pin.split("==")[0]) for pin in pins}
    assert {normalised(re.split(r"[\[<>=!~; ]", name)[0]) for name in wanted} <= pinned


def test_constraints__pin_everything_that_is_installed_here():
    """A dependency of a dependency that is not pinned makes tomorrow's installation another one."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json", "--exclude-editable", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
    )
    installed = {normalised(row["name"]) for row in json.loads(done.stdout)}
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert installed - {normalised(pin.split("==")[0]) for pin in pins} <= {"pip", "setuptools"}


def git(*arguments):
    # The checkout may belong to another user than the one who runs the tests, as in a container.
    command = ["git", "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_repository__tracks_nothing_that_it_ignores():
    assert git("ls-files", "--cached", "--ignored", "--exclude-standard") == []


def test_repository__tracks_no_data_and_no_large_file():
    tracked = git("ls-files")
    assert [name for name in tracked if name.endswith((".db", ".db-wal", ".safetensors", ".onnx", ".pt", ".log"))] == []
    sizes = {name: (ROOT / name).stat().st_size for name in tracked if (ROOT / name).is_file()}
    assert {name: size for name, size in sizes.items() if size > 600_000} == {}


def test_repository__top_level_is_the_one_that_was_agreed():
    agreed = {"app", "docs", "migrations", "ssmae", "tests", "worker", "README.md", "Makefile", "LICENSE"}
    agreed |= {"CHANGELOG.md", "CONTRIBUTING.md", "Dockerfile", "docker-compose.yml", "docker-compose.gpu.yml"}
    agreed |= {"constraints.txt", "pyproject.toml"}
    found = {name.split("/")[0] for name in git("ls-files")}
    assert {name for name in found if not name.startswith(".")} <= agreed


@pytest.mark.slow
def test_wheel__holds_every_file_of_our_packages(tmp_path):
    """The container installs a wheel: a style sheet or a migration that is not in it would be missing only there."""
    packages = ("app", "ssmae", "worker", "migrations")
    for name in git("ls-files", *packages, "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--wheel-dir",
        str(tmp_path),
        str(tmp_path / "source"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert set(git("ls-files", *packages)) - set(wheel.namelist()) == set()
