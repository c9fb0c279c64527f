"""Classes and splits from folder names. One rule, written here and nowhere else.

1. *Archives only*: if everything inside folders is inside one single top folder, and never directly in it, that folder
   is a wrapper (as most archive programs make) and is taken off.
2. If all top folders are among train, test, val, valid, validation, and train or test is there, they name the
   **split** and the folder below, if any, is the class: `train/cat/1.png`. Files of a validation folder are refused:
   validation images are drawn fresh in every round.
3. Otherwise the top folder is the **class**: `cat/1.png`, `cat/2024/1.png`. A file outside any folder has no class.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.domain.pools import Split
from app.formats.entries import InvalidEntry, is_likely_image

NO_VALIDATION = (
    "A validation split cannot be imported: it is drawn fresh in every round, so that the gate stays honest. "
    "Use train or test."
)
_SPLITS = {"train": Split.TRAIN, "test": Split.TEST}
_VALIDATION = frozenset({"val", "valid", "validation"})


@dataclass(frozen=True)
class Layout:
    """How names of one source are read.

    Attributes:
        wrapper: top folder to take off; empty without one.
        has_splits: whether the top folders name splits.
    """

    wrapper: str = ""
    has_splits: bool = False

    def place(self, name: str) -> tuple[str | None, Split | None]:
        """Class and split of a file.

        Raises:
            InvalidEntry: the file is in a validation folder.
        """
        folders = name.split("/")[:-1]
        if self.wrapper and folders and folders[0] == self.wrapper:
            folders = folders[1:]
        if not self.has_splits or not folders:
            return (folders[0] if folders else None), None
        if folders[0] in _VALIDATION:
            raise InvalidEntry(NO_VALIDATION)
        return (folders[1] if len(folders) > 1 else None), _SPLITS[folders[0]]

    def placed(self, name: str, refusal: str) -> tuple[str | None, Split | None, str]:
        """Class, split and why the file is refused: the refusal that is known already, that of the layout, or ""."""
        if refusal:
            return None, None, refusal
        try:
            return (*self.place(name), "")
        except InvalidEntry as error:
            return None, None, str(error)


@dataclass(frozen=True)
class Survey:
    """What a first pass over names tells, before any image is read.

    Attributes:
        total: entries, refused ones included.
        likely_images: entries whose names end like images.
        class_names: classes that likely images name, in natural order (2 before 10).
        layout: how names are read.
    """

    total: int
    likely_images: int
    class_names: tuple[str, ...] = ()
    layout: Layout = field(default_factory=Layout)


def survey(names: Iterable[str], *, may_be_wrapped: bool) -> Survey:
    """Count names and settle their layout; keeps folder names only, never all names."""
    total = likely = 0
    tops: set[str] = set()
    folders: set[tuple[str, ...]] = set()
    wrapped = may_be_wrapped
    for name in names:
        total += 1
        parts = name.split("/")[:-1]
        if parts:
            tops.add(parts[0])
            wrapped = wrapped and len(parts) > 1
        if is_likely_image(name):
            likely += 1
            folders.add(tuple(parts[:3]))
    wrapper = next(iter(tops)) if wrapped and len(tops) == 1 else ""
    if wrapper in _SPLITS:
        wrapper = ""
    inner = {parts[1] for parts in folders if len(parts) > 1} if wrapper else tops
    has_splits = bool(inner & set(_SPLITS)) and inner <= set(_SPLITS) | _VALIDATION
    layout = Layout(wrapper, has_splits)
    return Survey(total, likely, tuple(sorted(_classes(layout, folders), key=natural)), layout)


def _classes(layout: Layout, folders: set[tuple[str, ...]]) -> set[str]:
    found = set()
    for parts in folders:
        try:
            class_name, _ = layout.place("/".join((*parts, "")))
        except InvalidEntry:
            continue
        if class_name is not None:
            found.add(class_name)
    return found


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Sort key that puts 2 before 10 and numbers before words."""
    pieces: list[str] = []
    for character in name:
        if pieces and pieces[-1][-1].isdecimal() == character.isdecimal():
            pieces[-1] += character
        else:
            pieces.append(character)
    return tuple((not p[0].isdecimal(), int(p) if p[0].isdecimal() else 0, p) for p in pieces)
