"""Every chart, as a function from plain rows to an Altair chart; colours come from the theme, light and dark.

No colour carries a meaning alone: shape, dash or place repeat it. Axis titles are words that a newcomer knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from app.domain.pools import Pool
from app.services.reports import ClassRow, Confusion, CurvePoint, GateRow, LossPoint, PoolsAt

HEIGHT = 340
SMALL = 210
NEUTRAL = "#8a9496"
"""A grey that can be read on both backgrounds."""
CELL = "cell"
"""Name of the selection in the confusion matrix."""
_PERCENT = alt.Axis(format=".0%", titlePadding=10)
_LARGEST_NUMBERED = 25

POOL_NAMES = {
    Pool.LABELLED: "labelled",
    Pool.PSEUDO_LABELLED: "pseudo-labelled",
    Pool.UNLABELLED: "unlabelled",
    Pool.EXCLUDED: "excluded",
}
TOTAL = "total"
"""The weighted sum of the other losses: in the numbers, not in the picture, where it hides them."""
LOSS_NAMES = {"reconstruction": "reconstruction", "supervised": "labels", "pseudo_label": "pseudo-labels"}


def learning_curve(points: Sequence[CurvePoint], *, height: int = HEIGHT) -> alt.LayerChart | alt.FacetChart:
    """Test accuracy against labels, with the exact 95 % interval of every round."""
    rows = [
        {
            "labels": point.labels,
            "accuracy": point.test.value,
            "low": point.test.low,
            "high": point.test.high,
            "round": f"Round {point.round_number}",
            "number": point.round_number,
            "measured": f"{point.test.correct} of {point.test.n} test images",
        }
        for point in points
    ]
    floor = max(0.0, int(min((point.test.low for point in points), default=0.0) * 10 - 0.5) / 10)
    widest = max((point.labels for point in points), default=1)
    scale = alt.Scale(domain=[floor, 1.0])
    title = "Accuracy on the test set"
    y = alt.Y("accuracy:Q", title=title, axis=_PERCENT, scale=scale)
    x = alt.X(
        "labels:Q",
        title="Labels given (training and validation)",
        scale=alt.Scale(domain=[0, max(1, round(1.06 * widest))], nice=False),
        axis=alt.Axis(tickMinStep=1, tickCount=8, format=",d"),
    )
    base = alt.Chart(alt.Data(values=rows)).encode(x=x)
    bar = base.mark_rule(color=NEUTRAL, strokeWidth=1.6).encode(y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q")
    ends = [
        base.mark_tick(color=NEUTRAL, thickness=1.6, width=10, orient="horizontal").encode(
            y=alt.Y(f"{end}:Q", title=title, scale=scale)
        )
        for end in ("low", "high")
    ]
    tooltip = [
        alt.Tooltip("round:N", title="Round"),
        alt.Tooltip("labels:Q", title="Labels", format=",d"),
        alt.Tooltip("accuracy:Q", title="Accuracy", format=".1%"),
        alt.Tooltip("low:Q", title="At least", format=".1%"),
        alt.Tooltip("high:Q", title="At most", format=".1%"),
        alt.Tooltip("measured:N", title="Right"),
    ]
    line = base.mark_line(strokeWidth=2, opacity=0.75).encode(y=y, order="number:Q")
    dots = base.mark_point(filled=True, size=75, opacity=1).encode(y=y, tooltip=tooltip)
    return alt.layer(bar, *ends, line, dots).properties(height=height)


def pools(rows: Sequence[PoolsAt]) -> alt.Chart:
    """How many images each pool held after each round, and holds now."""
    order = [pool for pool in POOL_NAMES if any(row.counts[pool] for row in rows)]
    values = [
        {"when": pool_moment(row), "pool": POOL_NAMES[pool], "images": row.counts[pool], "order": order.index(pool)}
        for row in rows
        for pool in order
    ]
    return (
        alt.Chart(alt.Data(values=values))
        .mark_bar(size=min(60, 520 // max(1, len(rows))))
        .encode(
            x=alt.X(
                "when:N", title="After round", sort=[pool_moment(row) for row in rows], axis=alt.Axis(labelAngle=0)
            ),
            y=alt.Y("images:Q", title="Images", axis=alt.Axis(format=",d", tickMinStep=1)),
            color=alt.Color(
                "pool:N",
                title=None,
                scale=alt.Scale(domain=[POOL_NAMES[pool] for pool in order]),
                legend=alt.Legend(orient="top"),
            ),
            order="order:Q",
            tooltip=[
                alt.Tooltip("when:N", title="After round"),
                alt.Tooltip("pool:N", title="Pool"),
                alt.Tooltip("images:Q", title="Images", format=",d"),
            ],
        )
        .properties(height=HEIGHT)
    )


def pool_moment(row: PoolsAt) -> str:
    """What a bar is called."""
    return "now" if row.round_number is None else str(row.round_number)


def gate(rows: Sequence[GateRow]) -> alt.LayerChart | alt.FacetChart:
    """Upper bound of the error of every decision, against the error allowed."""
    values = [
        {
            "check": f"{row.round_number}.{row.check}",
            "bound": row.bound,
            "state": "open" if row.is_open else "closed",
            "allowed": row.alpha,
            "coverage": row.coverage,
            "reason": row.reason,
        }
        for row in rows
        if row.bound is not None
    ]
    order = [f"{row.round_number}.{row.check}" for row in rows]
    x = alt.X("check:N", title="Round and check", sort=order, axis=alt.Axis(labelAngle=0))
    base = alt.Chart(alt.Data(values=values)).encode(x=x)
    allowed = base.mark_tick(thickness=2, width=40, color=NEUTRAL).encode(
        y=alt.Y("allowed:Q", title="Error at most", axis=_PERCENT),
        tooltip=[alt.Tooltip("allowed:Q", title="Allowed", format=".0%")],
    )
    states = ["open", "closed"]
    bound = base.mark_point(filled=True, size=120, opacity=1).encode(
        y=alt.Y("bound:Q", title="Error at most", axis=_PERCENT),
        color=alt.Color("state:N", title="Gate", scale=alt.Scale(domain=states), legend=alt.Legend(orient="top")),
        shape=alt.Shape("state:N", title="Gate", scale=alt.Scale(domain=states, range=["circle", "cross"])),
        tooltip=[
            alt.Tooltip("check:N", title="Round and check"),
            alt.Tooltip("bound:Q", title="Error at most", format=".1%"),
            alt.Tooltip("coverage:Q", title="Share of the pool accepted", format=".0%"),
            alt.Tooltip("reason:N", title="Why"),
        ],
    )
    return alt.layer(allowed, bound).properties(height=260)


def losses(points: Sequence[LossPoint], *, height: int = 260) -> alt.Chart:
    """Losses by step; each has its own colour and dash."""
    values = [
        {
            "step": point.step,
            "value": point.value,
            "loss": LOSS_NAMES.get(point.loss, point.loss.replace("_", " ")),
            "phase": point.phase.value,
        }
        for point in points
        if point.loss != TOTAL
    ]
    legend = alt.Legend(orient="top", symbolType="stroke")
    return (
        alt.Chart(alt.Data(values=values))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18) if len(values) < 60 else False)
        .encode(
            x=alt.X("step:Q", title="Step of the round", axis=alt.Axis(format=",d", tickMinStep=1, tickCount=8)),
            y=alt.Y("value:Q", title="Loss", scale=alt.Scale(zero=True)),
            color=alt.Color("loss:N", title=None, legend=legend),
            strokeDash=alt.StrokeDash("loss:N", title=None, legend=legend),
            tooltip=[
                alt.Tooltip("loss:N", title="Loss"),
                alt.Tooltip("step:Q", title="Step", format=",d"),
                alt.Tooltip("value:Q", title="Value", format=".4f"),
                alt.Tooltip("phase:N", title="Phase"),
            ],
        )
        .properties(height=height)
    )


def per_class(rows: Sequence[ClassRow]) -> alt.LayerChart | alt.FacetChart:
    """Recall of every class with its interval, the weakest first."""
    known = sorted((row for row in rows if row.recall.n), key=lambda row: row.recall.value or 0.0)
    values = [
        {
            "name": row.name,
            "recall": row.recall.value,
            "low": row.recall.low,
            "high": row.recall.high,
            "measured": f"{row.recall.correct} of {row.recall.n}",
        }
        for row in known
    ]
    y = alt.Y("name:N", title=None, sort=[row.name for row in known], axis=alt.Axis(labelLimit=160))
    base = alt.Chart(alt.Data(values=values)).encode(y=y)
    title, scale = "Of the images that people call so, how many the model does too", alt.Scale(domain=[0, 1])
    axis = alt.Axis(format=".0%", tickCount=6, titlePadding=10)
    bar = base.mark_rule(color=NEUTRAL, strokeWidth=1.6).encode(
        x=alt.X("low:Q", title=title, scale=scale, axis=axis), x2="high:Q"
    )
    ends = [
        base.mark_tick(color=NEUTRAL, thickness=1.6, height=9, orient="vertical").encode(
            x=alt.X(f"{end}:Q", title=title, scale=scale, axis=axis)
        )
        for end in ("low", "high")
    ]
    dots = base.mark_point(filled=True, size=75, opacity=1).encode(
        x=alt.X("recall:Q", title=title, scale=scale, axis=axis),
        tooltip=[
            alt.Tooltip("name:N", title="Class"),
            alt.Tooltip("recall:Q", title="Right", format=".1%"),
            alt.Tooltip("low:Q", title="At least", format=".1%"),
            alt.Tooltip("high:Q", title="At most", format=".1%"),
            alt.Tooltip("measured:N", title="Images"),
        ],
    )
    return alt.layer(bar, *ends, dots).properties(height=max(160, 26 * len(values) + 60))


def confusion(table: Confusion, *, is_dark: bool) -> alt.LayerChart | alt.FacetChart:
    """Counts of (class by people, class by the model); a click on a cell selects it as `CELL`."""
    names = [name for _, name in table.classes]
    totals = {true: sum(table.counts.get((true, said), 0) for said, _ in table.classes) for true, _ in table.classes}
    values: list[dict[str, Any]] = [
        {
            "people": true_name,
            "model": said_name,
            "true_id": true,
            "said_id": said,
            "count": (count := table.counts.get((true, said), 0)),
            "share": count / totals[true] if totals[true] else 0.0,
        }
        for true, true_name in table.classes
        for said, said_name in table.classes
    ]
    axis = alt.Axis(labelLimit=110, labelAngle=0 if len(names) <= 12 else -60)
    chosen = alt.selection_point(name=CELL, fields=["true_id", "said_id"], empty=False)
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("model:N", title="The model says", sort=names, axis=axis),
        y=alt.Y("people:N", title="People say", sort=names, axis=alt.Axis(labelLimit=110)),
    )
    cells = (
        base.mark_rect(cursor="pointer")
        .encode(
            color=alt.Color("share:Q", title=None, scale=alt.Scale(domain=[0, 1]), legend=None),
            stroke=alt.condition(chosen, alt.value("#e07b39"), alt.value(NEUTRAL)),
            strokeWidth=alt.condition(chosen, alt.value(3), alt.value(0.3)),
            tooltip=[
                alt.Tooltip("people:N", title="People say"),
                alt.Tooltip("model:N", title="The model says"),
                alt.Tooltip("count:Q", title="Images", format=",d"),
                alt.Tooltip("share:Q", title="Of the class", format=".0%"),
            ],
        )
        .add_params(chosen)
    )
    height = max(220, min(760, 34 * len(names) + 70))
    if len(names) > _LARGEST_NUMBERED:
        return alt.layer(cells).properties(height=height)
    on_full, on_empty = ("#13191b", "#e4eae9") if is_dark else ("#ffffff", "#1d2b2d")
    numbers = (
        base.transform_filter("datum.count > 0")
        .mark_text(fontSize=12, tooltip=None)
        .encode(
            text=alt.Text("count:Q", format=",d"),
            color=alt.condition("datum.share > 0.5", alt.value(on_full), alt.value(on_empty)),
        )
    )
    return alt.layer(cells, numbers).properties(height=height)
