"""From a bare Python to a running demo or a green test run; what `make demo` and `make test` call.

Stand-alone: started as `python3 -I app/bootstrap.py ACTION` before anything is installed, so it imports the standard
library only and nothing of this project, and its grammar must stay readable to Python 3.6: an old Python has to get
far enough to say that it is old. One file, however long: there is nothing yet that it could import the rest from.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("Python 3.11 or newer is needed. This is Python %d.%d: run make PYTHON=python3.11" % sys.version_info[:2])

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "bootstrap.json"
LOG = VENV / "install.log"
NEEDED_GB = 10.0
"""Peak of the first installation: packages and, until pip is done, the downloaded wheels."""
DEBIAN_PACKAGES = {"chromium": "chromium", "redis-server": "redis-server"}
"""Program the tests need → Debian package that brings it."""
CHECKS = {
    "Style: ruff check": ("ruff", "check", "."),
    "Format: ruff format": ("ruff", "format", "--check", "."),
    "Types: mypy": ("mypy",),
    "Import contracts: import-linter": ("lint-imports",),
    "Spelling: codespell": ("codespell",),
}
"""Heading → command; the first that fails ends the run."""
PIP_REFUSALS = {
    r"No space left on device": "The disk is full: the installation needs about %.0f GB." % NEEDED_GB,
    r"No module named pip": "This Python's venv brings no pip: remove .venv and install the python3-venv package.",
    r"NameResolution|name resolution|NewConnection|Connection refused|Network is unreachable|Read timed out"
    r"|ProxyError|Max retries exceeded|CERTIFICATE_VERIFY": (
        "The package registry cannot be reached: check the network and pip's proxy settings."
    ),
    r"No matching distribution found": (
        "A package has no ready-made build for this Python and machine, and nothing is compiled here."
    ),
    r"Permission denied": "The checkout cannot be written.",
}
"""What pip's log says → what it means; the first match is shown above the log's last lines."""


class Refusal(Exception):
    """Something the user can mend; the message says how, in one sentence."""


def main(arguments: list[str]) -> int:
    """Run one action and return the exit status."""
    actions = {"demo": demo, "test": test, "test-fast": test_fast, "lint": lint, "install": install}
    if not arguments or arguments[0] not in actions:
        print("Usage: python3 -I app/bootstrap.py %s" % "|".join(actions), file=sys.stderr)
        return 2
    try:
        return actions[arguments[0]](arguments[1:])
    except Refusal as refusal:
        print("\n%s" % refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 128 + signal.SIGINT


def demo(arguments: list[str]) -> int:
    """Install, then become `ssmae demo`."""
    env = child_environment()
    env.setdefault("DATA_DIR", str(ROOT / "data"))
    # Asked now, so that nobody waits minutes for an installation and then reads that the port is taken.
    check_port(env.get("HOST") or "127.0.0.1", env.get("PORT") or "8501")
    check_data_dir(Path(env["DATA_DIR"]).expanduser())
    ensure_installed("")
    sys.stdout.flush()
    os.execve(str(VENV / "bin" / "ssmae"), ["ssmae", "demo", *arguments], env)


def test(arguments: list[str]) -> int:
    """Install, check everything, run pytest; stops at the first tool that fails."""
    ensure_debian_packages()
    ensure_installed("test")
    return run_checks() or run("Tests: pytest", pytest_command(arguments))


def test_fast(arguments: list[str]) -> int:
    """Run pytest alone, up to the first failure."""
    ensure_installed("test")
    return run("Tests: pytest", pytest_command(["-x", *arguments]))


def lint(_arguments: list[str]) -> int:
    """Run the checks alone."""
    ensure_installed("test")
    return run_checks()


def install(arguments: list[str]) -> int:
    """Install alone, with the extras named."""
    ensure_installed(",".join(arguments))
    return 0


def pytest_command(arguments: list[str]) -> tuple[str, ...]:
    """Pytest with a process for each core, up to four: each may start a PostgreSQL, a Redis and a browser."""
    processes = min(4, os.cpu_count() or 1)
    return ("pytest", "--numprocesses", str(processes), *arguments)


def run_checks() -> int:
    """Run each check; returns the first exit status that is not zero."""
    for heading, command in CHECKS.items():
        status = run(heading, command)
        if status:
            return status
    return 0


def run(heading: str, command: tuple[str, ...]) -> int:
    """Run one of the virtual environment's programs under a heading; says so when it fails."""
    print("\n== %s" % heading, flush=True)
    status = subprocess.run(
        [str(VENV / "bin" / command[0]), *command[1:]], cwd=ROOT, env=child_environment()
    ).returncode
    if status and command[0] != "pytest":  # whose own summary is best left as the last line
        print("\n== Failed: %s (exit status %d). Run it alone: .venv/bin/%s" % (heading, status, shlex.join(command)))
    return status


