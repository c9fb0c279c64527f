"""What all pages share: the open runtime, the project in hand and who is at the keyboard. The only place with keys.

Nothing that matters lives here alone: the project and the annotator are in the URL, everything else is in the database.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.db.models import Annotator, Project
from app.db.queries import annotations as annotation_queries
from app.db.queries import projects
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.callers import ANYBODY, Caller
from app.domain.labels import Queue
from app.domain.people import Role
from app.services import annotation, blindness
from app.services import runtime as runtime_service
from app.services.runtime import Runtime
from app.services.sessions import COOKIE

PROJECT_KEY = "project_id"
ANNOTATOR_KEY = "annotator_name"
QUEUE_KEY = "queue"
_FRESH_KEY = "answers_of_others"
NEXT_PROJECT_KEY = "project_to_open"
DEFAULT_ANNOTATOR = "you"
_PROJECT_PARAM = "project"
_ANNOTATOR_PARAM = "as"


def runtime() -> Runtime:
    """The open resources of this server process."""
    return runtime_service.current()


def caller() -> Caller:
    """Who is at the browser and what they may do, as it is now: rights may be taken away while a page is open.

    Without accounts whoever sits at this machine may do everything. A page whose session has ended stops here.
    """
    if runtime().settings.no_auth:
        return ANYBODY
    found = runtime().callers.of(_secret())
    if found is None:
        st.html('<p role="alert">You are signed out. <a href="/login" target="_self">Sign in</a> to go on.</p>')
        st.stop()
    return found


def has_accounts() -> bool:
    """Whether people sign in here."""
    return not runtime().settings.no_auth


def may(needed: Role) -> bool:
    """Whether who is at the browser may do what this role may: what they may not is not offered."""
    return caller().may(needed)


def require(needed: Role) -> None:
    """End a page, or what a button does, where who is at the browser may not do it.

    Raises:
        Forbidden: their role is a lower one.
    """
    caller().require(needed)


def require_project(project_id: int) -> None:
    """End what a button does where a project is not shared with who is at the browser any more.

    Raises:
        NotFound: it is not shared with them.
    """
    caller().require_project(project_id)


def forget_rights() -> None:
    """Somebody's rights were changed here: find out anew, in every browser."""
    runtime().callers.forget()


def _secret() -> str:
    return str(st.context.cookies.get(COOKIE) or "")


def every_project() -> list[Project]:
    """The projects that who is at the browser sees, oldest first."""
    asking = caller()
    with runtime().database.reading() as uow:
        return [project for project in projects.every(uow.session) if asking.sees(project.id)]


def current_project() -> Project | None:
    """The project in hand, as it is in the database now; None while there is none."""
    project_id = st.session_state.get(PROJECT_KEY)
    if project_id is None:
        return None
    return next((project for project in every_project() if project.id == project_id), None)


def choose_project(project_id: int) -> None:
    """Take another project in hand; call it from a callback, or before the sidebar is drawn."""
    st.session_state[PROJECT_KEY] = project_id
    st.query_params[_PROJECT_PARAM] = str(project_id)


def choose_annotator(name: str) -> None:
    """Sign answers with another name from now on; call it from a callback."""
    st.session_state[ANNOTATOR_KEY] = name
    if annotator_name() == DEFAULT_ANNOTATOR:
        st.query_params.pop(_ANNOTATOR_PARAM, None)


def choose_queue(queue: Queue) -> None:
    """Have the labelling page open this queue; call it from a callback, or before the page is switched."""
    st.session_state[QUEUE_KEY] = queue


def note_answers_of_others() -> None:
    """Queues have changed other than by the labeller's own answers: what it holds must be asked for again."""
    st.session_state[_FRESH_KEY] = answers_of_others() + 1


def answers_of_others() -> int:
    """How often that has happened in this session."""
    return int(st.session_state.get(_FRESH_KEY, 0))


def annotator_name() -> str:
    """The name that answers are signed with."""
    if (name := caller().name) is not None:
        return name
    return str(st.session_state.get(ANNOTATOR_KEY) or "").strip() or DEFAULT_ANNOTATOR


def annotator() -> Annotator:
    """Who is at the keyboard, made on the first answer.

    Raises:
        Refused: the name is kept for the simulated annotator or for imports.
    """
    if (signed_in := caller().annotator_id) is not None:
        with runtime().database.reading() as uow:
            return annotation_queries.annotator_by_id(uow.session, signed_in)
    name = annotator_name()
    with runtime().database.reading() as uow:
        if annotation_queries.annotator(uow.session, name) is not None:
            return annotation.annotator(uow, name)
    with committed(runtime().database) as uow:
        return annotation.annotator(uow, name)


def owed_blind(uow: UnitOfWork, project_id: int, image_ids: Sequence[int]) -> frozenset[int]:
    """Those of these images of which who is at the browser must not see what others say, before they answer."""
    if may(Role.LEAD):
        return frozenset()
    return blindness.owed(uow, project_id, caller().annotator_id or 0, image_ids)


def restore() -> None:
    """Take project and annotator from the URL, or keep those of the session; called before anything is drawn."""
    known = [project.id for project in every_project()]
    if (made := st.session_state.pop(NEXT_PROJECT_KEY, None)) is not None:
        st.session_state[PROJECT_KEY] = made
    if st.session_state.get(PROJECT_KEY) not in known:
        st.session_state.pop(PROJECT_KEY, None)
    if PROJECT_KEY not in st.session_state and known:
        asked = st.query_params.get(_PROJECT_PARAM, "")
        st.session_state[PROJECT_KEY] = int(asked) if asked.isdigit() and int(asked) in known else known[-1]
    if ANNOTATOR_KEY not in st.session_state:
        st.session_state[ANNOTATOR_KEY] = st.query_params.get(_ANNOTATOR_PARAM) or DEFAULT_ANNOTATOR


def remember() -> None:
    """Write project and annotator into the URL, so that a reload or a shared link opens the same."""
    wanted = {}
    if (project_id := st.session_state.get(PROJECT_KEY)) is not None:
        wanted[_PROJECT_PARAM] = str(project_id)
    if caller().name is None and annotator_name() != DEFAULT_ANNOTATOR:
        wanted[_ANNOTATOR_PARAM] = annotator_name()
    for name, value in wanted.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value
