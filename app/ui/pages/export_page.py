"""Export: labels as files, and the model of any round with the lines that load it."""

from __future__ import annotations

import streamlit as st

from app.db.models import Project
from app.db.queries import rounds
from app.domain.people import Role
from app.domain.rounds import RoundStatus
from app.services import exporting
from app.services.exporting import LabelFormat, Origin
from app.ui import state
from app.ui.components.downloads import download_link
from app.ui.components.layout import empty, header, project_or_stop

FILES = {
    "model.safetensors": "The model's weights, under timm's own names",
    "config.json": "How to build it, how pixels go in, the names of the classes",
    "model.onnx": "The classifier for ONNX: pixels 0 to 255 as float32 in, probabilities out",
    "checkpoint.safetensors": "Everything a later round needs to resume, decoder included",
    "predictions.npz": "Probabilities and embeddings of every image of the round",
}
LOADING = """import json, pathlib, timm, torch
from safetensors.torch import load_file
config = json.loads(pathlib.Path("config.json").read_text())
model = timm.create_model(**config["timm"]).eval()
model.load_state_dict(load_file("model.safetensors"), strict=True)
def classify(images):  # uint8 or float 0..255, shape (B, 3, S, S), RGB
    scaled = torch.as_tensor(images).float() / config["preprocessing"]["divide_by"]
    normalised = (scaled - torch.tensor(config["preprocessing"]["mean"])) / torch.tensor(config["preprocessing"]["std"])
    return model(normalised).softmax(dim=1)  # columns: config["class_names"]
"""


def main() -> None:
    """Draw the page."""
    state.require(Role.LEAD)
    header("Export", "Take the labels and the model with you. Neither needs this program to be used.")
    project = project_or_stop()
    st.subheader("Labels", anchor=False)
    _labels(project)
    st.subheader("Model of a round", anchor=False)
    _model(project)


def _labels(project: Project) -> None:
    left, right = st.columns(2)
    origins, forms = list(Origin), list(LabelFormat)
    origin = left.radio("Whose labels", origins, format_func=_label, key="export-origin")
    form = right.radio("As", forms, format_func=_label, key="export-format")
    with state.runtime().database.reading() as uow:
        count = exporting.count(uow, project.id, origin)
    if count:
        address = f"/api/projects/{project.id}/export/labels?format={form}&origin={origin}"
        download_link(f"Download {count:,} labels", address)
        st.caption("With each label: its origin, the round it came from, the confidence of the model, who and when.")
    else:
        st.caption("There are no such labels yet.")


def _label(one: Origin | LabelFormat) -> str:
    return one.label


def _model(project: Project) -> None:
    with state.runtime().database.reading() as uow:
        finished = [
            one
            for one in rounds.of_project(uow.session, project.id)
            if one.status is RoundStatus.SUCCEEDED and one.files
        ]
    if not finished:
        empty(
            "No round has published a model yet.",
            "Train a round; its model appears here as safetensors and ONNX.",
            page="rounds",
            link="Go to Rounds",
        )
        return
    chosen = st.selectbox("Round", finished, format_func=lambda one: f"Round {one.number}", key="export-round")
    for name in [*FILES, *(name for name in chosen.files if name not in FILES)]:
        if name in chosen.files:
            with st.container(horizontal=True, vertical_alignment="center"):
                download_link(name, f"/api/rounds/{chosen.id}/files/{name}")
                st.caption(FILES.get(name, "Published by the round"))
    st.markdown("Ten lines that load it, with timm and torch alone:")
    st.code(LOADING, language="python")


main()
