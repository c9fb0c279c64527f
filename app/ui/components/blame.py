"""Who said what of an image, when and where, whether it stands, and what rounds made of it."""

from __future__ import annotations

import html

import streamlit as st

from app.domain.labels import Action, AnnotatorKind
from app.services.reports import Act, History
from app.ui.when import moment

_WORDS = {
    Action.SKIP: "skipped it",
    Action.UNSURE: "was not sure",
    Action.EXCLUDE: "excluded it",
    Action.INCLUDE: "brought it back",
    Action.WITHDRAW: "took the answer back",
}


def blame(told: History) -> None:
    """Draw the acts on one image, newest first."""
    st.markdown("**History**")
    if not told.acts:
        st.caption("Nobody has said anything about this image yet.")
        return
    if told.is_test:
        st.caption("A test image: its label measures every round and teaches none.")
    st.html(f'<ol class="ssmae-blame">{"".join(_act(act) for act in told.acts)}</ol>')


def _act(act: Act) -> str:
    name = html.escape(act.class_name) if act.class_name is not None else None
    said = _WORDS[act.action] if name is None else f"called it <strong>{name}</strong>"
    if act.kind is AnnotatorKind.IMPORT:
        said = f"came with <strong>{name}</strong>"
    if act.is_undo:
        said = f"took a change back: again {said}"
    where = [act.queue.label, moment(act.at)]
    if act.seconds is not None:
        where.append(f"looked for {act.seconds:.1f} s")
    lines = [
        f"<p><strong>{html.escape(act.who)}</strong> {said}{_ended(act)}</p>",
        f"<p class='where'>{html.escape(' · '.join(where))}</p>",
    ]
    if act.note:
        lines.append(f"<p>“{html.escape(act.note)}”</p>")
    if act.uses_sentence:
        lines.append(f"<p class='uses'>{html.escape(act.uses_sentence[0].upper() + act.uses_sentence[1:])}.</p>")
    return f"<li class='act{' gone' if act.ended else ''}'>{''.join(lines)}</li>"


def _ended(act: Act) -> str:
    return f" <span class='ended'>{html.escape(act.ended)}</span>" if act.ended else ""
