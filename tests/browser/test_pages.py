"""The other pages in a real browser: what Streamlit's own test runner cannot see."""

from __future__ import annotations

import re

from app.db.queries import imports
from app.domain.pools import Pool, Split
from app.services import importing
from tests.browser.conftest import Labeller, running
from tests.pictures import picture


def open_page(page, site, name):
    """Go to a page by its link in the side bar."""
    page.goto(site.url)
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(re.compile(f"/{name.lower().replace(' ', '_')}\\?" if name != "Overview" else r"/\?"))
    page.locator("h1").wait_for()


def test_link__to_a_page_works_in_the_first_visit_to_a_new_server(chromium, tmp_path):
    with running(tmp_path) as server, chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{server.url}/projects")
        page.get_by_role("heading", name="Projects").wait_for()
        page.get_by_text("There is no project yet.").wait_for()
        assert page.get_by_text("Page not found").count() == 0


def test_every_page__opens_without_a_complaint(page, site):
    site.world.label(site.world.ids(Split.TEST)[:2])
    for name in (
        "Overview",
        "Label",
        "Grid",
        "Review",
        "Audit",
        "Second look",
        "Rounds",
        "Accuracy",
        "Quality",
        "Images",
        "Import",
        "Export",
        "Settings",
    ):
        open_page(page, site, name)
        page.wait_for_timeout(300)
        assert page.locator('[data-testid="stException"]').count() == 0, name


def test_review__revokes_an_accepted_pseudo_label(page, site):
    site.world.label(site.world.ids(Split.TRAIN)[:4])
    site.world.play_round(is_open=True)
    open_page(page, site, "Review")
    page.get_by_role("radio", name=re.compile("Accepted")).click()
    card = page.locator("section.gallery .card", has=page.get_by_role("button", name="Revoke")).first
    image_id = int(card.get_attribute("data-image"))
    card.get_by_role("button", name="Revoke").click()
    page.get_by_text("Revoked: the image is unlabelled again.").wait_for()
    assert site.world.image(image_id).pool is Pool.UNLABELLED


def test_images__a_click_opens_the_image_with_its_history(page, site):
    image_id = site.world.ids(Split.TRAIN)[0]
    site.world.label([image_id])
    open_page(page, site, "Images")
    page.locator(f'section.gallery [data-image="{image_id}"] .frame').click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(re.compile("Ada called it")).wait_for()
    dialog.get_by_role("button", name="Exclude").click()
    dialog.wait_for(state="hidden")
    assert site.world.image(image_id).pool is Pool.EXCLUDED


def test_import__of_uploaded_images_waits_for_a_worker_and_then_reports(page, site):
    open_page(page, site, "Import")
    files = [
        {"name": "new.png", "mimeType": "image/png", "buffer": picture(1000, size=(12, 12))},
        {"name": "broken.png", "mimeType": "image/png", "buffer": b"not an image"},
    ]
    page.locator('input[type="file"]').set_input_files(files)
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("waiting for a worker").wait_for()
    with site.world.reading() as uow:
        started = imports.listed(uow.session, site.world.project_id, 1)[0].id
    importing.run(site.world.database, site.world.storage, started)
    page.get_by_text("1 added, 0 already there, 1 refused of 2").wait_for()
    page.get_by_text("1 refused", exact=True).click()
    page.get_by_test_id("stDownloadButton").wait_for()


def test_export__downloads_the_labels(page, site):
    site.world.label(site.world.ids(Split.TRAIN)[:3])
    open_page(page, site, "Export")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download 3 labels").click()
    assert len(waiting.value.path().read_text().strip().splitlines()) == 4


def test_simulated_annotator__answers_what_is_left(labeller: Labeller, site):
    labeller.page.get_by_role("button", name="Answer all 10").click()
    labeller.page.get_by_text("10 answered by the seal.").wait_for()
    labeller.page.get_by_text("Selection · 0").wait_for()
    labeller.root.get_by_text("This queue is finished").wait_for()
