"""Charts of people at work; colours come from the theme, and a table stands below each."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from app.services.reports import Pace

_COUNTS = alt.Axis(format=",d", tickMinStep=1, tickCount=5)


def answers_a_day(people: Sequence[Pace], *, height: int = 210) -> alt.Chart:
    """Answers of each of the last days, one colour a person."""
    values = [
        {"day": f"{day.begins:%a} {day.begins.day}", "person": one.name, "answers": day.answers, "order": at}
        for at, one in enumerate(people)
        for day in one.days
    ]
    days = [f"{day.begins:%a} {day.begins.day}" for day in people[0].days] if people else []
    highest = max((sum(one.days[at].answers for one in people) for at in range(len(days))), default=0)
    chart = alt.Chart(alt.Data(values=values)).mark_bar(size=34)
    encoded = chart.encode(
        x=alt.X("day:N", title=None, sort=days, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("answers:Q", title="Answers", axis=_COUNTS, scale=alt.Scale(domain=[0, max(1, highest)], nice=True)),
        order="order:Q",
        tooltip=[
            alt.Tooltip("day:N", title="Day"),
            alt.Tooltip("person:N", title="Who"),
            alt.Tooltip("answers:Q", title="Answers", format=",d"),
        ],
    )
    if len(people) > 1:
        names = [one.name for one in people]
        encoded = encoded.encode(
            color=alt.Color(
                "person:N", title=None, scale=alt.Scale(domain=names), legend=alt.Legend(orient="top", columns=6)
            )
        )
    return encoded.properties(height=height)
