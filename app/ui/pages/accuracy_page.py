"""Accuracy: how good, how sure, for how many labels; pools and gate over the rounds."""

from __future__ import annotations

import streamlit as st

from app.domain.pools import Pool
from app.services import reports
from app.services.reports import CurvePoint, GateRow, PoolsAt
from app.ui import charts, state
from app.ui.components.charted import charted
from app.ui.components.layout import empty, header, project_or_stop
from app.ui.components.tables import table
from app.ui.words import interval, percent, started

_SHARE = st.column_config.NumberColumn(format="percent")

# Accuracies that people aim for; the next one is suggested. (No docstring: a page shows texts that stand alone.)
_TARGETS = (50.0, 60.0, 70.0, 80.0, 85.0, 90.0, 95.0, 98.0, 99.0, 99.5)


def main() -> None:
    """Draw the page."""
    header(
        "Accuracy",
        "Measured on the test set: a uniform random sample drawn at import, labelled by people, seen by no training. "
        "The bars are exact 95 % intervals; labelling more test images narrows those of every round.",
    )
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        curve = reports.learning_curve(uow, project.id)
        pools = reports.pools_over_rounds(uow, project.id)
        gate = reports.gate_history(uow, project.id)
        now = reports.overview(uow, project.id)
    if curve:
        _newest(curve[-1])
        _curve(curve)
        st.subheader("How many more labels?", anchor=False)
        _forecast(curve, project.id)
    elif now.test_labels or not now.test_images:
        empty("No accuracy yet.", "It appears after the first round.", page="rounds", link="Train a round")
    else:
        empty(
            "No accuracy yet.",
            f"None of the {now.test_images:,} test images is labelled; they are what it is measured on.",
            page="label",
            link="Label the test set",
        )
    if now.images:
        st.subheader("Pools", anchor=False)
        _pools(pools)
    st.subheader("Gate", anchor=False)
    _gate(gate)


def _newest(point: CurvePoint) -> None:
    st.markdown(
        f"Round {point.round_number} is right on **{percent(point.test.value)}** of the test images "
        f"({point.test.correct:,} of {point.test.n:,}), so its true accuracy is **{interval(point.test)}** with 95 % "
        f"certainty, for {point.labels:,} labels."
    )


def _curve(curve: list[CurvePoint]) -> None:
    rows = [
        {
            "round": point.round_number,
            "labels": point.labels,
            "accuracy": point.test.value,
            "at least": point.test.low,
            "at most": point.test.high,
            "right": point.test.correct,
            "test images": point.test.n,
            "strategy": point.strategy.value,
            "start": started(point.start, None),
            "finished": point.finished_at,
        }
        for point in curve
    ]
    charted(
        charts.learning_curve(curve),
        rows,
        name="learning-curve",
        columns={"accuracy": _SHARE, "at least": _SHARE, "at most": _SHARE},
    )


def _forecast(curve: list[CurvePoint], project_id: int) -> None:
    reachable = max(point.test.value or 0.0 for point in curve)
    suggested = next((step for step in _TARGETS if step > 100 * reachable), _TARGETS[-1])
    left, right = st.columns([1, 4], vertical_alignment="bottom")
    target = left.number_input(
        "Accuracy wanted, in %", 1.0, 99.9, suggested, 0.5, format="%.1f", key=f"forecast-{project_id}"
    )
    answer = reports.label_forecast(curve, target / 100)
    right.markdown(answer.reason)
    if answer.found:
        st.caption(
            "A power law through the rounds. Drawing the test answers anew gives other curves; their spread is the "
            "interval. Plan with the larger number, collect in several rounds, and look again: far ahead, such "
            "forecasts are too hopeful."
        )


def _pools(pools: list[PoolsAt]) -> None:
    rows = [
        {"after round": charts.pool_moment(row)} | {charts.POOL_NAMES[pool]: row.counts[pool] for pool in Pool}
        for row in pools
    ]
    st.caption("All images, the test split included. Accepted pseudo-labels are made anew by every round.")
    charted(charts.pools(pools), rows, name="pools")


def _gate(gate: list[GateRow]) -> None:
    if not gate:
        st.caption(
            "The gate has not been asked yet. It lets the model's own labels in only if people's answers on a random "
            "validation sample prove that few of them are wrong."
        )
        return
    st.caption(
        "Each point is the largest error rate that the validation answers leave possible among accepted pseudo-labels; "
        "the short line is the rate allowed."
    )
    rows = [
        {
            "round": row.round_number,
            "check": row.check,
            "gate": "open" if row.is_open else "closed",
            "error at most": row.bound,
            "allowed": row.alpha,
            "coverage": row.coverage,
            "threshold": row.threshold,
            "validation images": row.n,
            "errors": row.errors,
            "why": row.reason,
        }
        for row in gate
    ]
    columns = {"error at most": _SHARE, "allowed": _SHARE, "coverage": _SHARE}
    if any(row.bound is not None for row in gate):
        charted(charts.gate(gate), rows, name="gate", columns=columns)
    else:
        table(rows, name="gate", columns=columns)
    st.markdown(f"**Last decision.** {gate[-1].reason}")


main()
