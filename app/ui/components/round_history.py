"""What became of the rounds: the history, one round whole, two rounds side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.db.unit_of_work import committed
from app.domain.rounds import RoundStatus
from app.services import reports, rounds
from app.services.reports import GateRow, RoundDetails, RoundRow
from app.ui import charts, state
from app.ui.components.charted import charted
from app.ui.components.layout import showing_refusals
from app.ui.components.tables import table
from app.ui.words import duration, gate_word, interval, percent, started

_ACCURACY = st.column_config.NumberColumn(format="percent")
_TIME = st.column_config.DatetimeColumn(format="D MMM, HH:mm")


def history_table(history: list[RoundRow]) -> None:
    """Every round in a line."""
    table([_line(row) for row in history], name="rounds", columns={"accuracy": _ACCURACY, "finished": _TIME})


def _line(row: RoundRow) -> dict[str, Any]:
    return {
        "round": row.number,
        "status": row.status.value,
        "labels": row.labels,
        "accuracy": row.test.value,
        "95 % interval": interval(row.test),
        "gate": gate_word(row.gate_open),
        "start": started(row.start, row.parent_number),
        "preset": row.preset.value if row.preset else "",
        "strategy": row.strategy.value,
        "duration": duration(row.seconds),
        "device": row.device or "",
        "finished": row.finished_at,
    }


def failure(row: RoundRow) -> None:
    """The newest round failed: why, its traceback, and another try."""
    with state.runtime().database.reading() as uow:
        told = reports.round_details(uow, row.id)
    st.error(f"**Round {row.number} failed.** {row.error or ''}", icon=":material/error:")
    if told.traceback:
        with st.expander("Traceback"):
            st.code(told.traceback, language=None, wrap_lines=True)
    if st.button("Try again", key=f"retry-{row.id}", icon=":material/replay:", help="Same labels, settings and seed."):
        with showing_refusals():
            with committed(state.runtime().database) as uow:
                rounds.retry(uow, row.id)
            st.rerun()


def details(history: list[RoundRow]) -> None:
    """Choose a round and see everything that is kept of it."""
    by_id = {row.id: row for row in history}
    chosen = st.selectbox("Round", list(by_id), format_func=lambda one: _title(by_id[one]), key="details-round")
    with state.runtime().database.reading() as uow:
        told = reports.round_details(uow, chosen)
        curve = reports.training_curve(uow, chosen)
    _numbers(told)
    for record in told.gate:
        icon = ":material/check_circle:" if record.is_open else ":material/lock:"
        st.markdown(f"{icon} **Check {record.check}.** {record.reason}")
        _class_verdicts(record)
    for note in told.manifest.get("notes", []):
        st.markdown(f":material/info: {note}")
    if told.row.status is RoundStatus.FAILED and told.row.error:
        st.error(told.row.error)
        if told.traceback:
            with st.expander("Traceback"):
                st.code(told.traceback, language=None, wrap_lines=True)
    if curve.losses:
        st.markdown("**Training curve**")
        rows = [
            {"step": point.step, "phase": point.phase.value, "loss": point.loss, "value": point.value}
            for point in curve.losses
        ]
        charted(charts.losses(curve.losses), rows, name=f"round-{told.row.number}-losses")
    with st.expander("What happened when", icon=":material/history:"):
        table(
            [{"when": event.at, "status": event.status.value, "what": event.note} for event in told.events],
            name=f"round-{told.row.number}-events",
        )
    with st.expander("Manifest and settings", icon=":material/description:"):
        st.json(
            {
                "snapshot": told.snapshot_digest,
                "seed": told.seed,
                "attempt": told.attempt,
                "files": told.files,
                "manifest": told.manifest,
                "config": told.config,
            },
            expanded=1,
        )


def _class_verdicts(record: GateRow) -> None:
    """What a check of the gate says of single classes."""
    if record.certified:
        st.markdown(f":material/verified: {record.certified}")
    if not record.classes:
        return
    with st.expander(f"Check {record.check}, class by class"):
        rows = [
            {
                "class": one.name,
                "verdict": one.verdict,
                "wrong": one.errors,
                "validation images": one.n,
                "error at least": one.low,
                "error at most": one.high,
                "coverage": one.coverage,
            }
            for one in record.classes
        ]
        shares = dict.fromkeys(("error at least", "error at most", "coverage"), _ACCURACY)
        table(rows, name=f"round-{record.round_number}-check-{record.check}-classes", columns=shares)


def _numbers(told: RoundDetails) -> None:
    row = told.row
    with st.container(horizontal=True, gap="medium"):
        st.metric("Test accuracy", percent(row.test.value), help=f"95 % interval: {interval(row.test)}")
        st.metric("Labels", "–" if row.labels is None else f"{row.labels:,}")
        st.metric("Duration", duration(row.seconds))
        speed = told.manifest.get("images_per_second")
        st.metric("Images a second", f"{speed:,.0f}" if speed else "–")
        st.metric("Gate", gate_word(row.gate_open))
        st.metric("Start", started(row.start, row.parent_number))


def comparison(history: list[RoundRow]) -> None:
    """Two rounds on the same test images."""
    measured = {row.id: row for row in history if row.test.n}
    if len(measured) < 2:
        st.caption("Two rounds with a measured accuracy can be compared here.")
        return
    newest, older, *_ = measured
    left, right = st.columns(2)
    ids = list(measured)
    first = left.selectbox("From", ids, ids.index(older), format_func=lambda one: _title(measured[one]), key="from")
    second = right.selectbox("To", ids, ids.index(newest), format_func=lambda one: _title(measured[one]), key="to")
    with state.runtime().database.reading() as uow:
        told = reports.compare(uow, first, second)
    with st.container(horizontal=True, gap="medium"):
        difference = None if told.difference is None else f"{100 * told.difference:+.1f} points"
        st.metric("Test accuracy", f"{percent(told.first.value)} → {percent(told.second.value)}", difference)
        st.metric("Labels", f"{told.first_labels:,} → {told.second_labels:,}")
        st.metric("Newly right", told.positive_flips, help="Wrong before, right now.")
        st.metric("Newly wrong", told.negative_flips, help="Negative flips: right before, wrong now.")
    st.markdown(told.sentence)
    if told.settings:
        rows = [
            {
                "setting": one.name,
                f"round {told.first_number}": _word(one.first),
                f"round {told.second_number} ": _word(one.second),
            }
            for one in told.settings
        ]
        table(rows, name=f"rounds-{told.first_number}-and-{told.second_number}")
    else:
        st.caption("Both rounds had the same settings.")


def _title(row: RoundRow) -> str:
    accuracy = f" · {percent(row.test.value)}" if row.test.n else ""
    return f"Round {row.number} · {row.status.value}{accuracy}"


def _word(value: Any) -> str:
    return "–" if value is None else str(value)
