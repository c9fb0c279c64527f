"""Draw the test split anew from all images, as long as nobody has worked with it.

The share of test images follows from the number of images, which a small first import does not tell. So every import
draws again by the stored numbers, until a test image is answered or a round is queued: from then on the share is
fixed. Must never import torch.
"""

from __future__ import annotations

from app.db.models import Project
from app.db.queries import imports
from app.db.unit_of_work import UnitOfWork
from app.domain.splits import share_for
from app.errors import Refused


def redraw(uow: UnitOfWork, project: Project, n_images: int) -> None:
    """Bring the test split to the share that `n_images` images ask for, if it is not fixed yet.

    Args:
        uow: open unit of work.
        project: the project, locked by the caller.
        n_images: how many images the project has, or is about to have.
    """
    share = share_for(project.test_size, n_images)
    if n_images == 0 or share == project.test_share or _why_fixed(uow, project, share):
        return
    project.test_share = share
    uow.session.flush()
    imports.resplit(uow.session, project.id, share)


def change_size(uow: UnitOfWork, project: Project, test_size: int) -> None:
    """Aim at another number of test images.

    Raises:
        Refused: the test split is fixed.
    """
    project = imports.locked_project(uow.session, project.id)
    n_images = imports.count_images(uow.session, project.id)
    why = _why_fixed(uow, project, share_for(test_size, n_images)) if n_images else ""
    if why:
        raise Refused(why)
    project.test_size = test_size
    redraw(uow, project, n_images)


def _why_fixed(uow: UnitOfWork, project: Project, share: float) -> str:
    if not imports.split_is_untouched(uow.session, project.id):
        return "The test split is fixed: one of its images was answered, or a round was queued."
    # Images that were asked about must not become test images: what is asked is not a uniform sample.
    if share > (project.test_share or 0.0) and not imports.nothing_was_asked(uow.session, project.id):
        return "The test split can only become smaller: images outside of it were asked about or answered already."
    return ""
