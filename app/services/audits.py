"""The audit of what a round accepted: who is asked what next, and what the answers certify.

The draw is fixed by the round: uniform, with replacement, from the accepted pseudo-labels as they were published (see
`domain.audits` for what leaves it). It is asked in its order without the model's proposal. The certificate counts it in
its order too, up to the first image that nobody has answered, so that hard images cannot be put off until it stands.

Nobody may find out from the certificate how an answer of theirs compared, or they could mend it. So it moves only
after `STEP` draws, or when all that were asked are answered.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from app.db.models import Image, Project, Round
from app.db.queries import audits, projects, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.audits import Drawn, Verdict, verdict
from app.domain.labels import GIVEN
from app.domain.pools import Pool
from app.domain.words import percent
from ssmae.gate import Audit, audit_sample

DELTA = 0.05
STEP = 12
ALLOWED_WRONG = 3
"""An audit goes on as long as a certificate is possible with so many wrong ones; with more it has failed."""
LONGEST = 2000
"""Draws; a target that needs more is none for an audit."""


class Standing(StrEnum):
    """Where an audit stands."""

    NOTHING = "nothing"
    RUNNING = "running"
    CERTIFIED = "certified"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class AuditState:
    """One round's audit.

    Attributes:
        standing: whether it goes on.
        round_number: of the round.
        accepted: how many pseudo-labels the round accepted.
        certificate: what is proven, as of the last step.
        drawn: how many draws are answered; an image that comes up again is one more.
        planned: draws that would do if the open ones were all right.
        answered: images that were asked and are answered.
        waiting: images that are asked next, in the order of the draw, each once.
        hidden: images of the whole draw, once the audit has begun: their proposals must not be shown anywhere before
            they are answered.
    """

    standing: Standing
    round_number: int
    accepted: int
    certificate: Audit
    drawn: int = 0
    planned: int = 0
    answered: int = 0
    waiting: tuple[int, ...] = ()
    hidden: frozenset[int] = frozenset()

    @property
    def sentence(self) -> str:
        """What is proven so far, and what to do about it."""
        needed, target = self.certificate.clean_answers_needed, percent(self.certificate.alpha)
        match self.standing:
            case Standing.NOTHING if self.accepted:
                return "People have judged everything that the newest round accepted: nothing is left to audit."
            case Standing.NOTHING:
                return "The newest round accepted no pseudo-labels, so there is nothing to audit."
            case Standing.RUNNING if not self.certificate.right + self.certificate.wrong:
                return (
                    f"Nothing is certified yet. {needed} right answers in a row would show with {percent(1 - DELTA)} "
                    f"certainty that at most {target} of the accepted pseudo-labels are wrong."
                )
            case Standing.FAILED if not self.drawn:
                return (
                    f"To show an error of at most {target} takes {needed:,} right answers in "
                    "a row, more than an audit asks for. A larger error target in the settings can be shown."
                )
            case Standing.FAILED:
                return (
                    f"The audit has failed: {self.certificate.sentence} Ask more of the gate: a smaller allowed error "
                    "(Settings, gate) lets in only what the model is surer of, and the next round is audited anew. "
                    "Until then leave pseudo-labels out of what you export."
                )
            case _:
                return self.certificate.sentence


def state(uow: UnitOfWork, project_id: int) -> AuditState:
    """The audit of the project's newest round."""
    project = projects.one(uow.session, project_id)
    audited = rounds.last_succeeded(uow.session, project_id)
    nothing = Audit(alpha=project.error_target, delta=DELTA)
    if audited is None:
        return AuditState(standing=Standing.NOTHING, round_number=0, accepted=0, certificate=nothing)
    length, count = _length(project), 2 * _length(project)
    draw, accepted = _draw(uow, audited, count)
    verdicts, has_begun = _verdicts(uow, audited.id, draw)
    while draw and len(_asked(draw, verdicts)) < length and count < MOST_DRAWN:
        count *= 2
        draw, accepted = _draw(uow, audited, count)
        verdicts, has_begun = _verdicts(uow, audited.id, draw)
    asked = _asked(draw, verdicts)[:length]
    if not asked:
        return AuditState(
            standing=Standing.NOTHING, round_number=audited.number, accepted=accepted, certificate=nothing
        )
    return _stand(audited, accepted, asked, verdicts, nothing, hides=has_begun)


def asks(uow: UnitOfWork, image: Image) -> bool:
    """Whether the running audit of the image's project asks about it, or may still do so."""
    now = state(uow, image.project_id)
    return image.id in now.hidden or image.id in now.waiting


