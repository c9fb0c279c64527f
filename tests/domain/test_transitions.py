"""The tables of what may follow what, and the one function that consults them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.pools import POOL_TRANSITIONS, Pool
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.rounds import ACTIVE, ROUND_TRANSITIONS, RoundStatus
from app.domain.transitions import InvalidTransition, check, sources

TABLES = [(Pool, POOL_TRANSITIONS), (RoundStatus, ROUND_TRANSITIONS), (PseudoLabelStatus, PSEUDO_LABEL_TRANSITIONS)]


@given(st.sampled_from(TABLES), st.data())
def test_check__agrees_with_the_table_for_every_pair_and_sources_is_its_inverse(table, data):
    kind, allowed = table
    current, target = data.draw(st.sampled_from(kind)), data.draw(st.sampled_from(kind))

    assert (current in sources(allowed, target)) == (target in allowed[current])
    if target in allowed[current]:
        assert check("thing", allowed, current, target) is target
    else:
        with pytest.raises(InvalidTransition, match=f"thing that is {current} cannot become {target}"):
            check("thing", allowed, current, target)


@pytest.mark.parametrize(("kind", "table"), TABLES)
def test_tables__know_every_status_and_nothing_becomes_itself(kind, table):
    assert set(table) == set(kind)
    assert all(status not in targets for status, targets in table.items())


@pytest.mark.parametrize(("kind", "table"), TABLES)
def test_tables__every_status_but_the_first_can_be_reached(kind, table):
    first = next(iter(kind))
    reached, frontier = {first}, [first]
    while frontier:
        for target in table[frontier.pop()] - reached:
            reached.add(target)
            frontier.append(target)

    assert reached == set(kind)


def test_tables__a_succeeded_or_cancelled_round_is_final_and_only_a_failed_one_is_queued_again():
    assert ROUND_TRANSITIONS[RoundStatus.SUCCEEDED] == ROUND_TRANSITIONS[RoundStatus.CANCELLED] == frozenset()
    assert sources(ROUND_TRANSITIONS, RoundStatus.QUEUED) == {
        RoundStatus.DRAFT, RoundStatus.RUNNING, RoundStatus.FAILED,
    }  # fmt: skip
    assert {RoundStatus.QUEUED, RoundStatus.RUNNING} == ACTIVE


def test_tables__every_pseudo_label_that_is_not_expired_can_expire():
    assert sources(PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus.EXPIRED) == set(PseudoLabelStatus) - {
        PseudoLabelStatus.EXPIRED
    }


def test_tables__a_label_is_never_overwritten_by_a_pseudo_label():
    assert Pool.LABELLED not in sources(POOL_TRANSITIONS, Pool.PSEUDO_LABELLED)


def test_check__the_refusal_says_what_would_be_allowed():
    with pytest.raises(InvalidTransition, match="it can become: excluded, unlabelled"):
        check("pool", POOL_TRANSITIONS, Pool.LABELLED, Pool.PSEUDO_LABELLED)
    with pytest.raises(InvalidTransition, match="it can become: nothing"):
        check("round", ROUND_TRANSITIONS, RoundStatus.SUCCEEDED, RoundStatus.QUEUED)
