"""Label blame: who said what of an image, when and where they saw it, and what every round made of it.

A round learns from its snapshot and from nothing else, so the snapshot is asked: it holds the image's split, its label
and whether it judged, as they were when the round was first queued. An answer that stood at that moment

- **taught**, if the image was a training image with just that label;
- **judged the gate**, if it was a validation image whose turn had come, and taught after the last check, unless the
  round's settings keep validation answers back (`gate.release`);
- was **counted as an error** of the gate, if it was a skip of such an image;
- **waited**, if it was a validation image out of turn: such an answer does neither in that round;
- was **overruled**, if the image carried another label, or **undecided**, if it carried none because people disagreed.

Test images teach nothing and judge nothing; they measure every round, by the label that they have now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby

from app.db.models import Annotation
from app.db.queries import history as queries
from app.db.queries import images, projects
from app.db.queries.history import Frozen
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import GIVEN, Action, AnnotatorKind, Queue
from app.domain.pools import Split
from app.domain.rounds import RoundStatus
from app.errors import NotFound
from app.services import snapshots
from app.storage import Storage

_LAST = datetime.max.replace(tzinfo=UTC)


class Part(StrEnum):
    """What an answer was for a round."""

    TAUGHT = "taught"
    JUDGED = "judged"
    JUDGED_AND_TAUGHT = "judged_and_taught"
    ERROR = "error"
    WAITED = "waited"
    OVERRULED = "overruled"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """What it did, to be followed by the numbers of the rounds."""
        return _PARTS[self]


_PARTS = {
    Part.TAUGHT: "taught",
    Part.JUDGED: "judged the gate of",
    Part.JUDGED_AND_TAUGHT: "judged the gate of, then taught,",
    Part.ERROR: "counted as an error of the gate in",
    Part.WAITED: "waited, out of its turn, in",
    Part.OVERRULED: "was overruled in",
    Part.UNDECIDED: "had no effect, because the image was undecided, in",
    Part.UNKNOWN: "had a part that is not known any more, because a snapshot is gone, in",
}
_ENDS = {
    RoundStatus.QUEUED: " (waiting to train)",
    RoundStatus.RUNNING: " (training now)",
    RoundStatus.FAILED: " (failed)",
    RoundStatus.CANCELLED: " (cancelled)",
}


@dataclass(frozen=True, kw_only=True)
class Use:
    """What one answer was for one round."""

    round_number: int
    status: RoundStatus
    part: Part


@dataclass(frozen=True, kw_only=True)
class Act:
    """One act on an image.

    Attributes:
        who: name of the annotator.
        class_name: what it was called; None for anything but a label.
        queue: where they saw it.
        seconds: how long they looked; None if it is not known.
        note: their own words.
        is_undo: the act only brought this earlier answer back.
        ended: why it no longer stands; None while it does.
        uses: what it was for each round, oldest first.
    """

    at: datetime
    who: str
    kind: AnnotatorKind
    action: Action
    class_name: str | None
    queue: Queue
    seconds: float | None
    note: str | None
    is_undo: bool
    ended: str | None
    uses: list[Use]

    @property
    def uses_sentence(self) -> str:
        """What rounds made of it, for instance "taught rounds 2, 3 and 5"; empty if nothing."""
        ordered = sorted(self.uses, key=lambda use: (list(Part).index(use.part), use.round_number))
        parts = [_rounds(part, list(uses)) for part, uses in groupby(ordered, key=lambda use: use.part)]
        return "; ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Flag:
    """Somebody's word about an image, and who dealt with it."""

    id: int
    who: str
    at: datetime
    note: str
    resolved_by: str | None
    resolved_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything said of one image, newest first; a test image only measures."""

    acts: list[Act]
    flags: list[Flag]
    is_test: bool


def history(uow: UnitOfWork, storage: Storage, image_id: int) -> History:
    """Everything said of one image.

    Raises:
        NotFound: there is no such image.
    """
    image = images.one(uow.session, image_id)
    names = {one.id: one.name for one in projects.classes(uow.session, image.project_id)}
    rows = queries.acts(uow.session, image_id)
    is_test = image.split is Split.TEST
    rounds: list[Frozen] = []
    if rows and not is_test:
        rounds = queries.frozen_since(uow.session, image.project_id, rows[0][0].created_at)
    acts = [row[0] for row in rows]
    ends = _ends(acts)
    return History(
        acts=[
            Act(
                at=act.created_at,
                who=who,
                kind=kind,
                action=act.action,
                class_name=names.get(act.class_id, "?") if act.class_id is not None else None,
                queue=act.queue,
                seconds=act.seconds,
                note=act.note,
                is_undo=act.restores_id is not None,
                ended=ends.get(act.id),
                uses=[use for one in rounds if (use := _use(storage, act, acts, one)) is not None],
            )
            for act, who, kind in reversed(rows)
        ],
        flags=[
            Flag(id=flag.id, who=who, at=flag.created_at, note=flag.note, resolved_by=by, resolved_at=flag.resolved_at)
            for flag, who, by in queries.flags(uow.session, image_id)
        ],
        is_test=is_test,
    )


def _ends(acts: Sequence[Annotation]) -> dict[int, str]:
    """Why each act that no longer stands does not."""
    after = {act.supersedes_id: act for act in acts}
    ends = {}
    for act in acts:
        if act.superseded_at is None:
            continue
        match after.get(act.id):
            case Annotation(action=Action.WITHDRAW) | None:
                ends[act.id] = "taken back"
            case Annotation(restores_id=int()):
                ends[act.id] = "undone"
            case Annotation(queue=Queue.ADJUDICATION):
                ends[act.id] = "changed in a decision"
            case _:
                ends[act.id] = "changed later"
    return ends


def _use(storage: Storage, act: Annotation, acts: Sequence[Annotation], of: Frozen) -> Use | None:
    """What an act was for one round; None if it was nothing to it."""
    if act.action not in GIVEN or not _stood(act, of.frozen_at):
        return None
    part = _part(storage, act, [one for one in acts if _stood(one, of.frozen_at)], of)
    return Use(round_number=of.number, status=of.status, part=part) if part is not None else None


def _stood(act: Annotation, at: datetime) -> bool:
    return act.created_at <= at < (act.superseded_at or _LAST)


def _part(storage: Storage, act: Annotation, standing: Sequence[Annotation], of: Frozen) -> Part | None:
    try:
        found = snapshots.entry(storage, of.digest, act.image_id)
    except NotFound:
        return Part.UNKNOWN
    if found is None or found.split is Split.TEST:
        return None
    if act.class_id is None:
        return Part.ERROR if found.judges and found.class_id is None else None
    if found.class_id is None:
        # Without another answer it was no dispute: this one arrived while the labels were being read.
        return Part.UNDECIDED if len({one.class_id for one in standing} - {None}) > 1 else None
    if found.class_id != act.class_id:
        return Part.OVERRULED
    if found.split is Split.TRAIN:
        return Part.TAUGHT
    if not found.judges:
        return Part.WAITED
    gate = of.config.get("gate")
    releases = gate.get("release", True) if isinstance(gate, dict) else True
    return Part.JUDGED_AND_TAUGHT if releases else Part.JUDGED


def _rounds(part: Part, uses: Sequence[Use]) -> str:
    numbers = [f"{use.round_number}{_ENDS.get(use.status, '')}" for use in uses]
    listed = numbers[0] if len(numbers) == 1 else f"{', '.join(numbers[:-1])} and {numbers[-1]}"
    return f"{part.label} round{'s' if len(numbers) > 1 else ''} {listed}"
