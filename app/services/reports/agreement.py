"""How far people agree: over all, each two of them, each class, and against the labels that came with an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from app.db.queries import agreement as queries
from app.db.queries import people as people_queries
from app.db.queries import projects
from app.db.unit_of_work import UnitOfWork
from app.domain.agreement import Kappa, Tally, cohen, fleiss, in_words, of_class, tally
from app.services.reports.accuracy import Accuracy

IMPORTED = "imported labels"
FEW = 50
"""With fewer shared images than this, a kappa is a rough figure."""
ONE_SIDED = 0.8
"""Where chance alone explains so much, a few differences make kappa small however well people do.

Source: Feinstein and Cicchetti (1990), Journal of Clinical Epidemiology 43:543-549.
"""


@dataclass(frozen=True, kw_only=True)
class PairAgreement:
    """Two people, or one person and the labels of an import.

    Attributes:
        same: on how many of the images that both answered they say the same.
        kappa: Cohen's.
    """

    first: str
    second: str
    same: Accuracy
    kappa: Kappa


@dataclass(frozen=True, kw_only=True)
class ClassAgreement:
    """One class.

    Attributes:
        kappa: Fleiss', of this class against all others.
        taken_for: (other class, how many pairs of answers said one and the other), most frequent first.
    """

    name: str
    kappa: Kappa
    taken_for: list[tuple[str, int]]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far the people of a project agree.

    Attributes:
        people: how many people answered an image that somebody else answered too.
        unanimous: on how many of the shared images all who answered say the same.
        kappa: Fleiss', of everybody.
        pairs: each two people with images in common, most images first.
        classes: in the project's order.
        imported: each person against the labels of imports, most images first.
        is_swayed: the project shows the model's guess while people label.
    """

    people: int
    unanimous: Accuracy
    kappa: Kappa
    pairs: list[PairAgreement]
    classes: list[ClassAgreement]
    imported: list[PairAgreement]
    is_swayed: bool

    @property
    def sentence(self) -> str:
        """What the figures rest on and what they mean."""
        n = self.unanimous.n
        if not n:
            return "No image was answered by two people yet."
        images = f"{n:,} image{'s' if n > 1 else ''}"
        all_same = f"and all said the same of {self.unanimous.correct:,}."
        told = [f"{self.people} people answered {images} in common, nobody seeing another's answer, {all_same}"]
        if self.kappa.value is None:
            told.append(self.kappa.reason or "")
        else:
            told.append(f"Beyond what chance alone would give, the agreement is {in_words(self.kappa.value)}.")
        if self.kappa.value is not None and (self.kappa.expected or 0.0) > ONE_SIDED:
            told.append("Nearly all answers name one class, so chance explains most of it and kappa says little.")
        if n < FEW:
            told.append(f"This rests on fewer than {FEW} images: it may still change a lot.")
        if self.is_swayed:
            told.append("The model's guess was shown while labelling, which makes people agree more than they would.")
        return " ".join(told)


def agreement(uow: UnitOfWork, project_id: int) -> Agreement:
    """How far people agree, over the images that two or more of them answered without seeing any other answer."""
    session = uow.session
    rows = queries.answers_of_shared_images(session, project_id)
    counted = tally({who: said for _, who, said in answers} for _, answers in groupby(rows, lambda row: row[0]))
    classes = projects.classes(session, project_id)
    names = {one.id: one.name for one in classes}
    who = {row[0]: row[1] for row in people_queries.people(session, project_id)}
    return Agreement(
        people=len({one for pair in counted.pairs for one in pair}),
        unanimous=Accuracy(correct=counted.unanimous, n=counted.images),
        kappa=fleiss(counted),
        pairs=_by_images(_pair(who[first], who[second], table) for (first, second), table in counted.pairs.items()),
        classes=[
            ClassAgreement(name=one.name, kappa=of_class(counted, one.id), taken_for=_taken_for(counted, one.id, names))
            for one in classes
        ],
        imported=_imported(uow, project_id, who),
        is_swayed=projects.one(session, project_id).shows_guess,
    )


def _imported(uow: UnitOfWork, project_id: int, who: dict[int, str]) -> list[PairAgreement]:
    tables: dict[int, Counter[tuple[int, int]]] = {}
    for person, said, given, count in queries.against_imported(uow.session, project_id, list(who)):
        if said is not None and given is not None:
            tables.setdefault(person, Counter())[said, given] = count
    return _by_images(_pair(who[person], IMPORTED, table) for person, table in tables.items())


def _pair(first: str, second: str, table: Counter[tuple[int, int]]) -> PairAgreement:
    same = sum(count for classes, count in table.items() if classes[0] == classes[1])
    return PairAgreement(
        first=first, second=second, same=Accuracy(correct=same, n=sum(table.values())), kappa=cohen(table)
    )


def _by_images(rows: Iterable[PairAgreement]) -> list[PairAgreement]:
    return sorted(rows, key=lambda row: (-row.same.n, row.first, row.second))


def _taken_for(counted: Tally, class_id: int, names: dict[int, str]) -> list[tuple[str, int]]:
    found = [
        (names[low if high == class_id else high], count)
        for (low, high), count in counted.confusions.items()
        if class_id in {low, high}
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))
