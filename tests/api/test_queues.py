"""Queues over HTTP: what a tab holds, what it gives back, and what a person likes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from app.db.models import ImageFlag
from app.domain.pools import Split
from app.domain.rounds import SelectionStatus


@pytest.fixture
def pets(world):
    world.make_project(train=6, test=3)
    return world


@pytest.fixture
def take(pets, client):
    """One tab of Ada's asks for a queue."""

    def ask(queue="test", **more):
        body = {"annotator_id": pets.annotator(), "tab": "tab-1", "n": 2, "held": []} | more
        return client.post(f"/api/projects/{pets.project_id}/queues/{queue}/take", json=body)

    return ask


def test_take__gives_images_with_their_reason_and_how_far_it_is(pets, take):
    selected = pets.ids(Split.TRAIN)[:2]
    pets.open_draft(selected, validation_size=1)
    reply = take("selection").json()
    assert [one["id"] for one in reply["images"]] == selected
    assert reply["images"][0]["why"] == "The model hesitates between two classes."
    assert reply["images"][0]["strategy"] == "margin"
    assert reply["progress"] == {"settled": 0, "skipped": 0, "total": 2, "left": 2}
    assert reply["selection"] == SelectionStatus.READY
    assert reply["elsewhere"] == {"images": 0, "names": [], "seconds": 0.0}


def test_take__keeps_what_the_tab_holds_and_gives_others_something_else(pets, take):
    mine = [one["id"] for one in take().json()["images"]]
    again = take(held=mine).json()
    assert (again["images"], again["kept"]) == ([], mine)
    other = take(annotator_id=pets.annotator("Bo"), tab="tab-2").json()
    assert not set(mine) & {one["id"] for one in other["images"]}
    assert other["elsewhere"]["names"] == ["Ada"]


def test_take__never_gives_away_a_sealed_class(take):
    reply = take("test", n=3).json()
    assert len(reply["images"]) == 3
    assert all(one["proposed_class_id"] is None and one["hint"] is None for one in reply["images"])
    assert "sealed" not in json.dumps(reply)


def test_release__gives_everything_back_at_once(pets, take, client):
    mine = [one["id"] for one in take().json()["images"]]
    reply = client.post("/api/leases/release", json={"annotator_id": pets.annotator(), "tab": "tab-1"})
    assert reply.json() == {"released": len(mine)}
    other = take(annotator_id=pets.annotator("Bo"), tab="tab-2").json()
    assert [one["id"] for one in other["images"]] == mine


def test_take__names_what_is_wrong_with_the_question(take):
    questions: list[tuple[dict[str, Any], str]] = [
        ({"n": -1}, "n"),
        ({"n": 193}, "n"),
        ({"n": "2"}, "n"),
        ({"tab": ""}, "tab"),
        ({"tab": "x" * 37}, "tab"),
        ({"held": [0]}, "held[0]"),
        ({"held": 3}, "held"),
        ({"annotator_id": True}, "annotator_id"),
    ]
    for wrong, field in questions:
        reply = take(**wrong)
        assert (reply.status_code, reply.json()["field"]) == (400, field)


def test_take__of_what_is_not_there_is_not_found(pets, take, client):
    assert take(annotator_id=99).status_code == 404
    assert take("nowhere").status_code == 404
    assert take("browse").status_code == 400
    body = {"annotator_id": pets.annotator(), "tab": "t", "n": 1}
    assert client.post("/api/projects/99/queues/test/take", json=body).status_code == 404


def test_flag__is_kept_once_beside_the_answers(pets, post):
    image_id = pets.ids(Split.TRAIN)[0]
    flag = {"uid": "f-1", "image_id": image_id, "action": "flag", "queue": "selection", "note": "Two animals."}
    assert [one["status"] for one in post(flag, flag)] == ["saved", "replayed"]
    [silent] = post(flag | {"uid": "f-2", "note": " "})
    assert silent["status"] == "refused"
    with pets.reading() as uow:
        assert [one.note for one in uow.session.scalars(select(ImageFlag))] == ["Two animals."]


def test_preferences__are_kept_for_each_person(pets, client):
    ada, bo = pets.annotator(), pets.annotator("Bo")
    liked = {"keys": {"cat": "q"}, "hints": ["zoom"]}
    assert client.put(f"/api/preferences?annotator_id={ada}", json=liked).status_code == 200
    assert client.get(f"/api/preferences?annotator_id={ada}").json() == liked
    assert client.get(f"/api/preferences?annotator_id={bo}").json() == {}


def test_preferences__that_are_not_named_stay_as_they_were(pets, client):
    address = f"/api/preferences?annotator_id={pets.annotator()}"
    client.put(address, json={"keys": {"cat": "q"}, "layout": "qwertz", "smooth": True})
    changed = client.put(address, json={"layout": "azerty", "smooth": None}).json()
    assert changed == client.get(address).json() == {"keys": {"cat": "q"}, "layout": "azerty"}


def test_preferences__that_are_no_small_json_object_are_refused(pets, client):
    address = f"/api/preferences?annotator_id={pets.annotator()}"
    headers = {"Content-Type": "application/json"}
    for body, status in [
        (b"[]", 400), (b'{"a": NaN}', 422), (rb'{"a": "\ud800"}', 422), (b'{"a": "' + b"x" * 20_000 + b'"}', 422),
    ]:  # fmt: skip
        assert client.put(address, content=body, headers=headers).status_code == status, body[:20]
    assert client.get(address).json() == {}
