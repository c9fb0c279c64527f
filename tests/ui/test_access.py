"""What each role finds in the pages, and what they refuse even if the browser asks for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import settings
from app.db.queries import accounts as account_queries
from app.db.queries import disputes, projects
from app.domain.labels import Queue
from app.domain.people import Role
from app.domain.pools import Split
from app.errors import Forbidden, NotFound
from app.services import accounts, flags, invitations, runtime, sessions
from app.ui import state
from app.ui.components.simulated import answer
from app.ui.navigation import ROLES, offered
from tests.ui.screen import PAGES, button, words

ENTRY = PAGES.parent / "main.py"
PASSWORD = "four blue paper boats"


@pytest.fixture
def signed_in(world, monkeypatch):
    """Call it with a role: from then on the pages are that person's. They see the world's project unless told."""
    runtime.use(settings.load())
    runtime.current().database._send = lambda *_: None
    holder = {"secret": ""}
    monkeypatch.setattr(state, "_secret", lambda: holder["secret"])

    def enter(role, *, sees=True):
        with world.writing() as uow:
            shared = [world.project_id] if sees and world.project_id else []
            account = accounts.add(uow, f"The {role}", role, password=PASSWORD, project_ids=shared)
            holder["secret"] = sessions.begin(uow, account.id).secret
        return account.id

    return enter


def show(page: Path, project_id: int = 0) -> AppTest:
    shown = AppTest.from_file(str(page), default_timeout=30)
    if project_id:
        shown.session_state[state.PROJECT_KEY] = project_id
    shown.run()
    assert not shown.exception, shown.exception
    return shown


def page(name: str) -> Path:
    return PAGES / f"{name}_page.py"


@pytest.mark.parametrize("role", list(Role))
def test_navigation__has_what_the_role_may_open(world, signed_in, role):
    world.make_project(name="Pets")
    signed_in(role)
    shown = show(ENTRY)
    assert {name for pages in offered(role, has_accounts=True).values() for name, _, _ in pages} == {
        name for name, needed in ROLES.items() if role.covers(needed)
    }
    assert shown.sidebar.selectbox[0].options == ["Pets"]
    assert not shown.sidebar.text_input
    assert f"Signed in as <strong>The {role}</strong> · {role}" in words(shown)


@pytest.mark.parametrize(("name", "needed"), ROLES.items())
def test_page__is_refused_to_a_lower_role(world, signed_in, name, needed):
    world.make_project(train=2)
    lower = [role for role in Role if not role.covers(needed)]
    for role in lower:
        signed_in(role)
        shown = AppTest.from_file(str(page(name)), default_timeout=30).run()
        said = shown.exception[0].message if shown.exception else words(shown)
        assert said.strip() == f"Only {needed.article} {needed} may do this."


def test_projects__that_are_not_shared_are_not_there(world, signed_in):
    world.make_project(name="Secret")
    signed_in(Role.LEAD, sees=False)
    shown = show(ENTRY)
    assert not shown.sidebar.selectbox
    assert "Secret" not in words(show(page("projects")))
    assert state.current_project() is None


def test_projects__whoever_makes_one_sees_it(world, signed_in):
    signed_in(Role.LEAD)
    shown = show(page("projects"))
    shown.text_input(key="new-project-name").input("Mine").run()
    button(shown, "Create the project").click().run()
    assert not shown.exception
    assert [project.name for project in state.every_project()] == ["Mine"]


def test_projects__an_annotator_makes_none(world, signed_in):
    signed_in(Role.ANNOTATOR)
    shown = show(page("projects"))
    assert not shown.text_input
    assert "Ask a lead" in words(shown)


def test_overview__does_not_send_an_annotator_where_only_leads_may_go(world, signed_in):
    world.make_project()
    signed_in(Role.ANNOTATOR)
    shown = show(page("overview"), world.project_id)
    assert not [one.label for one in shown.button if "Import" in one.label]
    assert "A lead does this." in words(shown)


def test_label__lets_only_leads_name_classes_and_have_the_seal_answer(world, signed_in):
    world.make_project(train=2, test=2)
    signed_in(Role.ANNOTATOR)
    assert "Simulated annotator" not in words(show(page("label"), world.project_id))
    with pytest.raises(Forbidden):
        answer(world.project_id, Queue.TEST, 1)


def test_label__the_seal_answers_only_in_a_project_that_is_shared(world, signed_in):
    world.make_project(test=2)
    signed_in(Role.LEAD, sees=False)
    with pytest.raises(NotFound):
        answer(world.project_id, Queue.TEST, 1)


def test_round__in_progress_is_not_shown_once_its_project_is_not_shared_any_more(world, signed_in):
    world.make_project(train=2)
    round_id = world.request()
    signed_in(Role.LEAD, sees=False)

    def progress(round_id):
        from app.ui.components.round_progress import active_round

        active_round(round_id, has_worker=True)

    shown = AppTest.from_function(progress, args=(round_id,), default_timeout=30).run()
    assert not shown.exception
    assert "There is no project" in shown.error[0].value
    assert not shown.button


def test_flags__of_a_project_that_is_not_shared_any_more_stay_as_they_are(world, signed_in):
    world.make_project(train=1)
    ada = world.annotator("Ada")
    with world.writing() as uow:
        flags.raise_flag(uow, uid="f", image_id=world.ids(Split.TRAIN)[0], annotator_id=ada, note="Two animals?")
    account_id = signed_in(Role.LEAD)
    shown = show(page("team"), world.project_id)
    shown.segmented_control(key="team-section").set_value("flags").run()
    (resolve,) = [one for one in shown.button if one.label == "Resolve"]
    with world.writing() as uow:
        accounts.unshare(uow, world.project_id, account_id)
    state.forget_rights()
    resolve.click().run()
    with world.reading() as uow:
        assert disputes.flag_count(uow.session, world.project_id) == 1


def test_image__of_a_project_that_is_not_shared_is_not_opened_whatever_the_browser_says(world, signed_in):
    world.make_project(train=1)
    [image_id] = world.ids(Split.TRAIN)
    signed_in(Role.LEAD, sees=False)
    with pytest.raises(NotFound):
        state.caller().require_project(world.image(image_id).project_id)

    def dialog(image_id):
        from app.ui.components.image_card import image_dialog

        image_dialog(image_id)

    shown = AppTest.from_function(dialog, args=(image_id,), default_timeout=30).run()
    assert "There is no project" in shown.exception[0].message


def test_page__whose_session_has_ended_says_so_and_shows_nothing(world, signed_in):
    world.make_project(name="Secret")
    account_id = signed_in(Role.ADMIN)
    with world.writing() as uow:
        accounts.add(uow, "Other", Role.ADMIN, password=PASSWORD)
        accounts.deactivate(uow, account_id)
    state.forget_rights()
    for script in (ENTRY, page("overview"), page("people")):
        shown = show(script)
        assert "You are signed out" in words(shown)
        assert "Secret" not in words(shown)


def test_people__invites_and_shows_the_link_once(world, signed_in):
    world.make_project(name="Pets")
    signed_in(Role.ADMIN)
    shown = show(page("people"))
    shown.multiselect(key="invite-projects").select(world.project_id).run()
    button(shown, "Make an invitation link").click().run()
    assert not shown.exception
    address = shown.code[0].value
    with world.reading() as uow:
        found, _ = invitations.named(uow, address.rsplit("/", maxsplit=1)[1])
    assert (found.role, found.project_ids) == (Role.ANNOTATOR, [world.project_id])
    assert not shown.run().code


def test_people__changes_roles_projects_and_who_may_sign_in(world, signed_in):
    world.make_project(name="Pets")
    signed_in(Role.ADMIN)
    with world.writing() as uow:
        ada = accounts.add(uow, "Ada", Role.ANNOTATOR, password=PASSWORD).id
    shown = show(page("people"))
    shown.selectbox(key=f"role-{ada}-annotator").select(Role.LEAD).run()
    shown.multiselect(key=f"projects-{ada}-").select(world.project_id).run()
    shown.button(key=f"deactivate-{ada}").click().run()
    assert not shown.exception
    with world.reading() as uow:
        account = accounts.account_named(uow, "Ada")
        assert (account.role, account.is_active) == (Role.LEAD, False)
        assert account_queries.project_ids(uow.session, ada) == {world.project_id}
    shown.button(key=f"activate-{ada}").click().run()
    with world.reading() as uow:
        assert accounts.account_named(uow, "Ada").is_active


def test_people__nobody_locks_themselves_out(world, signed_in):
    me = signed_in(Role.ADMIN)
    shown = show(page("people"))
    assert shown.button(key=f"deactivate-{me}").disabled
    assert shown.selectbox(key=f"role-{me}-admin").disabled


def test_people__a_link_for_a_new_password_names_whom_it_is_for(world, signed_in):
    signed_in(Role.ADMIN)
    with world.writing() as uow:
        ada = accounts.add(uow, "Ada", Role.ANNOTATOR, password=PASSWORD).id
    shown = show(page("people"))
    shown.button(key=f"password-{ada}").click().run()
    with world.reading() as uow:
        assert invitations.named(uow, shown.code[0].value.rsplit("/", maxsplit=1)[1])[1] == "Ada"


def dialog_of(image_id):
    def dialog(image_id):
        from app.ui.components.image_card import image_dialog

        image_dialog(image_id)

    shown = AppTest.from_function(dialog, args=(image_id,), default_timeout=30).run()
    assert not shown.exception, shown.exception
    return shown


@pytest.fixture
def shared(world):
    """One test image that two people shall answer; Ada has called it a cat."""
    world.make_project(test=1)
    with world.writing() as uow:
        project = projects.one(uow.session, world.project_id)
        project.overlap_share, project.overlap_size = 1.0, 2
    [image_id] = world.ids(Split.TEST)
    world.label([image_id], by="Ada", queue=Queue.TEST)
    return image_id


def test_image__hides_what_others_said_from_who_shall_still_answer_by_themselves(world, signed_in, shared):
    signed_in(Role.ANNOTATOR)
    shown = dialog_of(shared)
    assert "answer of your own" in words(shown)
    assert "cat" not in words(shown)
    assert not shown.button
    listed = str(show(page("images"), world.project_id).get("bidi_component")[0].proto)
    assert "Waits for your answer" in listed
    assert not re.search(r"\bcat\b", listed)

    world.label([shared], by="The annotator", queue=Queue.TEST)
    assert "Ada" in words(dialog_of(shared))


def test_image__of_the_test_set_is_flagged_and_never_corrected(world, signed_in, shared):
    signed_in(Role.LEAD)
    shown = dialog_of(shared)
    assert "Ada" in words(shown)
    assert "only ever raises the accuracy" in words(shown)
    assert [one.label for one in shown.button] == ["Flag it"]
    shown.text_input(key=f"flag-note-{shared}").input("This is a dog.").run()
    button(shown, "Flag it").click().run()
    assert not shown.exception
    with world.reading() as uow:
        [flag] = disputes.flags(uow.session, world.project_id, is_open=True, before_id=0, limit=9)
    assert flag[0].note == "This is a dog."
