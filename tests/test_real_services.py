"""The fixtures themselves: what they start is real, fresh, and gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import redis
import sqlalchemy as sa

from tests import real_services as services

ROOT = Path(__file__).parents[1]


def test_database_url__is_migrated_and_empty(database_url):
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
    engine.dispose()
    assert "alembic_version" in tables
    assert len(tables) > 3


@pytest.mark.parametrize("time_round", ["first", "second"])
def test_database_url__what_one_test_writes_the_next_does_not_see(database_url, time_round):
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        assert not sa.inspect(connection).has_table("left_behind"), time_round
        connection.execute(sa.text("CREATE TABLE left_behind (id INTEGER)"))
    engine.dispose()


def test_fresh_postgres__gives_another_empty_database_each_time(fresh_postgres):
    first, second = fresh_postgres("twice"), fresh_postgres("twice")
    assert first != second
    engine = sa.create_engine(second)
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


def test_redis_url__answers_and_keeps_nothing_on_disk(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.set("key", "value")
        assert client.get("key") == b"value"
        assert client.config_get("save") == {"save": ""}


def test_chromium__runs_javascript(chromium):
    with chromium.new_context() as context:
        page = context.new_page()
        page.set_content("<p id=p></p><script>p.textContent = 6 * 7</script>")
        assert page.text_content("#p") == "42"


def test_program__that_is_missing_names_the_command_that_installs_it():
    with pytest.raises(services.ServiceMissing, match=r"apt-get install --yes --no-install-recommends chromium$"):
        services.program("no-such-program", package="chromium")


def test_services__die_with_a_test_run_that_is_killed():
    script = textwrap.dedent("""
        import os, signal
        from tests import real_services as services
        with services.postgres_server() as server, services.redis_server() as url:
            print(os.getpid(), flush=True)
            signal.pause()
    """)
    # What a killed run cannot remove any more is removed with this folder; PostgreSQL's user has to get into it.
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        Path(folder).chmod(0o755)
        env = os.environ | {"TMPDIR": folder}
        command = [sys.executable, "-c", script]
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout is not None
            assert int(run.stdout.readline()) == run.pid
            children = psutil.Process(run.pid).children(recursive=True)
            assert {"postgres", "redis-server"} <= {process.name() for process in children}
            run.kill()
        begun = time.monotonic()
        while any(process.is_running() and process.status() != "zombie" for process in children):
            assert time.monotonic() - begun < 15, children
            time.sleep(0.1)
