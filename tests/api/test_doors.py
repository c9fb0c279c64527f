"""Every address of the running server, ours and Streamlit's, tried by everybody who might: who gets in where.

The addresses come from the tables of routes: one that is added there, or by a new version of Streamlit, fails here
until somebody says who may use it.
"""

from __future__ import annotations

import gc
import io
import json
import re
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture
from sqlalchemy import update
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg

from app import server
from app.api.routes import PAGES, PLAIN, REST
from app.db import migrate
from app.db.models import Image, Round
from app.domain.people import Role
from app.domain.pools import Split
from app.services import accounts, runtime
from app.ui.components import assets
from tests.api.signing_in import HERE, Browser, Site
from tests.world import World

STREAMLIT = {
    "/_stcore/health": Role.ANNOTATOR,
    "/_stcore/host-config": Role.ANNOTATOR,
    "/_stcore/metrics": Role.ADMIN,
    "/_stcore/upload_file/{session_id}/{file_id}": Role.LEAD,
    "/_stcore/bidi-components/{path:path}": Role.ANNOTATOR,
    "/_stcore/agent/interact": Role.ADMIN,
    "/_stcore/agent/openapi.json": Role.ADMIN,
    "/_stcore/agent/mcp": Role.ADMIN,
    "/component/{path:path}": Role.ANNOTATOR,
    "/media/{file_id:path}": Role.ANNOTATOR,
    "/auth/login": Role.ANNOTATOR,
    "/auth/logout": Role.ANNOTATOR,
    "/oauth2callback": Role.ANNOTATOR,
}
"""Streamlit's own addresses, and the role that each needs."""
PROJECTS = re.compile("project_id|image_id|round_id")
"""Addresses with one of these in them belong to a project."""
INSIDE, OUTSIDE, LEAD, LEAD_OUTSIDE, ADMIN = "Inga", "Otto", "Lea", "Lutz", "Adam"
ROLES = {INSIDE: Role.ANNOTATOR, OUTSIDE: Role.ANNOTATOR, LEAD: Role.LEAD, LEAD_OUTSIDE: Role.LEAD, ADMIN: Role.ADMIN}
IN_PROJECT = {INSIDE, LEAD, ADMIN}


class Place:
    """The running server, a project with everything in it that an address can name, and five people."""

    running: TestClient

    def __init__(self, folder: Path) -> None:
        database_url = f"sqlite:///{folder / 'ssmae.db'}"
        migrate.upgrade(database_url)
        self.world = World(database_url, folder)
        self.world.make_project(train=6, test=2)
        self.world.label(self.world.ids(Split.TRAIN)[:2])
        self.round_id = self.world.play_round(is_open=False)
        self.image_id = self._picture()
        self.world.storage.write("rounds/1/1/model.onnx", b"weights")
        with self.world.writing() as uow:
            files = {"model.onnx": "rounds/1/1/model.onnx"}
            uow.session.execute(update(Round).where(Round.id == self.round_id).values(files=files))
        self.site = Site(self.world, folder, {})
        self.site.app = server.build(self.site.settings)
        self.site.runtime = runtime.current()
        for name, role in ROLES.items():
            self.site.add(name, role, sees=name in IN_PROJECT)

    def _picture(self) -> int:
        image_id, buffer = self.world.ids(Split.TRAIN)[2], io.BytesIO()
        Picture.new("RGB", (8, 8)).save(buffer, "PNG")
        sha256 = self.world.storage.write_image(buffer.getvalue(), ".png")
        with self.world.writing() as uow:
            uow.session.execute(update(Image).where(Image.id == image_id).values(sha256=sha256))
        return image_id

    def talk(self, browser: Browser, origin: str = HERE) -> WebSocketTestSession:
        """Open a browser's websocket, in the loop that the server runs in."""
        headers = {"Origin": origin} | ({"Cookie": f"ssmae_session={browser.secret}"} if browser.secret else {})
        return self.running.websocket_connect("ws://localhost/_stcore/stream", headers=headers)

    def fill(self, path: str) -> str:
        """An address with what is really there in the place of its names."""
        values = {
            "project_id": self.world.project_id,
            "image_id": self.image_id,
            "round_id": self.round_id,
            "class_id": self.world.class_ids[0],
            "queue": "test",
            "name": "model.onnx",
            "version": "x",
            "secret": "made-up",
        }
        return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: str(values.get(found[1], "x")), path)

    def annotator_id(self, name: str | None) -> int:
        """Whose answers somebody sends: their own."""
        with self.world.reading() as uow:
            return accounts.account_named(uow, name or INSIDE).annotator_id

    def body(self, method: str, path: str, name: str | None) -> dict[str, Any]:
        """What a request has to carry to be understood."""
        who = self.annotator_id(name)
        answer = {"uid": "u", "image_id": self.image_id, "action": "skip", "queue": "test"}
        tab = {"annotator_id": who, "tab": "t"}
        bodies: dict[tuple[str, str], dict[str, Any]] = {
            ("POST", "/projects/{project_id}/queues/{queue}/take"): {"json": tab | {"n": 1}},
            ("POST", "/leases/release"): {"json": tab},
            ("POST", "/annotations"): {"json": {"annotator_id": who, "items": [answer]}},
            ("POST", "/undo"): {"json": {"annotator_id": who, "project_id": self.world.project_id}},
            ("GET", "/preferences"): {"params": {"annotator_id": who}},
            ("PUT", "/preferences"): {"params": {"annotator_id": who}, "json": {}},
            ("GET", "/projects/{project_id}/grids/{class_id}"): {"params": {"n": 24}},
        }
        found = bodies.get((method, path), {})
        assert found or method == "GET", f"say here what {method} {path} carries"
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("doors"))
    with TestClient(made.site.app, base_url=HERE) as made.running:
        yield made
    made.world.close()
    # The server has set Streamlit up for this whole process; other tests run pages without a server.
    config._main_script_path = None
    config.get_config_options(force_reparse=True)
    # Streamlit leaves the event loop of a page's thread to whenever garbage is collected.
    for thread in threading.enumerate():
        if thread.name.startswith("ScriptRunner"):
            thread.join(timeout=10)
    with warnings.catch_warnings(action="ignore", category=ResourceWarning):
        gc.unfreeze()
        gc.collect()


@pytest.fixture(scope="module")
def browsers(place) -> dict[str | None, Browser]:
    """One of each person, and one of nobody."""
    return {None: place.site.browser()} | {name: place.site.signed_in(name) for name in ROLES}


def is_refused(reply) -> bool:
    """Whether a stranger got nothing but the way to sign in."""
    to_login = reply.status_code == 303 and reply.headers["location"].startswith("/login")
    return reply.status_code == 401 or to_login


@pytest.mark.parametrize(("method", "path", "role"), [row[:3] for row in REST])
def test_rest__lets_in_who_may_and_nobody_else(place, browsers, method, path, role):
    for name, browser in browsers.items():
        address = f"/api{place.fill(path)}"
        reply = browser.change(method, address, **place.body(method, path, name))
        if name is None:
            assert reply.status_code == 401, reply.text
        elif not ROLES[name].covers(role):
            assert reply.status_code == 403, (name, reply.text)
        elif (PROJECTS.search(path) and name not in IN_PROJECT) or (path == "/undo" and name not in IN_PROJECT):
            assert reply.status_code == 404, (name, reply.text)
        else:
            assert reply.status_code < 400, (name, reply.text)


@pytest.mark.parametrize(("method", "path"), [row[:2] for row in REST if row[0] != "GET"])
def test_rest__every_change_needs_the_token_of_the_session(place, browsers, method, path):
    for token in ("", "wrong", browsers[ADMIN].csrf, "é"):
        headers = {"x-csrf": token.encode()} if token else {}
        body = place.body(method, path, INSIDE)
        reply = browsers[INSIDE].request(method, f"/api{place.fill(path)}", headers=headers, **body)
        assert reply.status_code == 403
        assert "reload" in reply.json()["error"]


@pytest.mark.parametrize(("method", "path"), [row[:2] for row in REST if row[0] != "GET"])
def test_rest__another_sites_page_may_change_nothing(place, browsers, method, path):
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        body = place.body(method, path, INSIDE)
        reply = browsers[INSIDE].change(method, f"/api{place.fill(path)}", headers=headers, **body)
        assert reply.status_code == 403


def test_rest__nobody_acts_in_the_name_of_somebody_else(place, browsers):
    for method, path, _, _ in REST:
        carried = json.dumps(place.body(method, path, OUTSIDE)) if method != "GET" else ""
        if "annotator_id" not in carried:
            continue
        reply = browsers[ADMIN].change(method, f"/api{place.fill(path)}", **place.body(method, path, INSIDE))
        assert reply.status_code == 403, path
        assert "somebody else" in reply.json()["error"]


def test_annotations__to_an_image_of_a_project_that_is_not_shared_are_refused(place, browsers):
    reply = browsers[OUTSIDE].change("POST", "/api/annotations", **place.body("POST", "/annotations", OUTSIDE))
    [result] = reply.json()["results"]
    assert result["status"] == "refused"
    assert "There is no image" in result["error"]


@pytest.mark.parametrize(("method", "path", "role"), [row[:3] for row in PLAIN])
def test_plain__lets_in_who_may_and_nobody_else(place, browsers, method, path, role):
    for name, browser in browsers.items():
        reply = browser.request(method, place.fill(path))
        if role is None or name in IN_PROJECT:
            assert reply.status_code == 200
        elif name is None:
            assert reply.status_code == 401
        else:
            assert reply.status_code == 404


@pytest.mark.parametrize(("method", "path", "role"), [row[:3] for row in PAGES])
def test_pages__strangers_see_the_ones_for_strangers(place, method, path, role):
    reply = place.site.browser().request(method, place.fill(path))
    is_shown = reply.headers.get("content-type", "").startswith(("text/html", "text/css"))
    assert is_shown is (role is None)
    assert is_shown or is_refused(reply)


def test_streamlit__has_no_address_that_nobody_thought_of(place):
    found = place.site.app._starlette_app.routes
    own = {row[1] for row in (*PLAIN, *PAGES)} | {"/assets/{version}/{name}"}
    others = {route.path for route in found if isinstance(route, Route)} - own
    assert others == set(STREAMLIT)
    assert {route.path for route in found if isinstance(route, WebSocketRoute)} == {"/_stcore/stream"}
    # Ours, and the folder with Streamlit's page, which the last test of this file asks for.
    assert [route.path for route in found if isinstance(route, Mount)] == ["/api", ""]


@pytest.mark.parametrize(("path", "role"), STREAMLIT.items())
def test_streamlit__lets_in_who_may_and_nobody_else(place, browsers, path, role):
    for name, browser in browsers.items():
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"):
            reply = browser.request(method, place.fill(path))
            if name is None:
                assert is_refused(reply), (method, reply.status_code)
            elif not ROLES[name].covers(role):
                assert reply.status_code == 403, (name, method)
            else:
                assert not is_refused(reply), (name, method)


def test_streamlit__its_pages_and_our_modules_are_for_people_with_an_account(place, browsers):
    pages = ["/", "/label", "/people", "/index.html", "/nowhere"]
    files = [f"{assets.base()}dom.js", "/assets/x/outbox.js", "/static/js/index.js", "/media/x.png"]
    for address in pages + files:
        assert is_refused(browsers[None].get(address)), address
        assert not is_refused(browsers[INSIDE].get(address)), address
    assert browsers[None].get("/label").status_code == 303
    assert browsers[None].post("/label").status_code == 401


def test_websocket__is_closed_before_a_stranger_says_anything(place, browsers):
    with pytest.raises(WebSocketDisconnect), place.talk(browsers[None]):
        pass
    with place.talk(browsers[INSIDE]) as talk:
        talk.send_bytes(run_page())
        assert talk.receive_bytes()
    with pytest.raises(WebSocketDisconnect), place.talk(browsers[INSIDE], origin="http://evil.example"):
        pass


def test_websocket__ends_with_the_next_message_after_the_session_was_taken_away(place):
    account_id = place.site.add("Ron")
    browser = place.site.signed_in("Ron")
    with place.talk(browser) as talk:
        talk.send_bytes(run_page())
        talk.receive_bytes()
        with place.world.writing() as uow:
            accounts.deactivate(uow, account_id)
        place.site.runtime.callers.forget()
        talk.send_bytes(run_page())
        with pytest.raises(WebSocketDisconnect) as ended:
            while True:
                talk.receive_bytes()
    assert ended.value.code == 1008


def test_project__that_is_no_longer_shared_is_gone_at_once(place):
    account_id = place.site.add("Uma")
    browser = place.site.signed_in("Uma")
    address = f"/img/{place.image_id}"
    assert browser.get(address).status_code == 200
    with place.world.writing() as uow:
        accounts.unshare(uow, place.world.project_id, account_id)
    place.site.runtime.callers.forget()
    assert browser.get(address).status_code == 404


def test_account_header__from_outside_means_nothing(place, browsers):
    headers = {"x-ssmae-account": "1"}
    assert is_refused(browsers[None].get("/", headers=headers))
    assert browsers[OUTSIDE].get(f"/img/{place.image_id}", headers=headers).status_code == 404


def run_page() -> bytes:
    """What a browser says to have a page drawn."""
    message = BackMsg()
    message.rerun_script.query_string = ""
    return message.SerializeToString()
