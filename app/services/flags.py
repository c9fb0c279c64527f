"""Flags: a word to the leads about an image, beside whatever was answered."""

from __future__ import annotations

from sqlalchemy import select

from app.db.base import now
from app.db.models import ImageFlag
from app.db.queries import annotations as annotation_queries
from app.db.queries import disputes, images
from app.db.unit_of_work import UnitOfWork
from app.errors import Conflict, Refused


def raise_flag(uow: UnitOfWork, *, uid: str, image_id: int, annotator_id: int, note: str | None) -> bool:
    """Say something about an image to the leads.

    Returns:
        Whether the same uid had arrived before and nothing changed.

    Raises:
        NotFound: there is no such image or annotator.
        Refused: it says nothing.
        Conflict: the uid was used for something else.
    """
    image = images.one(uow.session, image_id, lock=True)
    annotation_queries.annotator_by_id(uow.session, annotator_id)
    sent = uow.session.scalar(select(ImageFlag).where(ImageFlag.uid == uid))
    if sent is not None:
        if (sent.image_id, sent.annotator_id) != (image_id, annotator_id):
            raise Conflict(f"The uid {uid!r} was already used for another flag.")
        return True
    if not (note or "").strip():
        raise Refused("A flag needs a note that says what is the matter.")
    uow.session.add(
        ImageFlag(uid=uid, project_id=image.project_id, image_id=image_id, annotator_id=annotator_id, note=note)
    )
    uow.session.flush()
    return False


def resolve(uow: UnitOfWork, flag_id: int, annotator_id: int) -> ImageFlag:
    """Say that somebody dealt with a flag; whoever was first stays named.

    Raises:
        NotFound: there is no such flag.
    """
    found = disputes.flag(uow.session, flag_id)
    if found.resolved_at is None:
        found.resolved_at, found.resolved_by = now(), annotator_id
        uow.session.flush()
    return found


def reopen(uow: UnitOfWork, flag_id: int) -> ImageFlag:
    """Have a flag wait for the leads again.

    Raises:
        NotFound: there is no such flag.
    """
    found = disputes.flag(uow.session, flag_id)
    found.resolved_at = found.resolved_by = None
    uow.session.flush()
    return found
