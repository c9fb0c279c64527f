"""How far people agree about the same images: percent, Cohen's kappa for two, Fleiss' kappa for any number.

Percent agreement says how often people say the same. Kappa says how much of that is more than chance: people who
answered without looking, each class as often as they do now, would reach a kappa of 0; people who always agree, 1.

    kappa = (observed - expected) / (1 - expected)

- **Cohen** (two people): *expected* is the chance that both name the same class, each with their own habits.
- **Fleiss** (many people, not the same ones for every image): *expected* uses the habits of all together. An image
  that r people answered has r (r - 1) / 2 pairs of answers; each pair counts 2 / (r (r - 1)), so every image counts
  once however many answered it. With the same r everywhere this is Fleiss' own formula.
- **Of one class**: the same for the question "this class or another one?". Weighted with p (1 - p), where p is the
  class's share of the answers, these add up to the kappa of all.

Where people always used one and the same class, chance alone explains everything and kappa has no value: it is None
with the reason, never NaN.

Sources: Cohen (1960), Educational and Psychological Measurement 20:37-46; Fleiss (1971), Psychological Bulletin
76:378-382, whose equation for one class is used here; for unequal numbers of answers Gwet (2014), Handbook of
Inter-Rater Reliability, 4th ed., chapter 2.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from app.errors import Refused

NO_IMAGES = "No image was answered by two people."
ONE_CLASS = "Everybody always named the same class: that says nothing about how well they tell classes apart."
UNUSED = "Nobody named this class where two people answered."
ONLY_THIS = "Nobody named any other class where two people answered."


@dataclass(frozen=True, kw_only=True)
class Kappa:
    """Agreement beyond chance.

    Attributes:
        value: at most 1; 0 is chance, below it people agree less than by chance. None if it cannot be said.
        observed: share of pairs of answers that agree. None without a pair.
        expected: the share that chance would give.
        reason: why there is no value.
    """

    value: float | None
    observed: float | None = None
    expected: float | None = None
    reason: str | None = None


@dataclass(kw_only=True)
class Tally:
    """Who said what of the same images, counted.

    Attributes:
        images: how many were answered by two or more people.
        unanimous: of how many of these everybody said the same.
        pairs: (person, person), the smaller id first, to (class by the first, class by the second) to images.
        by_answers: number of answers of an image to (smaller class, larger class) to pairs of answers.
    """

    images: int = 0
    unanimous: int = 0
    pairs: dict[tuple[int, int], Counter[tuple[int, int]]] = field(default_factory=lambda: defaultdict(Counter))
    by_answers: dict[int, Counter[tuple[int, int]]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def confusions(self) -> Counter[tuple[int, int]]:
        """(smaller class, larger class) to how many pairs of answers differ so."""
        found: Counter[tuple[int, int]] = Counter()
        for counts in self.by_answers.values():
            found.update({classes: count for classes, count in counts.items() if classes[0] != classes[1]})
        return found

    def weights(self) -> dict[tuple[int, int], float]:
        """(smaller class, larger class) to its share of the pairs of answers, every image counted once."""
        shares: dict[tuple[int, int], float] = defaultdict(float)
        for answers, counts in self.by_answers.items():
            for classes, count in counts.items():
                shares[classes] += 2 * count / (answers * (answers - 1) * self.images)
        return dict(shares)


def tally(images: Iterable[Mapping[int, int]]) -> Tally:
    """Count who agrees with whom.

    Args:
        images: of each image, annotator to class; images with fewer than two answers say nothing and are passed over.
    """
    made = Tally()
    for said in images:
        if len(said) < 2:
            continue
        made.images += 1
        made.unanimous += len(set(said.values())) == 1
        for (first, class_of_first), (second, class_of_second) in combinations(sorted(said.items()), 2):
            made.pairs[first, second][class_of_first, class_of_second] += 1
            low, high = sorted((class_of_first, class_of_second))
            made.by_answers[len(said)][low, high] += 1
    return made


def cohen(counts: Mapping[tuple[int, int], int]) -> Kappa:
    """Cohen's kappa of two people.

    Args:
        counts: (class by the first, class by the second) to how many images.

    Raises:
        Refused: a count is negative.
    """
    if any(count < 0 for count in counts.values()):
        raise Refused(f"Counts of images must not be negative. Got {dict(counts)}.")
    n = sum(counts.values())
    if not n:
        return Kappa(value=None, reason=NO_IMAGES)
    first, second = Counter[int](), Counter[int]()
    for (class_of_first, class_of_second), count in counts.items():
        first[class_of_first] += count
        second[class_of_second] += count
    observed = sum(count for classes, count in counts.items() if classes[0] == classes[1]) / n
    # Whole numbers up to here, so that "always the same class" is found exactly.
    same_by_chance = sum(count * second[one] for one, count in first.items())
    return _kappa(observed, same_by_chance / n**2, is_certain=same_by_chance == n**2, otherwise=ONE_CLASS)


def fleiss(counted: Tally) -> Kappa:
    """Fleiss' kappa of everybody; images may have any number of answers from two on."""
    if not counted.images:
        return Kappa(value=None, reason=NO_IMAGES)
    weights = counted.weights()
    shares = _class_shares(weights)
    observed = sum(weight for classes, weight in weights.items() if classes[0] == classes[1])
    expected = sum(share**2 for share in shares.values())
    return _kappa(observed, expected, is_certain=len(shares) == 1, otherwise=ONE_CLASS)


def of_class(counted: Tally, class_id: int) -> Kappa:
    """Fleiss' kappa of one class against all others: do people recognise it?"""
    if not counted.images:
        return Kappa(value=None, reason=NO_IMAGES)
    weights = counted.weights()
    shares = _class_shares(weights)
    if class_id not in shares:
        return Kappa(value=None, reason=UNUSED)
    share = shares[class_id]
    disputed = sum(
        weight for classes, weight in weights.items() if (classes[0] == class_id) != (classes[1] == class_id)
    )
    return _kappa(1 - disputed, share**2 + (1 - share) ** 2, is_certain=len(shares) == 1, otherwise=ONLY_THIS)


def in_words(kappa: float) -> str:
    """A word for a kappa. The steps are a habit of the literature, not a law.

    Source: Landis and Koch (1977), Biometrics 33:159-174.
    """
    steps = ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair"), (0.0, "slight"))
    return next((word for above, word in steps if kappa > above), "no better than chance")


def _class_shares(weights: Mapping[tuple[int, int], float]) -> dict[int, float]:
    shares: dict[int, float] = defaultdict(float)
    for classes, weight in weights.items():
        for one in classes:
            shares[one] += weight / 2
    return dict(shares)


def _kappa(observed: float, expected: float, *, is_certain: bool, otherwise: str) -> Kappa:
    if is_certain:
        return Kappa(value=None, observed=observed, expected=1.0, reason=otherwise)
    return Kappa(value=(observed - expected) / (1 - expected), observed=observed, expected=expected)
