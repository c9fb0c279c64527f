"""Settings of labelling together: what is kept, and what the page says it does."""

from __future__ import annotations

from app.db.queries import projects
from app.domain.people import Adjudication
from tests.ui.screen import words


def test_settings__of_labelling_together_are_kept(world, show):
    world.make_project(train=2)
    page = show("settings")
    fields = {one.label: one for one in page.number_input}
    fields["Images that several people answer, in %"].set_value(10.0)
    fields["How many people answer each of those"].set_value(3)
    fields["Error that audits and clean grids are held against, in %"].set_value(2.5)
    page.radio[0].set_value(Adjudication.LEAD)
    page.toggle[0].set_value(True)
    [one for one in page.button if one.label == "Save"][1].click().run()

    assert not page.exception
    with world.reading() as uow:
        kept = projects.one(uow.session, world.project_id)
    assert (kept.overlap_share, kept.overlap_size, kept.error_target) == (0.1, 3, 0.025)
    assert (kept.adjudication, kept.shows_guess) == (Adjudication.LEAD, True)


def test_settings__say_that_a_guess_that_is_shown_biases_people(world, show):
    world.make_project()

    assert "pulls answers towards it" in words(show("settings"))
