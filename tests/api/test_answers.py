"""Answers over HTTP: each has its own result, arrives once however often it is sent, and takes no other with it."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, select

from app.db.models import Annotation, Installation
from app.domain.labels import AnnotatorKind, Queue
from app.domain.pools import Pool, Split
from app.services import annotation


@pytest.fixture
def pets(world):
    world.make_project(train=6, test=3)
    return world


def item(image_id, class_id=None, *, uid="u-1", action="label", **more):
    return {"uid": uid, "image_id": image_id, "action": action, "class_id": class_id, "queue": "selection"} | more


def test_annotations__a_label_moves_the_image_to_the_labelled_pool(pets, post):
    image_id = pets.ids(Split.TRAIN)[0]
    [result] = post(item(image_id, pets.class_ids[1], seconds=1.25))
    assert result == {
        "uid": "u-1", "status": "saved", "image_id": image_id, "class_id": pets.class_ids[1], "pool": "labelled",
    }  # fmt: skip
    assert pets.image(image_id).pool is Pool.LABELLED
    [(said, name)] = pets.said(image_id)
    assert (said.seconds, said.uid, name) == (1.25, "u-1", "Ada")


def test_annotations__the_same_uid_again_changes_nothing(pets, post):
    image_id = pets.ids(Split.TRAIN)[0]
    post(item(image_id, pets.class_ids[0]))
    [again] = post(item(image_id, pets.class_ids[0]))
    assert again["status"] == "replayed"
    assert len(pets.said(image_id)) == 1


def test_every_address__refuses_a_page_that_was_made_from_another_database(pets, client):
    ada, image_id = pets.annotator(), pets.ids(Split.TRAIN)[0]
    with pets.reading() as uow:
        uid = uow.session.scalars(select(Installation.uid)).one()
    body = {"annotator_id": ada, "items": [item(image_id, pets.class_ids[0])]}
    wrong = client.post("/api/annotations", json=body, headers={"x-database": "another"})
    assert (wrong.status_code, pets.said(image_id)) == (412, [])
    assert "Another database is served" in wrong.json()["error"]
    assert client.post("/api/annotations", json=body, headers={"x-database": uid}).status_code == 200
    assert len(pets.said(image_id)) == 1


def test_annotations__the_same_uid_for_another_image_is_refused(pets, post):
    first, second = pets.ids(Split.TRAIN)[:2]
    post(item(first, pets.class_ids[0]))
    [refused] = post(item(second, pets.class_ids[0]))
    assert refused["status"] == "refused"
    assert "u-1" in refused["error"]


def test_annotations__a_bad_item_takes_no_other_with_it(pets, post):
    first, second = pets.ids(Split.TRAIN)[:2]
    results = post(
        item(first, pets.class_ids[0], uid="a"),
        item(999_999, pets.class_ids[0], uid="b"),
        item(second, 999_999, uid="c"),
        item(second, None, uid="d"),
        "not an object",
        item(second, pets.class_ids[0], uid=""),
        item(second, pets.class_ids[1], uid="e"),
    )
    assert [one["status"] for one in results] == ["saved", *["refused"] * 5, "saved"]
    assert "items[4]" in results[4]["error"]
    assert "items[5].uid" in results[5]["error"]
    assert [pets.image(one).pool for one in (first, second)] == [Pool.LABELLED, Pool.LABELLED]


def test_annotations__what_an_item_gets_wrong_is_named(pets, post):
    for field, value in [
        ("action", "shout"),
        ("queue", "nowhere"),
        ("seconds", -1),
        ("seconds", "long"),
        ("image_id", "1"),
        ("image_id", True),
        ("image_id", 2**70),
        ("class_id", 1.5),
        ("uid", "x" * 37),
        ("uid", "\0"),
    ]:
        [result] = post(item(pets.ids(Split.TRAIN)[0], pets.class_ids[0]) | {field: value})
        assert result["status"] == "refused"
        assert f"items[0].{field}" in result["error"]


def test_annotations__exclude_and_include_may_arrive_twice(pets, post):
    image_id = pets.ids(Split.TRAIN)[0]
    assert [one["status"] for one in post(item(image_id, action="exclude"), item(image_id, action="exclude"))] == [
        "saved", "replayed",
    ]  # fmt: skip
    assert pets.image(image_id).pool is Pool.EXCLUDED
    assert [one["pool"] for one in post(*[item(image_id, action="include", uid="u-2")] * 2)] == [
        "unlabelled", "unlabelled",
    ]  # fmt: skip


def test_annotations__withdraw_takes_back_the_act_it_names_and_no_other(pets, post):
    cat, dog = pets.class_ids
    image_id = pets.ids(Split.TRAIN)[0]
    post(item(image_id, cat, uid="a"), item(image_id, dog, uid="b"))

    back = item(image_id, None, uid="c", action="withdraw", undoes="b")
    assert [one["status"] for one in post(back, back)] == ["saved", "replayed"]
    assert pets.image(image_id).label_class_id == cat
    [refused] = post(item(image_id, cat, uid="d", undoes="a"))
    assert refused["status"] == "refused"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_annotations__nothing_is_called_saved_where_the_disk_is_full(pets, client):
    images = pets.ids(Split.TRAIN)
    with pets.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(connection, _):
        connection.execute(f"PRAGMA max_page_count={pages + 1}")

    pets.database.engine.dispose()
    event.listen(pets.database.engine, "connect", limit)
    body = {
        "annotator_id": pets.annotator(),
        "items": [item(images[at % 6], pets.class_ids[at % 2], uid=f"u{at}", note="x" * 480) for at in range(96)],
    }
    reply = client.post("/api/annotations", json=body)

    assert reply.status_code == 503
    assert "full" in reply.json()["error"]
    event.remove(pets.database.engine, "connect", limit)
    pets.database.engine.dispose()
    with pets.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Annotation)) == 0


def test_annotations__a_malformed_body_names_the_field(client):
    for body, field in [
        (b"{", "The body"),
        (b"[1]", "The body"),
        (b"\xff", "The body"),
        (b"[" * 100_000, "The body"),
        (b"{}", "annotator_id"),
        (b'{"annotator_id": 0, "items": []}', "annotator_id"),
        (b'{"annotator_id": 1, "items": {}}', "items"),
        (b'{"annotator_id": 1, "items": []}', "items"),
    ]:
        reply = client.post("/api/annotations", content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code == 400
        assert reply.json()["field"] == field
        assert reply.json()["error"].startswith(f"{field} ")


def test_annotations__a_body_that_does_not_say_it_is_json_is_refused(client):
    """A form of another site can send such a body without asking first; it cannot send one that says it is JSON."""
    for headers in ({}, {"Content-Type": "text/plain"}):
        reply = client.post("/api/annotations", content=b'{"annotator_id": 1, "items": [{}]}', headers=headers)
        assert (reply.status_code, reply.json()["field"]) == (400, "The body")


def test_annotations__an_unknown_annotator_is_not_found(pets, client):
    reply = client.post("/api/annotations", json={"annotator_id": 77, "items": [item(1, 1)]})
    assert reply.status_code == 404


def test_annotations__nobody_answers_as_the_simulated_annotator(pets, client):
    with pets.writing() as uow:
        annotation.simulate(uow, pets.project_id, Queue.TEST, 1)
        oracle = annotation.annotator(uow, annotation.SIMULATED, AnnotatorKind.SIMULATED).id
    reply = client.post("/api/annotations", json={"annotator_id": oracle, "items": [item(1, 1)]})
    assert reply.status_code == 422
    assert "simulated" in reply.json()["error"]


def test_annotations__a_huge_body_is_refused_before_it_is_read(client):
    assert client.post("/api/annotations", content=b" " * 1_000_001).status_code == 413


def test_undo__takes_back_the_newest_answer_once_for_each_uid(pets, client, post):
    first, second = pets.ids(Split.TRAIN)[:2]
    post(item(first, pets.class_ids[0], uid="a"), item(second, pets.class_ids[0], uid="b"))
    body = {"project_id": pets.project_id, "annotator_id": pets.annotator(), "uid": "undo-1"}
    for _ in range(2):
        reply = client.post("/api/undo", json=body)
        assert [one["id"] for one in reply.json()["undone"]] == [second]
    assert [pets.image(one).pool for one in (first, second)] == [Pool.LABELLED, Pool.UNLABELLED]


def test_undo__of_nothing_says_so(pets, client):
    reply = client.post("/api/undo", json={"project_id": pets.project_id, "annotator_id": pets.annotator()})
    assert reply.json() == {"undone": []}


def test_undo__in_an_unknown_project_is_not_found(pets, client):
    reply = client.post("/api/undo", json={"project_id": 99, "annotator_id": pets.annotator()})
    assert reply.status_code == 404
