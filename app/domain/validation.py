"""Which images of a validation sample may judge the gate, whatever people left undone.

The gate's bound holds for a uniform sample of the images it speaks of. A sample is asked in the order in which it was
drawn, which is random, so its first images, however many, are a uniform sample too. They stay one only if none of them
is left out for what it shows:

- **Stopping early** costs evidence and nothing else: what was not reached does not judge.
- **A skipped image** judges, without an answer, and the gate counts it as an error. People skip what is hard to name,
  and that is what the model gets wrong; without these images it would be judged by the easy ones. Counting them as
  errors is the worst case, so the bound holds whatever the right answers would have been.
- **An image that was passed over** (its answer was taken back, or the page was closed on it) is a skip without a key.
- **An image that was answered elsewhere**, by somebody who happened upon it, neither leads nor holds up the order: it
  judges once the sample was asked up to it.
- **An excluded image** does not belong to the project. The bound speaks of the images that do, and whether one does is
  a fact about the image, not about the sample; so it leaves the sample as it would have left the pool.

Source: worst-case bounds under missing answers, Horowitz & Manski (2000), JASA 95:77-84.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """One image of a validation sample as it stands.

    Attributes:
        image_id: the image.
        is_labelled: it has a label, whoever gave it and wherever.
        is_answered_in_turn: somebody's standing answer to it was given where the sample is asked, in its order.
        is_skipped: somebody's skip of it stands.
        is_excluded: it was taken out of the project.
    """

    image_id: int
    is_labelled: bool = False
    is_answered_in_turn: bool = False
    is_skipped: bool = False
    is_excluded: bool = False


def judging(sample: Sequence[Sampled]) -> list[Sampled]:
    """The images that judge, in the order of the draw; those of them without a label count as errors.

    From the first image to the last one that was answered in turn, and on for as long as each is skipped or excluded:
    what was labelled elsewhere does not carry the order on, or the sample would end where others happened to label. A
    sample without an open image judges whole.

    Args:
        sample: the whole sample in the order of the draw.
    """
    if all(one.is_labelled or _needs_no_label(one) for one in sample):
        return [one for one in sample if not one.is_excluded]
    reach = max((at + 1 for at, one in enumerate(sample) if one.is_answered_in_turn), default=0)
    while reach < len(sample) and _needs_no_label(sample[reach]):
        reach += 1
    return [one for one in sample[:reach] if not one.is_excluded]


def _needs_no_label(one: Sampled) -> bool:
    return one.is_skipped or one.is_excluded
