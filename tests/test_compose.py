"""docker-compose.yml and Dockerfile, as far as they can be checked without an engine to run them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from importlib import metadata
from pathlib import Path

import click
import pytest
import redis
import yaml

from app import settings
from app.queue import WorkQueue
from app.services.leases import LEASE_SECONDS
from tests import real_services as real
from worker.spawning import GRACE_SECONDS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(:[-?][^}]*)?\}")


def filled(value, **variables):
    """What compose makes of a value: variables and their defaults put in, `$$` made one."""
    if not isinstance(value, str):
        return value

    def put(match):
        name, rest = match[1], match[2] or ""
        assert name in variables or not rest.startswith(":?"), f"{name} is required"
        return variables.get(name, rest[2:])

    return VARIABLE.sub(put, value).replace("$$", "$")


def test_services__are_those_of_a_team():
    assert set(SERVICES) == {"migrate", "server", "worker", "worker-gpu", "worker-io", "postgres", "redis"}
    assert OURS == ["migrate", "server", "worker", "worker-gpu", "worker-io"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service__names_only_what_is_declared(name):
    service = SERVICES[name]
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    for other, wait in service.get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}, which has no check"
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no", f"{other} has to end for {name} to begin"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_service__comes_back_after_a_crash_unless_it_runs_once(name):
    assert SERVICES[name]["restart"] == ("no" if name == "migrate" else "unless-stopped")


@pytest.mark.parametrize("name", OURS)
def test_service__environment_is_understood_by_settings(name, tmp_path):
    read = set(re.findall(r"""env(?:\.get\(|\[|, )"([A-Z_]+)\"""", Path(settings.__file__).read_text(encoding="utf-8")))
    environment = SERVICES[name]["environment"]
    assert set(environment) <= read
    loaded = settings.load({k: filled(v, POSTGRES_PASSWORD="pg", REDIS_PASSWORD="rd") for k, v in environment.items()})
    assert loaded.database_url == "postgresql+psycopg://ssmae:pg@postgres:5432/ssmae"
    assert loaded.broker_url == "redis://:rd@redis:6379/0"
    assert not loaded.is_embedded_broker
    assert f"data:{loaded.data_dir}" in SERVICES[name]["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_service__command_is_one_of_ssmae(name):
    group = metadata.entry_points(group="console_scripts", name="ssmae")["ssmae"].load()
    assert isinstance(group, click.Group)
    context = click.Context(group)
    command_name, command, rest = group.resolve_command(context, list(SERVICES[name]["command"]))
    assert command is not None
    _values, left, _order = command.make_parser(click.Context(command, info_name=command_name)).parse_args(rest)
    assert left == []


def test_services__every_queue_has_a_worker():
    served = {argument for name in OURS for argument in SERVICES[name]["command"]}
    assert {str(queue) for queue in WorkQueue} <= served


def test_ports__are_published_on_this_machine_only():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"server": ["127.0.0.1:${PORT:-8501}:8501"]}
    assert SERVICES["server"]["environment"]["PORT"] == "8501"
    assert COMPOSE["networks"]["inner"] == {"internal": True}
    assert [name for name, service in SERVICES.items() if "outer" in service["networks"]] == ["server"]


def test_secrets__have_no_default_and_stand_in_the_example():
    required = {match[0] for match in VARIABLE.findall(TEXT) if match[1].startswith(":?")}
    assert required == {"POSTGRES_PASSWORD", "REDIS_PASSWORD"}
    for name in required:
        assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE), f"{name} must be empty in .env.example"
        assert f"${{{name}}}" not in TEXT
        assert f"${{{name}:-" not in TEXT
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|AUTH|SECRET|_URL", key) and value != f"${{{key}:-}}":  # handed on, or not there
                assert ":?" in str(value), f"{key} carries a secret that is not asked for"


def test_example__names_every_variable():
    for name in {match[0] for match in VARIABLE.findall(TEXT)}:
        assert re.search(rf"^#?{name}=", EXAMPLE, re.MULTILINE), f"{name} is missing in .env.example"
    assert subprocess.run(["git", "-c", "safe.directory=*", "check-ignore", "-q", ".env"], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("name", [name for name in OURS if "worker" in name])
def test_worker__has_time_to_give_its_work_back_but_no_more_than_its_lease(name):
    seconds = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
    assert 2 * max(GRACE_SECONDS.values()) <= seconds <= LEASE_SECONDS


@pytest.mark.parametrize("name", OURS)
def test_service__has_few_rights(name):
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    assert "privileged" not in SERVICES[name]


def test_server__health_is_asked_at_the_route_that_answers():
    program = SERVICES["server"]["healthcheck"]["test"]
    assert program[:3] == ["CMD", "python", "-c"]
    compile(program[3], "healthcheck", "exec")
    assert "http://127.0.0.1:8501/healthz" in program[3]


def test_redis__starts_from_its_line_and_asks_for_the_password(tmp_path):
    command = [filled(word) for word in SERVICES["redis"]["command"]]
    assert command[:2] == ["sh", "-c"]
    port = real.free_port()
    # The same script, in a folder and on a port of this test.
    script = command[2].replace("dir /data", f"dir {tmp_path}\nport {port}")
    assert script != command[2]
    environment = {**os.environ, "REDIS_PASSWORD": "made-up"}
    with real.child(["sh", "-c", script], tmp_path / "log", env=environment):
        with redis.Redis(port=port, password="made-up") as client:
            real.until_ready("Redis", tmp_path / "log", client.ping, redis.ConnectionError)
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()


def dockerfile():
    """Instruction and arguments, line by line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def test_dockerfile__runs_as_a_normal_user_from_a_named_release():
    lines = list(dockerfile())
    assert [rest for word, rest in lines if word == "USER"] == ["ssmae"]
    images = [rest.split()[0] for word, rest in lines if word == "FROM"]
    images += [service["image"] for name, service in SERVICES.items() if name not in OURS]
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d+(\.\d+)?(-[a-z-]+)?", image), f"{image} names no release"


def test_dockerfile__copies_what_exists_and_what_the_ignore_file_lets_through():
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    copied = {
        source
        for word, rest in dockerfile()
        if word == "COPY" and not rest.startswith("--from")
        for source in shlex.split(rest)[:-1]
    }
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []
