"""From where the server may be asked, and what pages may load."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app import server, settings
from app.api.guard import LOOPBACK_NAMES, Guard, content_policy
from app.errors import Refused


async def _say(_):
    return PlainTextResponse("hello")


async def _talk(websocket):
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.close()


@pytest.fixture
def client():
    inner = Starlette(routes=[Route("/", _say, methods=["GET", "POST"]), WebSocketRoute("/talk", _talk)])
    guarded = Guard(inner, hosts=LOOPBACK_NAMES, policy="default-src 'self'")
    with TestClient(guarded, base_url="http://localhost:8501") as asking:
        yield asking


def test_guard__answers_to_the_names_of_this_machine_only(client):
    for host, status in {
        "localhost:8501": 200, "127.0.0.1:8501": 200, "[::1]:8501": 200, "evil.example": 403,
        "localhost.evil.example": 403, "": 403, "[::1": 403,
    }.items():  # fmt: skip
        assert client.get("/", headers={"Host": host}).status_code == status, host


def test_guard__another_sites_page_may_not_write(client):
    assert client.post("/", headers={"Origin": "http://localhost:8501"}).status_code == 200
    assert client.post("/").status_code == 200
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert client.post("/", headers=headers).status_code == 403, headers


def test_guard__another_sites_page_may_not_open_a_websocket(client):
    with client.websocket_connect("ws://localhost:8501/talk", headers={"Origin": "http://localhost:8501"}) as talk:
        assert talk.receive_text() == "hello"
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/talk", headers=headers):
            pass


def test_guard__adds_the_security_headers_even_to_a_refusal(client):
    for reply in (client.get("/"), client.get("/", headers={"Host": "evil.example"})):
        assert reply.headers["content-security-policy"] == "default-src 'self'"
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_content_policy__allows_inline_scripts_by_their_hash_alone():
    policy = content_policy('<script src="/a.js"></script><script>alert(1)</script>')
    assert "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in policy
    assert "unsafe-inline" not in policy.split("style-src", maxsplit=1)[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_serve__without_accounts_refuses_to_open_the_network(tmp_path, host):
    alone = replace(settings.load({"DATA_DIR": str(tmp_path), "HOST": host}), no_auth=True)
    with pytest.raises(Refused, match="so that people sign in"):
        server.serve(alone)


def test_serve__refuses_a_database_that_is_behind_the_code(tmp_path):
    with pytest.raises(Refused, match="ssmae migrate"):
        server.serve(settings.load({"DATA_DIR": str(tmp_path)}))


def test_is_loopback__knows_this_machine():
    assert [settings.is_loopback(one) for one in ("127.0.0.1", "127.1.2.3", "::1", "localhost")] == [True] * 4
    assert not any(settings.is_loopback(one) for one in ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example"))
