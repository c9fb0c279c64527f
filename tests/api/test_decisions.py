"""The adjudication queue over HTTP: who may decide, what they see, and what becomes of a decision that is late."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import settings
from app.api.routes import routes
from app.db.queries import projects
from app.domain.callers import Caller
from app.domain.labels import Action, Queue
from app.domain.people import Adjudication, Role
from app.domain.pools import Split
from app.services.runtime import Runtime


@pytest.fixture
def pets(world):
    """An image that Ada and Ben disagree about, where the majority rules."""
    world.make_project(train=4)
    cat, dog = world.class_ids
    disputed = world.ids(Split.TRAIN)[0]
    world.answer(disputed, cat, by="Ada", queue=Queue.SELECTION)
    world.answer(disputed, dog, by="Ben", queue=Queue.SELECTION)
    return world


def ruled_by(pets, rule):
    with pets.writing() as uow:
        projects.one(uow.session, pets.project_id).adjudication = rule


@contextmanager
def browser(pets, name, role):
    """Somebody with an account, who asks the routes."""
    caller = Caller(role=role, annotator_id=pets.annotator(name), project_ids=frozenset({pets.project_id}), name=name)
    runtime = Runtime(settings=settings.load({"DATA_DIR": "."}), database=pets.database, storage=pets.storage)
    inner = Starlette(routes=routes(lambda: runtime))

    async def signed_in(scope, receive, send):
        await inner({**scope, "caller": replace(caller)}, receive, send)

    with TestClient(signed_in) as asking:
        yield asking


def take(pets, asking, name):
    body = {"annotator_id": pets.annotator(name), "tab": "tab", "n": 8, "held": []}
    return asking.post(f"/api/projects/{pets.project_id}/queues/adjudication/take", json=body)


def decide(pets, asking, name, image_id, class_id, uid="d1", action="label"):
    item = {"uid": uid, "image_id": image_id, "action": action, "queue": "adjudication"}
    if class_id is not None:
        item["class_id"] = class_id
    reply = asking.post("/api/annotations", json={"annotator_id": pets.annotator(name), "items": [item]})
    return reply.json()["results"][0]


def test_take__shows_who_said_what_to_whoever_decides(pets):
    with browser(pets, "Cleo", Role.LEAD) as cleo:
        (item,) = take(pets, cleo, "Cleo").json()["images"]

    assert [(one["who"], one["what"], one["note"]) for one in item["said"]] == [
        ("Ada", "cat", None),
        ("Ben", "dog", None),
    ]


def test_take__of_any_other_queue_says_nothing_of_what_others_said(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[2:3])
    with browser(pets, "Cleo", Role.LEAD) as cleo:
        body = {"annotator_id": pets.annotator("Cleo"), "tab": "tab", "n": 8, "held": []}
        reply = cleo.post(f"/api/projects/{pets.project_id}/queues/selection/take", json=body).json()

    assert len(reply["images"]) == 1
    assert "said" not in reply["images"][0]


@pytest.mark.parametrize(("rule", "status"), [(Adjudication.LEAD, 403), (Adjudication.MAJORITY, 200)])
def test_take__of_disputes_is_for_leads_where_a_lead_rules(pets, rule, status):
    ruled_by(pets, rule)
    with browser(pets, "Cleo", Role.ANNOTATOR) as cleo, browser(pets, "Eve", Role.LEAD) as eve:
        assert take(pets, cleo, "Cleo").status_code == status
        assert take(pets, eve, "Eve").status_code == 200


def test_annotations__a_decision_where_a_lead_rules_is_refused_from_others(pets):
    ruled_by(pets, Adjudication.LEAD)
    disputed = pets.ids(Split.TRAIN)[0]
    with browser(pets, "Cleo", Role.ANNOTATOR) as cleo:
        told = decide(pets, cleo, "Cleo", disputed, pets.class_ids[0])

    assert (told["status"], told["error"]) == ("refused", "Only a lead may do this.")


def test_annotations__anybody_decides_where_the_majority_rules_and_may_think_again(pets):
    disputed, (cat, dog) = pets.ids(Split.TRAIN)[0], pets.class_ids
    with browser(pets, "Cleo", Role.ANNOTATOR) as cleo:
        assert decide(pets, cleo, "Cleo", disputed, cat)["class_id"] == cat
        assert not pets.image(disputed).needs_decision
        assert decide(pets, cleo, "Cleo", disputed, dog, uid="d2")["class_id"] == dog


def test_annotations__a_party_to_a_dispute_settles_it_only_as_a_lead(pets):
    disputed, (cat, dog) = pets.ids(Split.TRAIN)[0], pets.class_ids
    with browser(pets, "Ada", Role.ANNOTATOR) as ada, browser(pets, "Ben", Role.LEAD) as ben:
        taken = take(pets, ada, "Ada").json()
        assert (taken["images"], taken["progress"]["left"]) == ([], 0)
        assert decide(pets, ada, "Ada", disputed, cat)["status"] == "saved"
        assert pets.image(disputed).needs_decision
        assert [item["id"] for item in take(pets, ben, "Ben").json()["images"]] == [disputed]
        assert decide(pets, ben, "Ben", disputed, dog, uid="d2")["class_id"] == dog
    assert not pets.image(disputed).needs_decision


def test_annotations__a_decision_that_comes_second_is_one_more_opinion(pets):
    disputed, (cat, dog) = pets.ids(Split.TRAIN)[0], pets.class_ids
    with browser(pets, "Cleo", Role.ANNOTATOR) as cleo, browser(pets, "Dan", Role.ANNOTATOR) as dan:
        decide(pets, cleo, "Cleo", disputed, cat)
        late = decide(pets, dan, "Dan", disputed, dog, uid="d2")

    assert (late["status"], late["class_id"]) == ("saved", cat)
    newest, who = pets.said(disputed)[-1]
    assert (who, newest.queue, newest.action) == ("Dan", Queue.BROWSE, Action.LABEL)


def test_annotations__nobody_but_a_lead_overrules_where_there_is_no_dispute(pets):
    calm, (cat, dog) = pets.ids(Split.TRAIN)[1], pets.class_ids
    pets.answer(calm, cat, by="Ada", queue=Queue.SELECTION)
    pets.answer(calm, cat, by="Ben", queue=Queue.SELECTION)
    with browser(pets, "Cleo", Role.ANNOTATOR) as cleo, browser(pets, "Eve", Role.LEAD) as eve:
        assert decide(pets, cleo, "Cleo", calm, dog)["class_id"] == cat
        assert decide(pets, eve, "Eve", calm, dog, uid="d2")["class_id"] == dog


def test_annotations__a_decision_that_is_taken_back_leaves_the_dispute(pets):
    disputed, (cat, _) = pets.ids(Split.TRAIN)[0], pets.class_ids
    with browser(pets, "Cleo", Role.ANNOTATOR) as cleo:
        decide(pets, cleo, "Cleo", disputed, cat)
        assert decide(pets, cleo, "Cleo", disputed, None, uid="d2", action="withdraw")["status"] == "saved"

    assert pets.image(disputed).needs_decision


def test_undo__of_a_decision_shows_the_image_with_what_people_said(pets):
    disputed, (cat, _) = pets.ids(Split.TRAIN)[0], pets.class_ids
    with browser(pets, "Cleo", Role.LEAD) as cleo:
        decide(pets, cleo, "Cleo", disputed, cat)
        body = {"project_id": pets.project_id, "annotator_id": pets.annotator("Cleo"), "uid": "undo-1"}
        (item,) = cleo.post("/api/undo", json=body).json()["undone"]

    assert [one["who"] for one in item["said"]] == ["Ada", "Ben"]


def test_undo__of_a_blind_answer_says_nothing_of_what_others_said(pets):
    disputed = pets.ids(Split.TRAIN)[0]
    with browser(pets, "Ada", Role.LEAD) as ada:
        body = {"project_id": pets.project_id, "annotator_id": pets.annotator("Ada"), "uid": "undo-1"}
        (item,) = ada.post("/api/undo", json=body).json()["undone"]

    assert item["id"] == disputed
    assert "said" not in item
