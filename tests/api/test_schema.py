"""Good and bad input of every kind to the whole REST interface, made from its own OpenAPI document: never a bug."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance
from starlette.applications import Starlette

from app import settings as app_settings
from app.api.identity import Identify
from app.api.routes import REST, open_routes, routes
from app.db import migrate
from app.domain.pools import Split
from app.services.runtime import Runtime
from tests.world import World


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def document(request, tmp_path_factory) -> Iterator[schemathesis.BaseSchema]:
    """The document of a server with a project, whose rows have the small ids that are tried first."""
    folder = tmp_path_factory.mktemp("schema")
    if request.param == "sqlite":
        database_url = f"sqlite:///{folder / 'ssmae.db'}"
    else:
        database_url = request.getfixturevalue("postgres_server").create("schema")
    migrate.upgrade(database_url)
    world = World(database_url, folder)
    world.annotator()
    world.make_project(train=6, test=3)
    world.label(world.ids(Split.TRAIN)[:2])
    world.play_round(is_open=False)
    runtime = Runtime(
        settings=app_settings.load({"DATA_DIR": str(folder)}), database=world.database, storage=world.storage
    )
    app = Identify(Starlette(routes=routes(lambda: runtime)), callers=None, is_open=open_routes())
    yield schemathesis.openapi.from_asgi("/api/openapi.json", app)
    world.close()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), [row[:2] for row in REST])
def test_rest__survives_whatever_is_sent_and_answers_as_it_says(document, method, path, mode):
    cases = document[path][method].as_strategy(generation_mode=mode)

    @given(case=cases)
    @settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    def try_it(case):
        reply = case.call()
        case.validate_response(reply, checks=[not_a_server_error, response_schema_conformance])
        assert reply.status_code < 400 or reply.json()["error"]

    try:
        try_it()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, "what takes no input cannot be asked wrongly"


def test_document__names_every_route_and_the_role_it_needs(document):
    described = {
        (method.upper(), path): operation["x-role"]
        for path, methods in document.raw_schema["paths"].items()
        for method, operation in methods.items()
    }
    assert described == {(method, path): role for method, path, role, _ in REST}