def child_environment() -> dict[str, str]:
    """The environment for everything started from here."""
    env = dict(os.environ)
    # pip runs with --no-compile, so each module is compiled at its first import. Where this variable is set that
    # would happen again at every start: 35 s of imports instead of 6 s.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


# --- what must be true before anything is started


def check_port(host: str, port: str) -> None:
    """Refuse a port that is no port, or that another program listens on."""
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise Refusal("PORT must be a whole number from 1 to 65535. Got %r." % port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            raise Refusal(
                "Port %s of %s cannot be used (%s): stop the program that listens there, or choose another port: "
                "make demo PORT=%d" % (port, host, error.strerror, int(port) % 65535 + 1)
            ) from None


def check_data_dir(path: Path) -> None:
    """Refuse a data directory that cannot be made or written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Refusal(
            "The data directory %s cannot be written (%s): choose another: make demo DATA_DIR=…"
            % (path, error.strerror)
        ) from None


def check_disk() -> None:
    """Refuse to begin an installation that cannot end."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < NEEDED_GB:
        raise Refusal(
            "The first installation needs about %.0f GB of free disk. %s has %.1f GB." % (NEEDED_GB, ROOT, free_gb)
        )


def venv_package() -> str:
    """The Debian package that completes this Python's venv module; empty when nothing is missing."""
    complete = importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")
    return "" if complete else "python%d.%d-venv" % sys.version_info[:2]


def ensure_debian_packages() -> None:
    """Install the programs that the tests start, where this is Debian and we are root.

    Raises:
        Refusal: a program is missing and cannot be installed from here; gives the exact command.
    """
    missing = [package for program, package in DEBIAN_PACKAGES.items() if not shutil.which(program)]
    if venv_package():
        missing.append(venv_package())
    if not missing:
        return
    commands = [["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", *missing]]
    by_hand = " && ".join("sudo " + shlex.join(command) for command in commands)
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Refusal("The tests need %s. On Debian or Ubuntu: %s" % (" and ".join(missing), by_hand))
    print("Installing Debian packages: %s" % ", ".join(missing), flush=True)
    for command in commands:
        done = subprocess.run(
            command,
            env=child_environment() | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode:
            raise Refusal("%s\n\n%s failed; its last lines are above." % (tail(done.stdout), shlex.join(command)))


# --- the virtual environment


def ensure_installed(extras: str) -> None:
    """Make `.venv` hold exactly what pyproject.toml and constraints.txt say; returns at once when it does.

    Raises:
        Refusal: it cannot be done; says why in one sentence, after the last lines of pip's log.
    """
    if is_installed(extras):
        return
    if VENV.is_symlink():
        # Making it anew would empty what it leads to, which may be another checkout's.
        raise Refusal(".venv is a link to %s, made for another place: remove the link." % VENV.resolve())
    with only_one_at_a_time():
        if is_installed(extras):
            return
        if venv_package():
            raise Refusal(
                "This Python cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install --yes %s"
                % venv_package()
            )
        had = read_stamp()
        if had.get("where") != where():
            check_disk()
            print("Making .venv with Python %d.%d.%d" % sys.version_info[:3], flush=True)
            make_venv()
        # What was there stays: `make demo` after `make test` must not make the next `make test` install again.
        both = sorted(
            ({*had.get("extras", []), *extras.split(",")} if had.get("where") == where() else {extras}) - {""}
        )
        pip_install(both, is_first=not had)
        STAMP.write_text(json.dumps({"where": where(), "key": key(), "extras": both}), encoding="utf-8")


def where() -> list[str]:
    """What a virtual environment cannot outlive: its place (scripts name it) and its Python."""
    return [str(ROOT), sys.version]


def key() -> str:
    """Hash of everything that decides which packages are installed."""
    return hashlib.sha256(
        b"\0".join((ROOT / n).read_bytes() for n in ("pyproject.toml", "constraints.txt"))
    ).hexdigest()


def read_stamp() -> dict[str, Any]:
    """What the last finished installation left; empty if none did."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_installed(extras: str) -> bool:
    """Whether the last installation still fits, extras included."""
    stamp = read_stamp()
    wanted = {*extras.split(",")} - {""}
    return (
        stamp.get("key") == key() and stamp.get("where") == where() and wanted <= {*stamp["extras"]} and PYTHON.exists()
    )


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Let a second `make` wait for the first one's installation."""
    folder = os.open(str(ROOT), os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another installation in this checkout to end.", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def make_venv() -> None:
    """Make `.venv` anew."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "venv", "--clear", str(VENV)],
        env=child_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise Refusal("%s\n\nMaking .venv failed; the lines above say why." % tail(done.stdout))


def pip_install(extras: list[str], *, is_first: bool) -> None:
    """Install the project in place, with a calm line of progress instead of pip's."""
    print("Installing packages%s" % (": about 3 minutes and 6 GB the first time" if is_first else ""), flush=True)
    # On the same disk as the rest: /tmp may be a small one in memory, and the wheels are 3 GB.
    downloads = VENV / "tmp"
    downloads.mkdir(exist_ok=True)
    command = [str(PYTHON), "-m", "pip", "install", "--no-compile", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-c", "constraints.txt"]
    if "PIP_CACHE_DIR" not in os.environ:
        command.append("--no-cache-dir")  # nothing is written outside the checkout unless it was asked for
    command += ["-e", ".[%s]" % ",".join(extras) if extras else "."]
    try:
        with LOG.open("w", encoding="utf-8") as log:
            installer = subprocess.Popen(
                command,
                cwd=ROOT,
                env=child_environment() | {"TMPDIR": str(downloads)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                status = wait_with_progress(installer)
            except BaseException:
                installer.kill()
                installer.wait()
                raise
    finally:
        shutil.rmtree(downloads, ignore_errors=True)
    if status:
        text = LOG.read_text(encoding="utf-8", errors="replace")
        reason = next((words for pattern, words in PIP_REFUSALS.items() if re.search(pattern, text)), "pip failed.")
        raise Refusal("%s\n\n%s Its last lines are above, the whole log is in %s." % (tail(text), reason, LOG))


def wait_with_progress(installer: "subprocess.Popen[bytes]") -> int:
    """Wait for pip; a terminal gets a line that counts, a log one line every half minute."""
    begun, shown = time.monotonic(), 0.0
    is_terminal = sys.stdout.isatty()
    while True:
        try:
            status = installer.wait(timeout=1)
        except subprocess.TimeoutExpired:
            status = None
        seconds = time.monotonic() - begun
        if status is not None or is_terminal or seconds - shown >= 30:
            shown = seconds
            words = "  %d:%02d %s" % (seconds // 60, seconds % 60, stage(status))
            print("\r\033[K%s" % words if is_terminal else words, end="" if is_terminal else "\n", flush=True)
        if status is not None:
            if is_terminal:
                print(flush=True)
            return status


def stage(status: "int | None") -> str:
    """What pip is doing, from its log."""
    if status is not None:
        return "failed" if status else "installed"
    text = LOG.read_text(encoding="utf-8", errors="replace")
    if "Installing collected packages" in text:
        return "unpacking"
    names = re.findall(r"^Collecting ([A-Za-z0-9_.-]+)", text, re.MULTILINE)
    return "downloading %s (package %d)" % (re.split(r"[<>=!~]", names[-1])[0], len(names)) if names else "resolving"


def tail(text: str, lines: int = 12) -> str:
    """The end of a log."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
