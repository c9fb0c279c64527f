"""Settings: the project's name, sizes, strategy and preset, its classes, and every knob of the learner."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.db.models import ImageClass, Project
from app.db.queries import images, imports, projects
from app.db.unit_of_work import committed
from app.domain.people import Adjudication, Role
from app.errors import AppError
from app.services import projects as project_service
from app.ui import state
from app.ui.components.class_form import add_classes
from app.ui.components.knobs import knobs
from app.ui.components.layout import header, project_or_stop, showing_refusals
from ssmae.config import Acquisition, Preset, changed, differences, merged, preset_config
from ssmae.metrics import interval_half_width

_SIDE_WITHOUT_IMAGES = 32


def main() -> None:
    """Draw the page."""
    state.require(Role.LEAD)
    header("Settings", "What the next rounds begin with. Rounds that have begun keep the settings they began with.")
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        classes = projects.classes(uow.session, project.id)
        side = images.sides(uow.session, project.id)
        untouched = imports.split_is_untouched(uow.session, project.id)
    _general(project, untouched=untouched)
    st.subheader("Labelling", anchor=False)
    _labelling(project)
    st.subheader("Classes", anchor=False)
    _classes(project, classes)
    st.subheader("Learner", anchor=False)
    with st.expander("Advanced: every knob", icon=":material/tune:"):
        _knobs(project, side)


def _general(project: Project, *, untouched: bool) -> None:
    with st.form("general", border=True):
        name = st.text_input("Name", project.name, max_chars=100)
        left, right = st.columns(2)
        with left:
            selection_size = st.number_input(
                "Images in a selection",
                1,
                100_000,
                project.selection_size,
                help="How many images a round asks about. Fewer means more rounds, each choosing with a newer model.",
            )
            strategy = st.selectbox(
                "Strategy",
                list(Acquisition),
                list(Acquisition).index(project.strategy),
                format_func=lambda one: one.label,
            )
        with right:
            validation_size = st.number_input(
                "Images in a validation sample",
                0,
                100_000,
                project.validation_size,
                help="Drawn at random each round. Your answers to them are the gate's only evidence: with fewer than "
                "about 30 it can hardly ever open. They teach the model from the next round on.",
            )
            preset = st.selectbox(
                "Preset",
                list(Preset),
                list(Preset).index(project.preset),
                format_func=lambda one: PRESETS[one],
            )
        test_size = st.number_input(
            "Test images",
            0,
            100_000,
            project.test_size,
            disabled=not untouched,
            help="Drawn at random, anew with every import, until a test image is answered or a round is queued."
            if untouched
            else "Fixed, because a test image was answered or a round was queued.",
        )
        st.caption(f"An accuracy near 90% is then known to about ±{100 * interval_half_width(test_size):.1f} points.")
        sent = st.form_submit_button("Save", type="primary")
    if sent:
        changes = {
            "name": name,
            "selection_size": int(selection_size),
            "validation_size": int(validation_size),
            "strategy": strategy,
            "preset": preset,
        }
        if untouched:
            changes["test_size"] = int(test_size)
        _save(project.id, **changes)


PRESETS = {
    Preset.QUICK: "Quick: a small model, about a minute on two CPU cores",
    Preset.STANDARD: "Standard: a mid-sized model, about half an hour on CPU cores, minutes on a GPU",
    Preset.THOROUGH: "Thorough: the full model, for a GPU",
}


def _labelling(project: Project) -> None:
    with st.form("labelling", border=True):
        left, right = st.columns(2)
        share = left.number_input(
            "Images that several people answer, in %",
            0.0,
            100.0,
            100 * project.overlap_share,
            1.0,
            format="%.1f",
            help="Drawn at random. Nobody sees another's answer, so these images show how far people agree.",
        )
        size = right.number_input("How many people answer each of those", 2, 5, project.overlap_size)
        adjudication = st.radio(
            "Label of an image while people disagree about it",
            list(Adjudication),
            list(Adjudication).index(project.adjudication),
            format_func=lambda one: one.label.capitalize(),
            help="Disputed images wait on the Team page. Another rule applies to the open disputes too.",
        )
        shows_guess = st.toggle("Show the model's guess while labelling", project.shows_guess)
        st.caption(
            "Seeing a guess first pulls answers towards it: wrong guesses become labels, and people seem to agree more "
            "than they do. It is never shown with the test set and the validation sample."
        )
        target = st.number_input(
            "Error that audits and clean grids are held against, in %",
            0.1,
            50.0,
            100 * project.error_target,
            0.5,
            format="%.1f",
            help="An audit of pseudo-labels, or a grid that you accept as it is, says whether their error lies below.",
        )
        sent = st.form_submit_button("Save", type="primary")
    if sent:
        _save(
            project.id,
            overlap_share=round(share / 100, 4),
            overlap_size=int(size),
            adjudication=adjudication,
            shows_guess=shows_guess,
            error_target=round(target / 100, 4),
        )


def _classes(project: Project, classes: Sequence[ImageClass]) -> None:
    if not classes:
        st.caption("None yet. Name them here, or import folders that carry their names.")
    for one in classes:
        with st.container(horizontal=True, vertical_alignment="center"):
            name = st.text_input("Class", one.name, key=f"class-{one.id}", max_chars=100, label_visibility="collapsed")
            if st.button("Remove", key=f"remove-{one.id}", type="tertiary", icon=":material/delete:"):
                _change(lambda uow, one=one: project_service.remove_class(uow, project.id, one.id))
        if name.strip() and name != one.name:
            _change(lambda uow, one=one, name=name: project_service.rename_class(uow, project.id, one.id, name))
    add_classes(project.id)


def _knobs(project: Project, side: int | None) -> None:
    st.caption(
        f"Values start from the preset “{project.preset}” for this project's images"
        + (f", {side} pixels at the longer side on average." if side else " (none yet: shown for 32 pixels).")
        + " Only what you change is kept; the rest follows the preset."
    )
    base = preset_config(project.preset, side or _SIDE_WITHOUT_IMAGES)
    present = changed(base, project.settings)
    # Another key whenever the saved settings change, so that every field shows what holds now.
    saved = hashlib.sha256(repr((project.preset, project.settings)).encode()).hexdigest()[:8]
    with st.form(f"knobs-{project.id}-{saved}", border=False):
        changes = knobs(present, key=f"knob-{project.id}-{saved}")
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", type="primary")
            reset = st.form_submit_button("Back to the preset", disabled=not project.settings)
    if save:
        plain = base.to_dict()
        _save(project.id, settings=differences(plain, merged(plain, project.settings, changes)))
    if reset:
        _save(project.id, settings={})


def _save(project_id: int, **changes: Any) -> None:
    _change(lambda uow: project_service.update(uow, project_id, **changes))


def _change(act: Any) -> None:
    try:
        with committed(state.runtime().database) as uow:
            act(uow)
    except AppError as refusal:
        st.error(str(refusal), icon=":material/block:")
        return
    st.toast("Saved.", icon=":material/check:")
    st.rerun()


with showing_refusals():
    main()
