"""Grid, audit, second look and what helps to review, over HTTP."""

from __future__ import annotations

import pytest

from app.db.queries import audits, projects
from app.domain.acceptance import Order
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.services import audits as audit_service
from tests.predictions import publish_predictions


@pytest.fixture
def pets(world):
    """Thirty training images of which two have a label; the round proposed a class for the others."""
    world.make_project(train=30, test=2, validation_size=0)
    world.label(world.ids(Split.TRAIN)[:2])
    world.play_round(is_open=False)
    return world


@pytest.fixture
def take(client, pets):
    def ask(queue, **more):
        body = {"annotator_id": pets.annotator(), "tab": "t1", "n": 96, **more}
        return client.post(f"/api/projects/{pets.project_id}/queues/{queue}/take", json=body)

    return ask


def test_grid__is_taken_answered_in_one_batch_and_undone_with_its_proposals(client, pets, post, take):
    cat, dog = pets.class_ids
    shown = take("grid", class_id=cat).json()["images"]
    assert {one["proposed_class_id"] for one in shown} == {cat}
    batch = {"queue": "grid", "batch": "b-1", "note": Order.RANDOM.note}
    first, second, *others = [one["id"] for one in shown]
    results = post(
        {"uid": "a1", "image_id": first, "action": "label", "class_id": dog, **batch},
        {"uid": "a2", "image_id": second, "action": "skip", **batch},
        *({"uid": f"b{one}", "image_id": one, "action": "label", "class_id": cat, **batch} for one in others),
    )
    assert {one["status"] for one in results} == {"saved"}
    proofs = client.get(f"/api/projects/{pets.project_id}/grids/{cat}?n=24&order=random").json()
    assert proofs["so_far"].startswith(f"All {len(shown)} judged in random order since the newest round, 2 wrong")
    assert len(proofs["of_this_grid"]) == 25

    reply = client.post("/api/undo", json={"project_id": pets.project_id, "annotator_id": pets.annotator()})

    undone = reply.json()["undone"]
    assert {one["id"] for one in undone} == {one["id"] for one in shown}
    assert {one["proposed_class_id"] for one in undone} == {cat}
    assert pets.image(others[0]).pool is Pool.UNLABELLED


@pytest.fixture
def read_only(monkeypatch):
    """Whether each reading of what was accepted, from now on, was in a transaction that cannot write."""
    noted = []
    found = audits.accepted_ids

    def watched(session, round_id):
        noted.append(bool(session.get_bind().get_execution_options().get("read_only")))
        return found(session, round_id)

    monkeypatch.setattr(audits, "accepted_ids", watched)
    monkeypatch.setattr("app.services.audits._draws", {})
    return noted


@pytest.mark.parametrize("queue", ["grid", "audit"])
def test_take__reads_what_was_accepted_before_it_writes(pets, take, read_only, queue):
    assert take(queue, class_id=pets.class_ids[0]).status_code == 200
    assert read_only
    assert all(read_only)  # among a million images that takes seconds, in which nobody could answer


def test_annotations__of_an_audit_read_what_was_accepted_before_they_write(pets, post, read_only):
    answer = {"uid": "a1", "image_id": pets.ids(Split.TRAIN)[4], "action": "label", "class_id": pets.class_ids[0]}
    broken, saved = post({"uid": "a0", "image_id": None, "queue": "audit"}, {**answer, "queue": "audit"})
    assert (broken["status"], saved["status"]) == ("refused", "saved")
    assert read_only
    assert all(read_only)


def test_grid__needs_a_class_of_the_project(take):
    assert take("grid").status_code == 400
    assert take("grid").json()["field"] == "class_id"
    assert take("grid", class_id=999).status_code == 404


def test_second_look__gives_ones_own_doubted_answers_with_what_one_said(pets, take):
    mine = pets.ids(Split.TRAIN)[0]
    said = pets.image(mine).label_class_id
    doubts = (0.03, 0.97) if said == pets.class_ids[0] else (0.97, 0.03)
    publish_predictions(pets, 1, {mine: doubts})
    (one,) = take("second_look").json()["images"]
    assert (one["id"], one["proposed_class_id"]) == (mine, said)
    assert one["why"] == "You said “cat”. The model of round 1 gives that 3 % and “dog” 97 %."
    assert take("second_look").json()["progress"]["left"] == 1


def test_context__says_why_and_what_else(client, pets):
    one = pets.ids(Split.TRAIN)[5]
    publish_predictions(pets, 1, dict.fromkeys(pets.ids(Split.TRAIN), (0.2, 0.8)))
    found = client.get(f"/api/images/{one}/context").json()
    assert [likely["name"] for likely in found["likeliest"]] == ["dog", "cat"]
    assert found["neighbours"][0]["label"] in {"cat", "dog"}
    assert len(found["views"]) == 2
    assert client.get(f"/api/images/{pets.ids(Split.TEST)[0]}/context").status_code == 422
    assert client.get("/api/images/4040/context").status_code == 404


def test_audit__an_answer_that_it_has_not_asked_for_does_not_count_as_blind(world, client, post):
    world.make_project(train=60, test=2, validation_size=0)
    with world.writing() as uow:
        projects.one(uow.session, world.project_id).error_target = 0.3
    world.play_round()
    body = {"annotator_id": world.annotator(), "tab": "t1", "n": 96}
    asked = [
        one["id"]
        for one in client.post(f"/api/projects/{world.project_id}/queues/audit/take", json=body).json()["images"]
    ]
    label = {"action": "label", "class_id": world.class_ids[0], "queue": "audit"}
    post({"uid": "a1", "image_id": asked[0], **label})
    with world.reading() as uow:
        other = (set(world.ids(Split.TRAIN)) - audit_service.state(uow, world.project_id).hidden).pop()
    post({"uid": "a2", "image_id": other, **label})
    assert [act.queue for one in (asked[0], other) for act, _ in world.said(one)] == [Queue.AUDIT, Queue.BROWSE]


def test_annotations__the_label_of_a_test_image_is_not_changed_by_who_browses(pets, post):
    one = pets.ids(Split.TEST)[0]
    label = {"image_id": one, "action": "label", "class_id": pets.class_ids[0]}
    browsed, asked = post({"uid": "t1", "queue": "browse", **label}, {"uid": "t2", "queue": "test", **label})
    assert (browsed["status"], asked["status"]) == ("refused", "saved")
    assert "queue of the test set alone" in browsed["error"]


def test_audit__of_a_round_that_accepted_nothing_is_empty(take):
    assert take("audit").json()["images"] == []
