"""How far people agree, in words, figures and tables."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.domain.agreement import Kappa, in_words
from app.services import reports
from app.services.reports import Agreement, ClassAgreement, PairAgreement
from app.ui import state
from app.ui.components.layout import empty
from app.ui.components.tables import table
from app.ui.words import interval, percent

_MEANING = """
**Percent** says how often people say the same. That alone can mislead: where nine of ten images show an owl, two people
who always say "owl" agree on all of them.

**Kappa** takes out what chance would give: people who answered without looking, each class as often as now, would
reach 0; people who always agree reach 1. *Cohen's* kappa is for two people, *Fleiss'* for any number of them, and that
*of a class* is for the question whether an image shows this class or another one.

Only answers that were given **blind** count: from the test set, the validation sample, the selection and the audit.
Whoever reviews a proposal, browses or decides a dispute has seen what somebody else says. Who changed their answer in a
dispute counts with the one they gave before.
"""


def agreement_report(project_id: int) -> None:
    """Draw the report."""
    with state.runtime().database.reading() as uow:
        told = reports.agreement(uow, project_id)
    if not told.unanimous.n and not told.imported:
        empty(
            "Nobody has answered the same image as somebody else.",
            "Set in Settings, under Labelling, which share of the images several people answer without seeing each "
            "other's answers.",
            page="settings",
            link="Go to Settings",
        )
        return
    st.text(told.sentence)
    if told.unanimous.n:
        _figures(told)
        _pairs(told.pairs, "Each two people", name="agreement-of-pairs")
        st.subheader("Classes", anchor=False)
        table([_class(row) for row in told.classes], name="agreement-of-classes", columns=_COLUMNS)
    if told.imported:
        _pairs(told.imported, "Against the labels that came with an import", name="agreement-with-imports")
    with st.expander("What these figures mean", icon=":material/info:"):
        st.markdown(_MEANING)


def _figures(told: Agreement) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images in common", f"{told.unanimous.n:,}")
        st.metric(
            "All say the same",
            percent(told.unanimous.value),
            interval(told.unanimous),
            delta_color="off",
            delta_arrow="off",
            help="Below it the exact 95 % interval.",
        )
        st.metric(
            "Fleiss' kappa",
            _number(told.kappa),
            in_words(told.kappa.value) if told.kappa.value is not None else None,
            delta_color="off",
            delta_arrow="off",
            help=told.kappa.reason or "Agreement beyond chance: 0 is chance, 1 is always.",
        )


def _pairs(rows: Sequence[PairAgreement], title: str, *, name: str) -> None:
    st.subheader(title, anchor=False)
    table(
        [
            {
                "people": f"{row.first} and {row.second}",
                "images": row.same.n,
                "same": row.same.value,
                "at least": row.same.low,
                "at most": row.same.high,
                "kappa": _number(row.kappa),
                "in words": _words(row.kappa),
            }
            for row in rows
        ],
        name=name,
        columns=_COLUMNS,
    )


def _class(row: ClassAgreement) -> dict[str, object]:
    confused = ", ".join(f"{other} ({count:,})" for other, count in row.taken_for[:3])
    return {
        "class": row.name,
        "kappa": _number(row.kappa),
        "in words": _words(row.kappa),
        "confused with": confused or "–",
    }


_SHARE = st.column_config.NumberColumn(format="percent")
_COLUMNS = {
    "same": _SHARE,
    "at least": _SHARE,
    "at most": _SHARE,
    "kappa": st.column_config.TextColumn(help="0 is chance, 1 is always.", alignment="right"),
    "confused with": st.column_config.TextColumn(help="How many pairs of answers said one and the other."),
}


def _words(kappa: Kappa) -> str:
    return in_words(kappa.value) if kappa.value is not None else kappa.reason or ""


def _number(kappa: Kappa) -> str:
    return "–" if kappa.value is None else f"{kappa.value:.2f}"
