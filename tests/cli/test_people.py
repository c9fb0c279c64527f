"""People on the command line, and the first admin: what is printed once, and what is refused."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from app.db.unit_of_work import Database
from app.services import accounts, invitations
from app.settings import child_environment
from tests.real_services import free_port

PASSWORD = re.compile(r"^    (\w{4}-\w{4}-\w{4}-\w{4})$", re.MULTILINE)
LINK = re.compile(r"^    (\S+)/invitation/(\S+)$", re.MULTILINE)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"DATA_DIR": str(tmp_path), "DATABASE_URL": "", "BROKER_URL": "", "PORT": "", "HOST": "", "PUBLIC_URL": ""}


@pytest.fixture
def ssmae(env):
    """Run a command; gives back what it printed, once its exit status is as expected."""

    def run(*arguments: str, status: int = 0, **more: str) -> str:
        done = CliRunner().invoke(main, arguments, env=env | more)
        assert done.exit_code == status, done.output
        return done.output

    run("project", "create", "Birds")
    return run


@pytest.fixture
def database(ssmae, tmp_path):
    made = Database(f"sqlite:///{tmp_path / 'ssmae.db'}", lambda *_: None)
    yield made
    made.engine.dispose()


def test_people__are_added_with_a_password_for_one_time_and_listed(ssmae, database):
    said = ssmae("people", "add", "Ada", "--role", "lead", "--project", "Birds")
    [password] = PASSWORD.findall(said)
    proof = accounts.prove(database, "Ada", password)
    assert proof is not None
    with database.writing() as uow:
        found = accounts.log_in(uow, proof)
        assert found is not None
        assert found.must_change_password
    assert re.search(r"Ada +lead +yes +Birds", ssmae("people", "list"))
    assert password not in ssmae("people", "list")


def test_people__are_invited_by_a_link_that_carries_the_public_address(ssmae, database):
    [(base, secret)] = LINK.findall(ssmae("people", "invite", "--project", "Birds", PUBLIC_URL="https://x.example/"))
    assert base == "https://x.example"
    with database.reading() as uow:
        assert invitations.named(uow, secret)[0].project_ids == [1]
    [(base, _)] = LINK.findall(ssmae("people", "invite", PORT="9000"))
    assert base == "http://127.0.0.1:9000"


def test_people__change(ssmae, database):
    ssmae("people", "add", "Boss", "--role", "admin")
    ssmae("people", "add", "Ada")
    assert "a lead now" in ssmae("people", "role", "Ada", "lead")
    ssmae("people", "share", "Ada", "Birds")
    assert re.search(r"Ada +lead +yes +Birds", ssmae("people", "list"))
    ssmae("people", "share", "Ada", "Birds", "--no-longer")
    ssmae("people", "deactivate", "Ada")
    assert re.search(r"Ada +lead +no +–", ssmae("people", "list"))
    ssmae("people", "activate", "Ada")
    [(_, secret)] = LINK.findall(ssmae("people", "reset-password", "Ada"))
    with database.reading() as uow:
        assert invitations.named(uow, secret)[1] == "Ada"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("role", "Nobody", "lead"), "Nobody named 'Nobody' has an account"),
        (("deactivate", "Boss"), "This is the only admin"),
        (("role", "Boss", "annotator"), "This is the only admin"),
        (("add", "Boss"), "is taken"),
        (("add", " "), "A name must have"),
        (("invite", "--project", "Moss"), "There is no project named 'Moss'"),
        (("share", "Boss", "Moss"), "There is no project named 'Moss'"),
    ],
)
def test_people__refusals_are_one_sentence(ssmae, arguments, sentence):
    ssmae("people", "add", "Boss", "--role", "admin")
    said = ssmae("people", *arguments, status=2)
    assert sentence in said
    assert "Traceback" not in said


def test_no_auth__refuses_a_host_that_others_could_reach(ssmae):
    for command in ("up", "serve"):
        assert "so that people sign in" in ssmae(command, "--no-auth", status=2, HOST="0.0.0.0")


def serve(env, *arguments: str, seconds: float = 60) -> str:
    """Start the server as a person would, wait until it answers, end it; gives back what it printed."""
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", *arguments]
    settings = child_environment(**env) | {"PORT": str(port), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        end = time.monotonic() + seconds
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end
                time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    return said


@pytest.mark.slow
def test_serve__prints_the_first_admins_password_once_and_never_again(ssmae, env, database):
    assert "password" not in serve(env, "--no-auth")
    said = serve(env)
    [password] = PASSWORD.findall(said)
    assert accounts.prove(database, "admin", password) is not None
    again = serve(env)
    assert "password" not in again
    assert password not in again
