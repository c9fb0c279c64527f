"""Train a round: what it would learn from, how much compute it may spend, where it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app.db.models import Project
from app.db.unit_of_work import committed
from app.domain.rounds import RoundStatus
from app.errors import AppError
from app.services import projects, reports, rounds
from app.services.reports import Draft, Preview, RoundRow
from app.ui import state
from app.ui.components.knobs import knobs
from app.ui.components.layout import showing_refusals
from app.ui.words import duration
from ssmae.config import Preset, RoundConfig, StartFrom

_PRESETS = {
    Preset.QUICK: "Quick: a small model, about a minute on two CPU cores for small images. To look and to learn.",
    Preset.STANDARD: "Standard: a medium model, several times as long; minutes on a GPU, a coffee break on a CPU.",
    Preset.THOROUGH: "Thorough: the full model and the longest training. For a GPU; hours without one.",
}
_STARTS = {
    StartFrom.LAST: "The last round's encoder",
    StartFrom.SCRATCH: "From scratch",
    StartFrom.CHECKPOINT: "A checkpoint file on the server",
}


def round_form(project: Project, draft: Draft | None, history: list[RoundRow]) -> None:
    """The form; without images it says so instead."""
    presets = list(Preset)
    preset = st.radio(
        "How much compute may it spend?",
        presets,
        index=presets.index(project.preset),
        format_func=lambda one: _PRESETS[one],
        key=f"preset-{project.id}",
    )
    try:
        with state.runtime().database.reading() as uow:
            config = projects.round_config(uow, project.id, preset)
            preview = reports.preview(uow, project.id, config.gate)
    except AppError as refusal:
        st.info(str(refusal), icon=":material/info:")
        return
    _cost(config, preset, history, resumes=preview.parent_number is not None)
    start, file = _start(project.id, preview)
    with st.expander("Advanced: seed and every setting", icon=":material/tune:"):
        fixed = st.toggle(
            "Fix the seed", key=f"fix-seed-{project.id}", help="The same seed, labels and settings repeat."
        )
        seed = st.number_input("Seed", 0, 2**31 - 1, 0, key=f"seed-{project.id}") if fixed else None
        overrides = knobs(config, key=f"knobs-{project.id}-{preset}")
    _told(preview, draft)
    label = f"Train round {draft.number}" if draft else "Train a round"
    if st.button(label, type="primary", icon=":material/play_arrow:", key=f"train-{project.id}"):
        _request(project.id, preset, overrides, seed, start, file)


def _request(
    project_id: int, preset: Preset, overrides: dict[str, Any], seed: float | None, start: StartFrom, file: str
) -> None:
    with showing_refusals():
        with committed(state.runtime().database) as uow:
            rounds.request(
                uow,
                state.runtime().storage,
                project_id,
                preset=preset,
                overrides=overrides,
                seed=None if seed is None else int(seed),
                start_from=start,
                start_file=Path(file) if file else None,
            )
        st.rerun()


def _cost(config: RoundConfig, preset: Preset, history: list[RoundRow], *, resumes: bool) -> None:
    plan = config.schedule
    first = plan.resume_reconstruct_steps if resumes else plan.reconstruct_steps
    side = config.model.image_size
    words = (
        f"{first:,} steps of {plan.reconstruct_batch} images, then {plan.labels_steps + plan.joint_steps:,} of "
        f"{plan.unlabelled_batch + plan.labelled_batch}, at {side} × {side} pixels."
    )
    same = [
        row
        for row in history
        if row.status is RoundStatus.SUCCEEDED
        and row.preset is preset
        and row.schedule == config.to_dict()["schedule"]
        and (row.start is not StartFrom.SCRATCH) == resumes
    ]
    if same:
        words += f" Round {same[0].number} did that in {duration(same[0].seconds)} on {same[0].device or 'its device'}."
    st.caption(words)


def _start(project_id: int, preview: Preview) -> tuple[StartFrom, str]:
    starts = list(StartFrom)
    start = st.radio(
        "Which weights does it start from?",
        starts,
        format_func=lambda one: (
            _STARTS[one]
            + (f" (round {preview.parent_number})" if one is StartFrom.LAST and preview.parent_number else "")
        ),
        horizontal=True,
        key=f"start-{project_id}",
    )
    if start is StartFrom.LAST and preview.parent_number is None:
        st.caption("There is no earlier result yet, so the first round starts from scratch.")
    if start is not StartFrom.CHECKPOINT:
        return start, ""
    fits = "Of a round, or the weights (safetensors) of a timm vision transformer with the same sizes as set below."
    return start, st.text_input("Path of the checkpoint on the server", key=f"file-{project_id}", help=fits).strip()


def _told(preview: Preview, draft: Draft | None) -> None:
    """Say what would be learnt from, and what is still unanswered."""
    with st.container(border=True):
        st.markdown(
            f"It will learn the classes from **{preview.training:,} training labels**, the look of all "
            f"**{preview.training + preview.validation + preview.unlabelled:,} images** outside the test split, and be "
            f"judged by **{preview.validation:,} validation labels**. The {preview.test:,} labelled test images only "
            "measure."
        )
        icon = ":material/check_circle:" if preview.can_open else ":material/lock:"
        st.markdown(f"{icon} {preview.gate_sentence}")
        if not preview.training:
            st.markdown(":material/info: Without a label only reconstruction is trained: there will be no accuracy.")
        if draft is not None and (left := draft.selection.left + draft.validation.left):
            st.markdown(
                f":material/pending: {left:,} images that this round asks about are still open. You can train now; "
                "what is not answered is not used."
            )
