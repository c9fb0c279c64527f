"""Import: bring images in, watch them arrive, read what was refused and why."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app.db.models import Import, Project
from app.db.queries import imports, rounds
from app.db.unit_of_work import committed
from app.domain.people import Role
from app.domain.rounds import ImportStatus, LabelUse
from app.domain.splits import share_for
from app.errors import AppError
from app.services import importing
from app.ui import state
from app.ui.components.layout import empty, header, project_or_stop, shared_or_stop
from app.ui.components.tables import table

_ARCHIVES = ("zip", "tar", "gz", "tgz", "xz", "bz2")
_IMAGES = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "avif")
_LARGE_TEST_SHARE = 0.25
"""Above it the page warns: so many images could have taught."""
_SHOWN_REFUSALS = 1000
_PAST = 20
_OPEN = {ImportStatus.QUEUED, ImportStatus.RUNNING}
_STATUS = {
    ImportStatus.QUEUED: "waiting for a worker",
    ImportStatus.RUNNING: "running",
    ImportStatus.SUCCEEDED: "finished",
    ImportStatus.FAILED: "failed",
    ImportStatus.INTERRUPTED: "interrupted",
}


def main() -> None:
    """Draw the page."""
    state.require(Role.LEAD)
    header(
        "Import", "The same image imported twice is kept once. What cannot be read is refused by name, the rest kept."
    )
    project = project_or_stop()
    _new(project)
    with state.runtime().database.reading() as uow:
        past = imports.listed(uow.session, project.id, _PAST)
    if not past:
        empty("Nothing was imported yet.", "A folder in which every class has a folder of its own brings its labels.")
        return
    st.subheader("Imports", anchor=False)
    if any(one.status in _OPEN for one in past):
        _live(project.id)
    else:
        _past(past)


def _new(project: Project) -> None:
    with st.container(border=True):
        way = st.segmented_control(
            "Where are the images?",
            ["On this computer", "On the server"],
            default="On this computer",
            required=True,
            key="import-way",
        )
        uploads: Sequence[Any] = ()
        path = ""
        if way == "On this computer":
            uploads = st.file_uploader(
                "Archive or images",
                type=[*_ARCHIVES, *_IMAGES],
                accept_multiple_files=True,
                key=f"upload-{st.session_state.get('uploads', 0)}",
                help="A .zip or .tar (plain or compressed), or the images themselves. For more than a gigabyte, "
                "copy the folder to the server and name its path instead. A manifest (.csv, .jsonl) names files next "
                "to it, so it goes by its path on the server too.",
            )
        else:
            path = st.text_input(
                "Folder, archive or manifest on the server",
                placeholder="/data/leaves",
                help="A manifest is a .csv or .jsonl with the columns path, class and split; only path is needed.",
                key="import-path",
            )
        uses = [use for use in LabelUse if use is not LabelUse.SEALED or project.is_sealed]
        default = LabelUse.SEALED if project.is_sealed else LabelUse.LABELS
        use = st.radio(
            "If the images come with classes, use them …",
            uses,
            index=uses.index(default),
            format_func=lambda one: one.label,
            key=f"import-use-{project.id}",
        )
        _test_split(project, sum(_is_image(one) for one in uploads))
        if st.button("Import", type="primary", disabled=not (uploads or path.strip()), icon=":material/upload:"):
            _start(project, uploads, path.strip(), use)


def _test_split(project: Project, arriving: int) -> None:
    """What this import will do to the test split, while it is not fixed.

    Args:
        project: the project in hand.
        arriving: images that are sure to come; those of archives and folders are counted when they are read.
    """
    with state.runtime().database.reading() as uow:
        if not imports.split_is_untouched(uow.session, project.id):
            return
        count = imports.count_images(uow.session, project.id) + arriving
    share = share_for(project.test_size, count)
    expected = f"{share:.0%} of {count:,}, about {round(share * count):,} images," if count else "images"
    aim = f"aiming at {project.test_size:,} and at most half"
    st.caption(
        f"Test split: {expected} drawn at random, {aim}. Every import draws anew, until a test image is answered or a "
        "round is queued."
    )
    if share > _LARGE_TEST_SHARE and count:
        st.warning(
            f"The test split would take {share:.0%} of the {count:,} images, none of which can teach: import more, or "
            "lower the number of test images in the settings."
        )
    elif not count and project.test_size:
        enough = round(project.test_size / _LARGE_TEST_SHARE)
        st.caption(f"With fewer than {enough:,} images it takes more than a quarter of them.")


def _start(project: Project, uploads: Sequence[Any], path: str, use: LabelUse) -> None:
    try:
        sources = _kept(uploads) if uploads else [Path(path)]
        with committed(state.runtime().database) as uow:
            for source in sources:
                importing.start(uow, project_id=project.id, source=source, label_use=use, in_background=True)
    except AppError as refusal:
        st.error(str(refusal), icon=":material/block:")
        return
    st.session_state["uploads"] = st.session_state.get("uploads", 0) + 1
    st.rerun()


def _kept(uploads: Sequence[Any]) -> list[Path]:
    """Write uploads where the worker finds them: archives as they are, loose images together in one archive."""
    storage = state.runtime().storage
    loose = [one for one in uploads if _is_image(one)]
    kept = [importing.save_upload(storage, one.name, _pieces(one)) for one in uploads if one not in loose]
    if loose:
        kept.append(importing.save_upload(storage, f"{len(loose)}-images.zip", _pieces(_packed(loose))))
    return kept


def _is_image(upload: Any) -> bool:
    return Path(upload.name).suffix.lower().lstrip(".") in _IMAGES


def _packed(loose: Sequence[Any]) -> io.BytesIO:
    """One zip of all files; the fixed date makes the same files the same upload."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, one in enumerate(sorted(loose, key=lambda file: file.name)):
            name = one.name if one.name not in archive.namelist() else f"{number}-{one.name}"
            archive.writestr(zipfile.ZipInfo(name), one.getvalue())
    buffer.seek(0)
    return buffer


