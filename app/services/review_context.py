"""Everything that helps to judge one proposal: why it was rejected, what else the model thinks, what looks alike.

Dimensions: L labelled images, D width of the embedding.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.db.models import GateRecord, Image, PseudoLabel, Round
from app.db.queries import images, projects, reviews, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.errors import Refused
from app.services import audits, blindness, predictions
from app.services.predictions import RoundPredictions
from app.storage import Storage
from ssmae.config import AugmentConfig, RejectionReason, RoundConfig
from ssmae.gate import in_force

LIKELIEST = 5
NEIGHBOURS = 6
CANDIDATES = 60
"""The nearest of which neighbours are taken: some may have to stay unseen."""
COMPARED = 20_000
"""With at most so many labelled images an image is compared; of more, a random part is."""


@dataclass(frozen=True, kw_only=True)
class Likely:
    """One class, and how likely the model holds it."""

    class_id: int
    name: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A labelled image that looks alike to the model; similarity is the cosine of their embeddings."""

    image: Image
    name: str
    similarity: float


@dataclass(frozen=True, kw_only=True)
class View:
    """How one changed copy of an image is made; lengths are shares of the side."""

    is_mirrored: bool
    right: float
    down: float
    degrees: float
    scale: float
    shear: float
    brightness: float
    contrast: float
    saturation: float
    erased_x: float
    erased_y: float
    erased_side: float


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known of one image from the newest round.

    Attributes:
        image: the image.
        proposed_class_id: what the round proposes; None if it proposes nothing, as for a labelled image.
        why: what became of the proposal, with the numbers.
        likeliest: the likeliest classes of the unchanged image, best first; empty if the round did not see it.
        others: what is left for all the other classes together.
        other_classes: how many these are.
        side: side in pixels of what the model sees.
        views: changed copies, drawn anew from the rules of the consistency check.
        changes: these rules in words.
        neighbours: the labelled images that look most alike, with their labels.
    """

    image: Image
    proposed_class_id: int | None
    why: str
    likeliest: Sequence[Likely] = ()
    others: float = 0.0
    other_classes: int = 0
    side: int = 0
    views: Sequence[View] = ()
    changes: str = ""
    neighbours: Sequence[Neighbour] = ()


def of_image(uow: UnitOfWork, storage: Storage, image_id: int, annotator_id: int | None = None) -> Context:
    """What the newest round has to say of an image.

    Args:
        uow: open unit of work.
        storage: where rounds keep what their models say.
        image_id: the image.
        annotator_id: who looks: what others say of images that still want this person's own answer is left out.

    Raises:
        NotFound: there is no such image.
        Refused: somebody's answer to it measures the accuracy, judges the gate or the audit.
    """
    image = images.one(uow.session, image_id)
    project_id = image.project_id
    if image.split is not Split.TRAIN or (
        image.label_class_id is None and image_id in audits.state(uow, project_id).hidden
    ):
        raise Refused("An answer to this image measures the model: what the model says of it is not shown.")
    names = {one.id: one.name for one in projects.classes(uow.session, project_id)}
    newest = rounds.last_succeeded(uow.session, project_id)
    if newest is None:
        return Context(image=image, proposed_class_id=None, why="No round has looked at this image yet.")
    config = RoundConfig.from_dict(newest.config)
    proposal = reviews.of_image(uow.session, newest.id, image_id)
    context = Context(
        image=image,
        proposed_class_id=proposal.class_id if proposal else None,
        why=_why(uow, newest, proposal, names, config),
        side=config.model.image_size,
        views=[_view(config.augment, f"{newest.id}/{image_id}/{number}") for number in range(config.gate.views)],
        changes=_changes(config.augment),
    )
    found = predictions.newest(uow, storage, project_id)
    said = found[1].probabilities_of(image_id) if found else None
    if found is None or said is None:
        return context
    best = list(said.items())[:LIKELIEST]
    return Context(
        **{
            **vars(context),
            "likeliest": [
                Likely(class_id=class_id, name=names.get(class_id, "a class that is gone"), probability=probability)
                for class_id, probability in best
            ],
            "others": max(0.0, 1.0 - sum(probability for _, probability in best)),
            "other_classes": len(said) - len(best),
            "neighbours": _neighbours(uow, found[1], image, names, annotator_id),
        }
    )


def _why(
    uow: UnitOfWork, newest: Round, proposal: PseudoLabel | None, names: dict[int, str], config: RoundConfig
) -> str:
    """What became of the proposal, with the numbers that were compared."""
    if proposal is None:
        return f"Round {newest.number} proposed nothing for this image."
    records = rounds.gate_records(uow.session, [newest.id])
    decided = in_force(records)
    name, score, sure = names.get(proposal.class_id, "?"), _percent(proposal.score), _percent(proposal.confidence)
    threshold = decided.threshold if decided is not None and decided.threshold is not None else None
    asked = f", and the gate of round {newest.number} asks for {_percent(threshold)}" if threshold is not None else ""
    if proposal.status is PseudoLabelStatus.REVOKED:
        return f"The gate let “{name}” in ({score}{asked}); then somebody said that it is not."
    match proposal.reason:
        case RejectionReason.LOW_CONFIDENCE:
            return f"Not sure enough of “{name}”: {score} over all views{asked}."
        case RejectionReason.INCONSISTENT:
            return (
                f"{sure} sure of “{name}” as the image is, but on {_some_of(config.gate.views)} another class is "
                "likelier."
            )
        case RejectionReason.GATE_CLOSED:
            said = records[-1].reason if records else "it was never asked."
            return f"{score} sure of “{name}” over all views, but the gate of round {newest.number} was closed. {said}"
        case RejectionReason.CLASS_BLOCKED:
            return f"{score} sure of “{name}” over all views, but {_blocked(decided, proposal.class_id, name)}."
        case RejectionReason.OUTSIDE_FRAME:
            return (
                f"{score} sure of “{name}” over all views, but the validation sample was not drawn from images like "
                "this one (it was imported, asked about or brought back around the draw), so it cannot vouch for it."
            )
        case None:
            return f"Accepted as “{name}”: {score} over all views{asked}."


def _blocked(decided: GateRecord | None, class_id: int, name: str) -> str:
    about = next((one for one in decided.classes if one["class_id"] == class_id), None) if decided else None
    if about is None:
        return f"“{name}” is blocked"
    return f"“{name}” is blocked: of {about['n']} validation images that the model calls so, {about['errors']} are not"


def _some_of(views: int) -> str:
    return "the changed copy" if views == 1 else f"at least one of {views} changed copies"


def _view(config: AugmentConfig, seed: str) -> View:
    """One changed copy, drawn as the consistency check draws its own; see `ssmae.augment`."""
    draw = random.Random(seed)
    side = draw.uniform(0, config.cutout)
    return View(
        is_mirrored=config.flip and draw.random() < 0.5,
        right=draw.uniform(-config.shift, config.shift),
        down=draw.uniform(-config.shift, config.shift),
        degrees=draw.uniform(-config.rotate, config.rotate),
        scale=float(np.exp(draw.uniform(-config.zoom, config.zoom))),
        shear=draw.uniform(-config.zoom, config.zoom),
        brightness=_factor(config.colour, draw),
        contrast=_factor(config.colour, draw),
        saturation=_factor(config.colour, draw),
        erased_x=draw.random() - side / 2,
        erased_y=draw.random() - side / 2,
        erased_side=side,
    )


def _factor(strength: float, draw: random.Random) -> float:
    return draw.uniform(1 - strength, 1 + strength) if draw.random() < 0.5 else 1.0


def _changes(config: AugmentConfig) -> str:
    changes = [
        ("mirrored", config.flip),
        (f"shifted by up to {_percent(config.shift)} of the side", config.shift),
        (f"turned by up to {config.rotate:g}°", config.rotate),
        (f"zoomed and sheared by up to {_percent(config.zoom)}", config.zoom),
        (f"changed in colour by up to {_percent(config.colour)}", config.colour),
        ("posterised, solarised or sharpened (not drawn here)", config.tone),
        (f"covered by a grey square of up to {_percent(config.cutout)} of the side", config.cutout),
    ]
    made = [words for words, is_on in changes if is_on]
    return ", ".join(made) if made else "not changed at all"


def _neighbours(
    uow: UnitOfWork, said: RoundPredictions, image: Image, names: dict[int, str], annotator_id: int | None
) -> Sequence[Neighbour]:
    labelled = [
        (image_id, class_id)
        for image_id, class_id in reviews.labelled_sample(uow.session, image.project_id, COMPARED)
        if image_id != image.id
    ]
    row_L = said.rows([image_id for image_id, _ in labelled])
    known_L = np.flatnonzero(row_L >= 0)
    (own,) = said.rows([image.id]).tolist()
    if not len(known_L):
        return []
    embeddings_LD = said.embeddings_ND[row_L[known_L]].astype(np.float32)
    embedding_D = said.embeddings_ND[own].astype(np.float32)
    norms_L = np.linalg.norm(embeddings_LD, axis=1) * np.linalg.norm(embedding_D)
    similarity_L = embeddings_LD @ embedding_D / np.maximum(norms_L, 1e-9)
    nearest = np.argsort(-similarity_L, kind="stable")[:CANDIDATES]
    found = [(*labelled[known_L[at]], float(similarity_L[at])) for at in nearest.tolist()]
    owed = blindness.owed(uow, image.project_id, annotator_id or 0, [image_id for image_id, _, _ in found])
    found = [one for one in found if one[0] not in owed][:NEIGHBOURS]
    of_id = {one.id: one for one in images.some(uow.session, [image_id for image_id, _, _ in found])}
    return [
        Neighbour(image=of_id[image_id], name=names.get(class_id, "?"), similarity=similarity)
        for image_id, class_id, similarity in found
    ]


def _percent(share: float) -> str:
    """Whole percents, but never 100 for what is less than certain."""
    whole = f"{100 * share:.0f}"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %" if whole == "100" and share < 1 else f"{whole} %"
