"""People at work: answers and pace, how far the queues are, and who holds what now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from app.domain.labels import Queue
from app.services import queues, reports
from app.services.reports import Pace, QueueShare
from app.ui import people_charts, state
from app.ui.components.charted import charted
from app.ui.components.layout import empty, shared_or_stop
from app.ui.components.tables import table
from app.ui.when import zone
from app.ui.words import duration

_HELP = (
    f"An hour of work is an hour of looking at images: of an answer that took longer than "
    f"{reports.LONGEST_SECONDS:.0f} seconds, only these count, the rest was a pause."
)


def team(project_id: int) -> None:
    """Everybody, for leads."""
    with state.runtime().database.reading() as uow:
        people = reports.pace(uow, project_id, at=datetime.now(UTC), zone=zone())
    if not people:
        empty("Nobody has answered anything yet.", "Once people label, their progress and pace appear here.")
        return
    busy = [one for one in people if one.answers] or people
    charted(people_charts.answers_a_day(busy), _day_rows(busy), name="answers-a-day")
    table([_row(one) for one in people], name="pace", columns=_COLUMNS)
    st.caption(_HELP)
    st.subheader("Queues", anchor=False)
    _queues(project_id)


def mine(project_id: int) -> None:
    """Only who is at the browser."""
    me = state.annotator()
    with state.runtime().database.reading() as uow:
        (pace,) = reports.pace(uow, project_id, at=datetime.now(UTC), zone=zone(), annotator_id=me.id)
        left = {queue: queues.progress(uow, project_id, queue, me.id) for queue in reports.SHARED}
    with st.container(horizontal=True, gap="medium"):
        st.metric("Today", f"{pace.today:,}", help="Your answers since midnight.")
        st.metric("Last 7 days", f"{pace.answers:,}")
        st.metric("An hour of work", _whole(pace.per_hour), help=_HELP)
        st.metric("Half of your answers take at most", _seconds(pace.median_seconds))
    if pace.answers:
        charted(people_charts.answers_a_day([pace]), _day_rows([pace]), name="answers-a-day")
    else:
        empty("No answers of yours in the last 7 days.", "Label images, and your pace appears here.", page="label")
    st.subheader("Queues", anchor=False)
    for queue, how_far in left.items():
        if how_far.total:
            st.progress(how_far.settled / how_far.total, f"{queue.label}: {_how_far(how_far.settled, how_far.total)}")
            st.caption(f"{how_far.left:,} left for you.")


@st.fragment(run_every="15s")
def _queues(project_id: int) -> None:
    """The queues as they are now: who holds what changes by the second."""
    shared_or_stop(project_id)
    with state.runtime().database.reading() as uow:
        shares = reports.shares(uow, project_id)
    for one in shares:
        _share(one)


def _share(one: QueueShare) -> None:
    if one.total:
        st.progress(min(1.0, one.settled / one.total), f"{one.queue.label}: {_how_far(one.settled, one.total)}")
    elif one.queue in {Queue.SELECTION, Queue.VALIDATION, Queue.TEST}:
        st.text(f"{one.queue.label}: empty")
    told = [f"{name} answered {count:,}" for name, count in one.answered]
    told += [
        f"{holder.images:,} image{'s' if holder.images > 1 else ''} with {holder.name}, "
        f"back within {max(1, round(holder.seconds))} s"
        for holder in one.holders
    ]
    if told:
        st.text(" · ".join(told))


_COLUMNS = {
    "answers an hour": st.column_config.NumberColumn(help=_HELP, format="%.0f"),
    "median seconds": st.column_config.NumberColumn(help="Half of the answers took at most this long.", format="%.1f"),
}


def _row(one: Pace) -> dict[str, object]:
    return {
        "person": one.name,
        "today": one.today,
        "last 7 days": one.answers,
        "answers an hour": one.per_hour,
        "median seconds": one.median_seconds,
        "at work": duration(one.seconds),
    }


def _day_rows(people: Sequence[Pace]) -> list[dict[str, object]]:
    return [
        {
            "person": one.name,
            "day": day.begins.date().isoformat(),
            "answers": day.answers,
            "seconds at work": round(day.seconds, 1),
        }
        for one in people
        for day in one.days
    ]


def _how_far(settled: int, total: int) -> str:
    return f"{settled:,} of {total:,} done"


def _whole(number: float | None) -> str:
    return "–" if number is None else f"{number:,.0f}"


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"
