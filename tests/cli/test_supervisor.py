"""Several programs as one: real processes, started, crashed and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from socket import socket

import pytest

from app.settings import child_environment
from tests.worker import scene

_HELD = "from app.cli import lifeline; lifeline.hold(); import time; time.sleep(600)"


def _supervise(tmp_path: Path, programs: str) -> subprocess.Popen[str]:
    code = (
        "import sys; from pathlib import Path; from app.cli import supervisor; "
        "from app.cli.supervisor import Program, Supervisor; "
        f"sys.exit(Supervisor([{programs}], Path({str(tmp_path)!r}) / 'logs').run())"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], env=child_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _program(name: str, code: str, *, ends: bool = False) -> str:
    return f"Program(name={name!r}, command=[sys.executable, '-u', '-c', {code!r}], ends={ends})"


def _children(process: subprocess.Popen[str], count: int) -> list[int]:
    def found() -> list[int] | None:
        children = scene.children_of(process.pid)
        return children if len(children) == count else None

    return scene.wait_for(f"{count} children", found)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run__one_signal_ends_every_process(tmp_path: Path, number: signal.Signals) -> None:
    process = _supervise(tmp_path, _program("one", _HELD) + "," + _program("two", _HELD))
    children = _children(process, 2)
    time.sleep(0.5)

    process.send_signal(number)
    process.communicate(timeout=20)

    assert process.returncode == 0
    assert not any(map(scene.is_alive, children))


def test_run__children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    process = _supervise(tmp_path, _program("one", _HELD) + "," + _program("two", _HELD))
    children = _children(process, 2)
    time.sleep(1)

    process.kill()
    process.communicate(timeout=20)

    scene.wait_for("the children to end", lambda: not any(map(scene.is_alive, children)), seconds=20)


def test_run__a_crash_is_shown_with_its_last_lines_and_the_program_started_again(tmp_path: Path) -> None:
    once = (
        "import sys; from pathlib import Path; mark = Path(sys.argv[0] or '.').resolve(); "
        f"mark = Path({str(tmp_path)!r}) / 'mark'; "
        "print('about to go' if not mark.exists() else 'second life'); "
        "sys.exit(0) if mark.exists() else (mark.touch(), sys.exit(3))"
    )
    process = _supervise(tmp_path, _program("shaky", once, ends=True))

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "shaky ended unexpectedly (status 3)" in output
    assert "    about to go" in output
    assert "shaky | second life" in output
    assert "second life" in (tmp_path / "logs" / "shaky.log").read_text()


def test_run__a_program_that_cannot_live_ends_everything_after_five_tries(tmp_path: Path) -> None:
    process = _supervise(tmp_path, _program("dead", "raise SystemExit('no way')") + "," + _program("fine", _HELD))

    output, _ = process.communicate(timeout=90)

    assert process.returncode == 1
    assert output.count("dead ended unexpectedly") == 5
    assert "giving up" in output
    assert "no way" in output


def test_up__a_busy_port_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    with socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = _up(tmp_path, PORT=str(port))

    assert done.returncode == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data" / "logs").exists()


def test_up__a_data_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    done = _up(tmp_path, DATA_DIR="/proc/nothing")

    assert done.returncode == 2
    assert "The data directory /proc/nothing cannot be written" in done.stderr


def test_up__a_second_one_on_the_same_data_is_refused(tmp_path: Path) -> None:
    import fcntl

    data = tmp_path / "data"
    data.mkdir()
    with (data / "supervisor.lock").open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("4711")
        held.flush()
        done = _up(tmp_path)

    assert done.returncode == 2
    assert "is in use by another ssmae (process 4711)" in done.stderr


def _up(tmp_path: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {"DATA_DIR": str(tmp_path / "data"), "PORT": str(_free_port())} | extra
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "up"],
        env=child_environment(**environment), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.timeout(600)  # a whole round on a machine that may be busy
def test_demo__shows_a_trained_round_when_it_opens_and_leaves_nothing_behind(tmp_path: Path) -> None:
    data, port = tmp_path / "data", _free_port()
    command = [sys.executable, "-m", "app.cli", "demo", "--port", str(port)]
    environment = child_environment(DATA_DIR=str(data))
    log = tmp_path / "out"
    with log.open("w") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        scene.wait_for("the URL", _said(log, f"Open http://127.0.0.1:{port} "), seconds=540)
        assert "Round 1: attempt 1 published its result." in log.read_text()
    finally:
        children = scene.children_of(process.pid)
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode == 0, log.read_text()
    assert not any(map(scene.is_alive, children))
    assert os.listdir(tmp_path / "data" / "files" / "images")  # noqa: PTH208 - one name is enough


def _said(log: Path, words: str) -> Callable[[], bool]:
    return lambda: words in log.read_text()