def prepare(uow: UnitOfWork, project_id: int) -> None:
    """Draw the audit of the newest round, if this process has not drawn it yet.

    That reads every accepted pseudo-label, which takes seconds among a million: do it before whatever writes, so that
    nobody waits for it with the database locked.
    """
    audited = rounds.last_succeeded(uow.session, project_id)
    if audited is None:
        return
    count = 2 * _length(projects.one(uow.session, project_id))
    if (str(uow.session.get_bind().engine.url), audited.id, count) not in _draws:
        state(uow, project_id)


def _asked(draw: Sequence[int], verdicts: Mapping[int, Verdict]) -> list[int]:
    return [image_id for image_id in draw if verdicts[image_id] is not Verdict.LEFT_OUT]


def _stand(
    audited: Round,
    accepted: int,
    asked: Sequence[int],
    verdicts: Mapping[int, Verdict],
    nothing: Audit,
    *,
    hides: bool,
) -> AuditState:
    """Count the draw in its order up to the first image that is open."""
    open_at = next((at for at, one in enumerate(asked) if verdicts[one] is Verdict.OPEN), len(asked))
    after = [nothing]
    for image_id in asked[:open_at]:
        if after[-1].certified:
            break
        after.append(after[-1].answer(is_right=verdicts[image_id] is Verdict.RIGHT))
    drawn = len(after) - 1
    shown, horizon = after[drawn // STEP * STEP], nothing.clean_answers_needed
    while horizon <= drawn and not after[drawn].certified:
        # All that were asked for are answered, and more are needed.
        shown, horizon = after[horizon], horizon + after[horizon].clean_answers_needed
    now = after[drawn]
    has_failed = not now.certified and drawn + now.clean_answers_needed > len(asked)
    if now.certified or has_failed:
        return AuditState(
            standing=Standing.CERTIFIED if now.certified else Standing.FAILED,
            round_number=audited.number,
            accepted=accepted,
            certificate=now,
            drawn=drawn,
            planned=drawn,
        )
    planned = dict.fromkeys(asked[:horizon])
    waiting = [one for one in planned if verdicts[one] is Verdict.OPEN]
    return AuditState(
        standing=Standing.RUNNING,
        round_number=audited.number,
        accepted=accepted,
        certificate=shown,
        drawn=drawn,
        planned=horizon,
        answered=len(planned) - len(waiting),
        waiting=tuple(waiting),
        hidden=frozenset(asked) if hides else frozenset(),
    )


def _length(project: Project) -> int:
    """How many draws an audit takes at most."""
    allowed = Audit(alpha=project.error_target, delta=DELTA, wrong=ALLOWED_WRONG)
    return min(LONGEST, ALLOWED_WRONG + allowed.clean_answers_needed)


MOST_DRAWN = 8192
"""Draws, those left out included."""
_MOST_REMEMBERED = 64
"""Draws; of many projects at once, those that were read last."""
_draws: dict[tuple[str, int, int], tuple[tuple[int, ...], int]] = {}
"""Draws by database, round and length. What a round accepted never changes, and may be a million rows to read."""
_drawing = threading.Lock()


def _draw(uow: UnitOfWork, audited: Round, count: int) -> tuple[tuple[int, ...], int]:
    """Images in the order of the draw, repeats included; and how many were drawn from."""
    key = (str(uow.session.get_bind().engine.url), audited.id, count)
    found = _draws.get(key)
    if found is None:
        accepted_K = np.array(audits.accepted_ids(uow.session, audited.id), dtype=np.int64)
        draw = audit_sample(accepted_K, count, audited.seed).tolist() if len(accepted_K) else []
        found = (tuple(draw), len(accepted_K))
        with _drawing:
            while len(_draws) >= _MOST_REMEMBERED:
                del _draws[next(iter(_draws))]
            _draws[key] = found
    return found


def _verdicts(uow: UnitOfWork, round_id: int, draw: Sequence[int]) -> tuple[dict[int, Verdict], bool]:
    """What is known of each drawn image, and whether anybody was asked yet."""
    images = set(draw)
    begun = audits.begun_at(uow.session, round_id, images)
    in_sight = audits.labelled_in_sight(uow.session, images)
    blind: dict[int, dict[int, int | None]] = defaultdict(dict)
    for image_id, annotator_id, action, class_id in audits.blind_answers(uow.session, images):
        if action in GIVEN:
            blind[image_id][annotator_id] = class_id
        else:  # taken back
            blind[image_id].pop(annotator_id, None)
    return {
        image_id: verdict(
            Drawn(
                image_id=image_id,
                class_id=class_id,
                blind=tuple(blind[image_id].values()),
                is_spoilt=image_id in in_sight,
                is_left_out=pool is Pool.EXCLUDED or _was_judged_before(in_sight.get(image_id), begun),
            )
        )
        for image_id, class_id, pool in audits.drawn(uow.session, round_id, images)
    }, begun is not None


def _was_judged_before(labelled: int | None, begun: int | None) -> bool:
    return labelled is not None and (begun is None or labelled < begun)
