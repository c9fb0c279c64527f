"""Images: counts by pool and split, draws, and pages of a grid."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Row, func, literal_column, select, tuple_
from sqlalchemy.orm import Session

from app.db.models import Image
from app.domain.pools import Pool, Split
from app.errors import NotFound

NEEDS_DECISION: ColumnElement[bool] = literal_column("image.needs_decision")
"""As its partial index has it: for a boolean, SQLAlchemy writes `= 1`, and SQLite would then read every image."""
UNSETTLED: ColumnElement[bool] = literal_column("image.pool").in_(
    [literal_column(f"'{pool}'") for pool in (Pool.UNLABELLED, Pool.PSEUDO_LABELLED)]
)
"""Without a label and not excluded; written out, for the same reason."""

_SAMPLE = 5000

SHARED: ColumnElement[bool] = literal_column("image.opinions") > literal_column("1")
"""Several people's labels stand; written out for the same reason, because a bound number is not that of the index."""


def one(session: Session, image_id: int, *, lock: bool = False) -> Image:
    """The image with this id; with `lock`, nobody else changes it until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    statement = select(Image).where(Image.id == image_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    image = session.scalar(statement)
    if image is None:
        raise NotFound(f"There is no image {image_id}.")
    return image


def pool_counts(session: Session, project_id: int) -> dict[tuple[Split, Pool], int]:
    """How many images are in each pool of each split."""
    rows = session.execute(
        select(Image.split, Image.pool, func.count())
        .where(Image.project_id == project_id)
        .group_by(Image.split, Image.pool)
    )
    return {(split, pool): count for split, pool, count in rows}


def label_counts(session: Session, project_id: int) -> dict[int, int]:
    """How many training images carry each class as their label."""
    rows = session.execute(
        select(Image.label_class_id, func.count())
        .where(Image.project_id == project_id, Image.label_class_id.is_not(None), Image.split == Split.TRAIN)
        .group_by(Image.label_class_id)
    )
    return {class_id: count for class_id, count in rows if class_id is not None}


def for_snapshot(session: Session, project_id: int) -> Sequence[Row[int, str, str, Split, int | None]]:
    """(id, sha256, suffix, split, label class) of every image that is not excluded, by id."""
    return session.execute(
        select(Image.id, Image.sha256, Image.suffix, Image.split, Image.label_class_id)
        .where(Image.project_id == project_id, Image.pool != Pool.EXCLUDED)
        .order_by(Image.id)
    ).all()


def askable_ids(
    session: Session, project_id: int, splits: Collection[Split] = frozenset({Split.TRAIN})
) -> Sequence[int]:
    """Images without a label, by id; those of the training split are what a selection may be drawn from."""
    return session.scalars(
        select(Image.id)
        .where(
            Image.project_id == project_id,
            Image.split.in_(splits),
            Image.pool.in_([Pool.UNLABELLED, Pool.PSEUDO_LABELLED]),
        )
        .order_by(Image.id)
    ).all()


def training_labels(session: Session, project_id: int) -> Sequence[Row[int, int | None]]:
    """(id, class) of every labelled image outside the test split, by id."""
    return session.execute(
        select(Image.id, Image.label_class_id)
        .where(Image.project_id == project_id, Image.split != Split.TEST, Image.label_class_id.is_not(None))
        .order_by(Image.id)
    ).all()


def some(session: Session, image_ids: Sequence[int]) -> Sequence[Image]:
    """These images, in any order."""
    return session.scalars(select(Image).where(Image.id.in_(image_ids))).all()


def sides(session: Session, project_id: int) -> int | None:
    """Mean of the longer side in pixels, or None without images: what the training resolution is chosen by.

    The first few thousand by the draw are a uniform sample, and enough.
    """
    longer = (
        func.max(Image.width, Image.height)
        if session.get_bind().dialect.name == "sqlite"
        else func.greatest(Image.width, Image.height)
    )
    drawn = select(longer.label("longer")).where(Image.project_id == project_id).order_by(Image.draw, Image.id)
    mean = session.scalar(select(func.avg(drawn.limit(_SAMPLE).subquery().c.longer)))
    return round(float(mean)) if mean is not None else None


def page(
    session: Session,
    project_id: int,
    *,
    pool: Pool | None = None,
    split: Split | None = None,
    class_id: int | None = None,
    after_id: int = 0,
    limit: int = 60,
) -> Sequence[Image]:
    """One page of a grid, by the draw: ids follow the source's folders, so their order says the classes.

    Ask for the next page with the last id seen.
    """
    statement = select(Image).where(Image.project_id == project_id).order_by(Image.draw, Image.id).limit(limit)
    if after_id:
        statement = statement.where(tuple_(Image.draw, Image.id) > (one(session, after_id).draw, after_id))
    if class_id is not None:
        if pool not in {None, Pool.LABELLED}:
            return []
        statement = statement.where(Image.label_class_id == class_id)
        return session.scalars(statement if split is None else statement.where(Image.split == split)).all()
    if pool is None and split is None:
        return session.scalars(statement).all()
    # Each split and pool has the draw's order in its index; all of them together have not.
    parts = itertools.product([split] if split else Split, [pool] if pool else Pool)
    found = [
        session.scalars(statement.where(Image.split == one_split, Image.pool == one_pool)).all()
        for one_split, one_pool in parts
    ]
    return list(itertools.islice(heapq.merge(*found, key=lambda image: (image.draw, image.id)), limit))
