"""What the browser reads: image bytes, downloads, health."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image as Picture
from sqlalchemy import update

from app.db.models import Image, Round
from app.domain.pools import Split


@pytest.fixture
def pets(world):
    world.make_project(train=6, test=3)
    return world


@pytest.fixture
def picture(pets):
    """An image that has its file: 300 × 200 pixels."""
    image_id = pets.ids(Split.TRAIN)[0]
    buffer = io.BytesIO()
    Picture.new("RGB", (300, 200), (200, 30, 30)).save(buffer, "PNG")
    sha256 = pets.storage.write_image(buffer.getvalue(), ".png")
    with pets.writing() as uow:
        uow.session.execute(update(Image).where(Image.id == image_id).values(sha256=sha256))
    return pets.image(image_id), buffer.getvalue()


def test_image__is_sent_as_it_is_and_kept_for_ever_under_its_hash(picture, client):
    image, content = picture
    reply = client.get(f"/img/{image.id}?v={image.sha256[:16]}")
    assert (reply.content, reply.headers["content-type"]) == (content, "image/png")
    assert "immutable" in reply.headers["cache-control"]
    again = client.get(f"/img/{image.id}", headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_image__without_its_own_hash_is_asked_about_again(picture, client):
    for version in ["", "?v=", "?v=0000000000000000", "?v=ab"]:
        image, _ = picture
        assert client.get(f"/img/{image.id}{version}").headers["cache-control"] == "private, no-cache"


def test_image__with_a_side_is_reduced(picture, client):
    image, _ = picture
    reply = client.get(f"/img/{image.id}?side=96")
    with Picture.open(io.BytesIO(reply.content)) as reduced:
        assert reduced.size == (96, 64)


def test_image__of_a_side_that_is_not_offered_is_refused(picture, client):
    for side in ["0", "17", "-1", "1e3", "9" * 400, "²"]:
        image, _ = picture
        assert client.get(f"/img/{image.id}", params={"side": side}).status_code == 400


def test_image__is_found_by_its_id_alone(picture, client):
    for name in ["0", "999999", str(10**30), "-1", "1.png", "..%2f..%2fetc%2fpasswd", "%00"]:
        assert client.get(f"/img/{name}").status_code == 404


def test_image__whose_file_is_gone_is_not_found(pets, client):
    reply = client.get(f"/img/{pets.ids(Split.TEST)[0]}")
    assert reply.status_code == 404


def test_export__streams_the_labels_in_each_form(pets, client):
    pets.label(pets.ids(Split.TRAIN)[:2])
    address = f"/api/projects/{pets.project_id}/export/labels"
    rows = client.get(f"{address}?format=csv&origin=human").text.strip().splitlines()
    assert len(rows) == 3
    lines = client.get(f"{address}?format=jsonl&origin=both")
    assert [json.loads(line)["class"] for line in lines.text.splitlines()] == ["cat", "dog"]
    assert "attachment" in lines.headers["content-disposition"]


def test_export__in_an_unknown_form_is_refused(pets, client):
    for query in ["format=exe", "origin=everyone"]:
        assert client.get(f"/api/projects/{pets.project_id}/export/labels?{query}").status_code == 400


def test_export__of_an_unknown_project_is_not_found(client):
    assert client.get("/api/projects/5/export/labels").status_code == 404


@pytest.fixture
def finished(pets):
    """A round that published one file, and lists one that was lost."""
    pets.label(pets.ids(Split.TRAIN)[:2])
    round_id = pets.play_round()
    pets.storage.write("rounds/1/1/model.onnx", b"weights")
    with pets.writing() as uow:
        files = {"model.onnx": "rounds/1/1/model.onnx", "lost.bin": "rounds/1/1/lost.bin"}
        uow.session.execute(update(Round).where(Round.id == round_id).values(files=files))
    return round_id


def test_round_file__that_the_round_published_is_sent(finished, client):
    reply = client.get(f"/api/rounds/{finished}/files/model.onnx")
    assert reply.content == b"weights"
    assert "model.onnx" in reply.headers["content-disposition"]


def test_round_file__that_the_round_does_not_list_is_not_there(finished, client):
    for name in ["other.bin", "lost.bin", "..%2f..%2fssmae.db", "rounds%2f1%2f1%2fmodel.onnx", "%2fetc"]:
        assert client.get(f"/api/rounds/{finished}/files/{name}").status_code == 404


def test_round_file__of_an_unknown_round_is_not_found(client):
    assert client.get("/api/rounds/9/files/model.onnx").status_code == 404


def test_health__is_ok_while_the_database_answers(client):
    assert client.get("/healthz").json() == {"status": "ok"}
