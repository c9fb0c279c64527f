"""Leases over HTTP: what a tab takes is held for it, and comes back when it goes away."""

from __future__ import annotations

import pytest

from app.domain.pools import Split


@pytest.fixture
def pets(world):
    world.make_project(train=24, test=3)
    world.open_draft(world.ids(Split.TRAIN)[:20], validation_size=0)
    return world


@pytest.fixture
def take(client, pets):
    def ask(by="Ada", *, queue="selection", **body):
        body = {"annotator_id": pets.annotator(by), "tab": f"tab of {by}", **body}
        return client.post(f"/api/projects/{pets.project_id}/queues/{queue}/take", json=body)

    return ask


def test_take__holds_images_for_one_person_and_says_so_to_the_next(pets, take):
    ada, ben = take(n=4).json(), take("Ben", n=4).json()

    assert [one["id"] for one in ada["images"]] == pets.ids(Split.TRAIN)[:4]
    assert not {one["id"] for one in ada["images"]} & {one["id"] for one in ben["images"]}
    assert ben["elsewhere"]["names"] == ["Ada"]
    assert ben["elsewhere"]["images"] == 4
    assert ada["progress"] == {"settled": 0, "skipped": 0, "total": 20, "left": 20}
    assert ada["selection"] == "ready"


def test_take__renews_what_is_held_and_names_what_is_not_any_more(pets, take):
    held = [one["id"] for one in take(n=4).json()["images"]]
    pets.label(held[:1], by="Ben")

    again = take(n=4, held=held).json()

    assert again["kept"] == held[1:]
    assert len(again["images"]) == 1


def test_release__gives_the_images_to_others(client, pets, take):
    held = [one["id"] for one in take(n=4).json()["images"]]
    reply = client.post("/api/leases/release", json={"annotator_id": pets.annotator(), "tab": "tab of Ada"})

    assert reply.json() == {"released": 4}
    assert [one["id"] for one in take("Ben", n=4).json()["images"]] == held


def test_take__what_is_wrong_is_named(pets, take, client):
    for field, name, value in [("n", "n", 97), ("n", "n", "4"), ("tab", "tab", ""), ("held[0]", "held", [0])]:
        reply = take(**{name: value})
        assert (reply.status_code, reply.json()["field"]) == (400, field)
    assert take(queue="browse").status_code == 400
    assert client.post("/api/projects/99/queues/test/take", json={"annotator_id": 1, "tab": "t"}).status_code == 404
