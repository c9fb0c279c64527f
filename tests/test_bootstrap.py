"""The way from a bare checkout to a running command, driven as a user drives it: as a process."""

from __future__ import annotations

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOOTSTRAP = ROOT / "app" / "bootstrap.py"

TINY_PROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "tiny"
version = "1"
dependencies = []
[project.optional-dependencies]
test = []
[project.scripts]
ssmae = "tiny:main"
[tool.setuptools]
py-modules = ["tiny"]
"""
TINY_MODULE = """
import os, sys
def main():
    print("became", sys.argv[1:], os.environ["DATA_DIR"], os.environ.get("PORT"))
    print("bytecode", os.environ.get("PYTHONDONTWRITEBYTECODE"))
"""

NO_NETWORK = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_EXTRA_INDEX_URL": "",
    "PIP_FIND_LINKS": "",
    "PIP_RETRIES": "1",
}


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the real Makefile and bootstrap around a project that needs nothing."""
    root = tmp_path / "check out"
    (root / "app").mkdir(parents=True)
    shutil.copy(BOOTSTRAP, root / "app")
    shutil.copy(ROOT / "Makefile", root)
    # A module of the project hides one of the standard library, as app/queue.py does.
    (root / "app" / "queue.py").write_text("raise ImportError('the project hides the standard library')")
    (root / "pyproject.toml").write_text(TINY_PROJECT)
    (root / "constraints.txt").write_text("")
    (root / "tiny.py").write_text(TINY_MODULE)
    return root


def start(root, *command, **environment):
    # Without what an outer `make test` says to an inner make.
    outer = {"PORT", "HOST", "DATA_DIR", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    env = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        command, cwd=root, env=env | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def bootstrap(root, *arguments, **environment):
    return start(root, sys.executable, "-I", "app/bootstrap.py", *arguments, **environment)


def patched(root, change, *arguments):
    """Run it with one of its constants or sys.version_info replaced: what this machine does not have."""
    script = (
        "import runpy, sys; sys.argv = ['bootstrap', *sys.argv[1:]]; "
        f"{change}; names = runpy.run_path('app/bootstrap.py', run_name='bootstrap'); "
        "names['main'].__globals__.update(globals().get('replaced', {})); sys.exit(names['main'](sys.argv[1:]))"
    )
    return start(root, sys.executable, "-I", "-c", script, *arguments)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_bootstrap__can_be_read_by_python_3_6():
    ast.parse(BOOTSTRAP.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_bootstrap__imports_the_standard_library_only():
    nodes = list(ast.walk(ast.parse(BOOTSTRAP.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_bootstrap__an_old_python_is_told_so_in_one_sentence(checkout):
    done = patched(checkout, "sys.version_info = (3, 9, 2, 'final', 0)", "demo")
    assert done.returncode == 1
    assert done.stderr.strip() == "Python 3.11 or newer is needed. This is Python 3.9: run make PYTHON=python3.11"


def test_demo__a_busy_port_is_named_before_anything_is_installed(checkout):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = start(checkout, "make", "demo", f"PORT={port}")
    assert done.returncode != 0
    assert f"Port {port} of 127.0.0.1 cannot be used (Address already in use)" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "85 01"])
def test_demo__a_port_that_is_none_is_refused(checkout, port):
    done = bootstrap(checkout, "demo", PORT=port)
    assert done.returncode == 1
    assert done.stderr.strip() == f"PORT must be a whole number from 1 to 65535. Got {port!r}."


def test_demo__a_data_directory_that_cannot_be_written_is_named(checkout, tmp_path):
    (tmp_path / "file").touch()
    done = start(checkout, "make", "demo", PORT=str(free_port()), DATA_DIR=str(tmp_path / "file" / "data"))
    assert f"The data directory {tmp_path}/file/data cannot be written (Not a directory)" in done.stderr
    assert "Traceback" not in done.stderr


def test_install__too_little_disk_is_said_before_it_is_filled(checkout):
    done = patched(checkout, "replaced = {'NEEDED_GB': 1e6}", "install")
    assert done.returncode == 1
    assert "needs about 1000000 GB of free disk" in done.stderr
    assert not (checkout / ".venv").exists()


def test_install__a_link_to_another_checkouts_venv_is_refused_and_left_alone(checkout, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept").touch()
    (checkout / ".venv").symlink_to(other)
    done = bootstrap(checkout, "lint")
    assert done.returncode != 0
    assert f".venv is a link to {other}, made for another place: remove the link." in done.stderr
    assert (other / "kept").exists()


def test_install__a_python_without_venv_gets_the_package_that_brings_it(checkout):
    done = patched(checkout, "replaced = {'venv_package': lambda: 'python3.11-venv'}", "install")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("sudo apt-get install --yes python3.11-venv")


def test_test__a_missing_program_that_cannot_be_installed_gets_the_exact_command(checkout):
    change = "replaced = {'DEBIAN_PACKAGES': {'no-such-browser': 'chromium'}}; import os; os.geteuid = lambda: 1000"
    done = patched(checkout, change, "test")
    assert done.returncode == 1
    assert "sudo apt-get update && sudo apt-get install --yes --no-install-recommends chromium" in done.stderr


def test_install__without_a_network_says_so_and_keeps_the_log(checkout):
    done = bootstrap(checkout, "install", **NO_NETWORK)
    assert done.returncode == 1
    assert "The package registry cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert (checkout / ".venv" / "install.log").read_text(encoding="utf-8")
    assert not (checkout / ".venv" / "tmp").exists()


def test_bootstrap__an_unknown_action_lists_the_known_ones(checkout):
    done = bootstrap(checkout, "deploy")
    assert done.returncode == 2
    assert "demo|test|test-fast|lint|install" in done.stderr


@pytest.mark.slow
def test_make_demo__installs_once_then_becomes_the_command(checkout, tmp_path):
    port = str(free_port())
    first = start(checkout, "make", "demo", f"PORT={port}", PYTHONDONTWRITEBYTECODE="1")
    assert f"became ['demo'] {checkout}/data {port}" in first.stdout, first.stdout + first.stderr
    assert "bytecode None" in first.stdout
    assert "Installing packages" in first.stdout

    second = start(checkout, "make", "demo", PORT=port, DATA_DIR=str(tmp_path / "elsewhere"))
    assert second.stdout == f"became ['demo'] {tmp_path}/elsewhere {port}\nbytecode None\n"

    # A change of what is needed installs again, in the same environment, and keeps what was there.
    (checkout / "constraints.txt").write_text("# another\n")
    made = (checkout / ".venv" / "pyvenv.cfg").stat().st_mtime_ns
    assert "Installing packages" in bootstrap(checkout, "install", "test").stdout
    assert bootstrap(checkout, "install").stdout == ""
    assert (checkout / ".venv" / "pyvenv.cfg").stat().st_mtime_ns == made
    assert json.loads((checkout / ".venv" / "bootstrap.json").read_text())["extras"] == ["test"]


@pytest.mark.slow
def test_install__a_checkout_that_was_moved_is_made_anew(checkout, tmp_path):
    assert bootstrap(checkout, "install").returncode == 0
    moved = checkout.rename(tmp_path / "moved")
    done = start(moved, "make", "demo", f"PORT={free_port()}")
    assert f"became ['demo'] {moved}/data" in done.stdout, done.stdout + done.stderr
