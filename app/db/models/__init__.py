"""All tables, one module a noun. Relationships are not mapped: queries say what they join."""

from app.db.models.accounts import Account, Invitation, LoginSession, Membership
from app.db.models.annotations import Annotation, Annotator, ImageFlag, ImageLease
from app.db.models.images import Image, Import, ImportRefusal
from app.db.models.installation import Installation
from app.db.models.projects import ImageClass, Project
from app.db.models.rounds import (
    GateRecord,
    Prediction,
    PseudoLabel,
    Round,
    RoundEvent,
    Selection,
    Snapshot,
    TrainingPoint,
    Worker,
)

__all__ = [
    "Account",
    "Annotation",
    "Annotator",
    "GateRecord",
    "Image",
    "ImageClass",
    "ImageFlag",
    "ImageLease",
    "Import",
    "ImportRefusal",
    "Installation",
    "Invitation",
    "LoginSession",
    "Membership",
    "Prediction",
    "Project",
    "PseudoLabel",
    "Round",
    "RoundEvent",
    "Selection",
    "Snapshot",
    "TrainingPoint",
    "Worker",
]
