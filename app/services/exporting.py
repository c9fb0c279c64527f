"""Labels leave the server: CSV, JSONL, or a zip with the images in a folder per class.

Rows come in the order of the images' ids, page by page, each page in a short transaction of its own: memory does not
grow with the project and nobody is held up. A label given while an export runs may or may not be in it.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from enum import StrEnum

from app.db.queries import exports, projects
from app.db.queries.exports import ImageRow, Proposal, Vote
from app.db.unit_of_work import Database, UnitOfWork
from app.domain.labels import AnnotatorKind
from app.domain.pools import Split
from app.formats import label_files
from app.formats.label_files import LabelFormat, LabelOrigin, LabelRow
from app.storage import Storage, image_key

PAGE_ROWS = 500

__all__ = ["LabelFormat", "Origin", "count", "file_name", "stream_labels"]


class Origin(StrEnum):
    """Whose labels leave: those that annotators gave or imports brought, the model's, or both."""

    HUMAN = "human"
    PSEUDO = "pseudo"
    BOTH = "both"

    @property
    def label(self) -> str:
        """Plain words for a person."""
        return _LABELS[self]


_LABELS = {
    Origin.HUMAN: "Human: answers of people, of imports and of the simulated annotator",
    Origin.PSEUDO: "Pseudo-labels: what the last round proposed and the gate let in",
    Origin.BOTH: "Both, each row with its origin",
}
_ORIGINS = {
    AnnotatorKind.PERSON: LabelOrigin.HUMAN,
    AnnotatorKind.IMPORT: LabelOrigin.IMPORT,
    AnnotatorKind.SIMULATED: LabelOrigin.SIMULATED,
}
_STRONGEST = (AnnotatorKind.PERSON, AnnotatorKind.IMPORT, AnnotatorKind.SIMULATED)


def count(uow: UnitOfWork, project_id: int, origin: Origin) -> int:
    """How many labels an export would hold now."""
    projects.one(uow.session, project_id)
    labelled, round_id = _wanted(uow, project_id, origin)
    return exports.count(uow.session, project_id, labelled=labelled, round_id=round_id)


def file_name(project_name: str, fmt: LabelFormat, origin: Origin) -> str:
    """A name for the download."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", project_name).strip("-.") or "project"
    return f"{safe}-{origin}-labels{fmt.suffix}"


def stream_labels(
    database: Database, storage: Storage, project_id: int, *, fmt: LabelFormat, origin: Origin
) -> Generator[bytes]:
    """The export, piece by piece.

    Args:
        database: opens a short unit of work for each page.
        storage: where the images are, for the zip.
        project_id: the project.
        fmt: the form.
        origin: whose labels.

    Raises:
        NotFound: there is no such project.
    """
    with database.reading() as uow:
        projects.one(uow.session, project_id)
        labelled, round_id = _wanted(uow, project_id, origin)
    rows = _rows(database, project_id, labelled=labelled, round_id=round_id)
    if fmt is LabelFormat.FOLDER_ZIP:
        return label_files.write_folder_zip(
            rows, lambda row, suffix: storage.existing(image_key(row.sha256, suffix)).read_bytes()
        )
    plain = (row for row, _ in rows)
    return label_files.write_csv(plain) if fmt is LabelFormat.CSV else label_files.write_jsonl(plain)


def _wanted(uow: UnitOfWork, project_id: int, origin: Origin) -> tuple[bool, int | None]:
    """Whether labels are wanted, and the round whose pseudo-labels are."""
    newest = exports.newest_succeeded(uow.session, project_id) if origin is not Origin.HUMAN else None
    return origin is not Origin.PSEUDO, newest.id if newest else None


def _rows(
    database: Database, project_id: int, *, labelled: bool, round_id: int | None
) -> Generator[tuple[LabelRow, str]]:
    after_id = 0
    while labelled or round_id is not None:
        with database.reading() as uow:
            images = exports.page(
                uow.session, project_id, labelled=labelled, round_id=round_id, after_id=after_id, limit=PAGE_ROWS
            )
            ids = [image.id for image in images]
            votes = exports.votes(uow.session, ids) if labelled else {}
            proposals = exports.proposals(uow.session, round_id, ids) if round_id is not None else {}
        for image in images:
            row = _row(image, votes.get(image.id, []), proposals.get(image.id))
            if row is not None:
                yield row, image.suffix
        if len(images) < PAGE_ROWS:
            return
        after_id = ids[-1]


def _row(image: ImageRow, votes: list[Vote], proposal: Proposal | None) -> LabelRow | None:
    """The label as it is written; None if it was taken back while the page was read."""
    agreeing = [vote for vote in votes if vote.class_id == image.label_class_id]
    is_labelled = image.label_class_id is not None
    if is_labelled and agreeing:
        # Several may agree: the strongest origin counts, with round and time of the newest answer.
        kinds = {vote.kind for vote in agreeing}
        origin = next(_ORIGINS[kind] for kind in _STRONGEST if kind in kinds)
        said: Vote | Proposal = agreeing[-1]
    elif not is_labelled and proposal is not None:
        origin, said = LabelOrigin.PSEUDO_LABEL, proposal
    else:
        return None
    return LabelRow(
        sha256=image.sha256,
        name=image.name,
        class_name=said.class_name,
        origin=origin,
        split=Split.TEST if image.split is Split.TEST else Split.TRAIN,
        round=said.round,
        confidence=said.confidence if isinstance(said, Proposal) else None,
        annotators=tuple(vote.annotator for vote in agreeing),
        created_at=said.created_at,
    )