def _pieces(file: Any) -> Iterator[bytes]:
    while piece := file.read(1 << 20):
        yield piece


@st.fragment(run_every="1s")
def _live(project_id: int) -> None:
    """The imports while one of them runs; the whole page is drawn anew when none does."""
    shared_or_stop(project_id)
    with state.runtime().database.reading() as uow:
        past = imports.listed(uow.session, project_id, _PAST)
        has_worker = bool(rounds.workers_seen(uow.session, 30))
    if not any(one.status in _OPEN for one in past):
        st.rerun(scope="app")
    for one in past:
        if one.status in _OPEN:
            done = one.added + one.duplicates + one.refused
            st.progress(done / one.total if one.total else 0.0, f"{_name(one)}: {_STATUS[one.status]}, {_counts(one)}")
            if one.status is ImportStatus.QUEUED and not has_worker:
                st.warning("No worker is running, so nothing will begin. Start one with: ssmae worker")
    _past([one for one in past if one.status not in _OPEN])


def _past(past: Sequence[Import]) -> None:
    for one in past:
        with st.container(border=True):
            st.markdown(f"**{_STATUS[one.status].capitalize()}** · {_counts(one)}")
            st.caption(f"{_name(one)} · {one.created_at:%d %B %Y, %H:%M} UTC · classes: {one.label_use}")
            if one.message:
                (st.error if one.status is ImportStatus.FAILED else st.warning)(one.message)
            if one.refused:
                _refusals(one)


def _refusals(one: Import) -> None:
    with st.expander(f"{one.refused:,} refused", icon=":material/block:"):
        with state.runtime().database.reading() as uow:
            refused = imports.refusals(uow.session, one.id, limit=_SHOWN_REFUSALS)
        if one.refused > len(refused):
            st.caption(f"The first {len(refused):,} of them.")
        table([{"File": row.name, "Reason": row.reason} for row in refused], name=f"refused-by-import-{one.id}")


def _name(one: Import) -> str:
    return Path(one.source).name or one.source


def _counts(one: Import) -> str:
    counts = f"{one.added:,} added, {one.duplicates:,} already there, {one.refused:,} refused"
    return f"{counts} of {one.total:,}" if one.total else counts


main()
