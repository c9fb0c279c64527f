"""Answers on their way to the server: whatever happens to the page, none is lost and none counts twice."""

from __future__ import annotations

import json

from app.domain.labels import Action
from app.domain.pools import Pool
from tests.browser.conftest import Labeller

ANSWERS = "**/api/annotations"


ENTER = """async (changed) => {
    const loaded = performance.getEntriesByType("resource").find((one) => one.name.endsWith("/session.js"));
    const { session } = await import(loaded.name);
    session.enter({ ...session, ...changed });
}"""
"""Has the page believe that somebody else signed in, or that another database is served."""


def said(site, image_id):
    """Every act on an image, oldest first."""
    return [act.action for act, _ in site.world.said(image_id)]


def away(page):
    """The server cannot be reached from this page any more."""
    page.route(ANSWERS, lambda route: route.abort())


def kept(page):
    """The uids that the browser's store holds."""
    return page.evaluate("""() => new Promise((resolve) => {
        const opened = indexedDB.open("ssmae");
        opened.onsuccess = () => {
            const asked = opened.result.transaction("answers").objectStore("answers").getAll();
            asked.onsuccess = () => { opened.result.close(); resolve(asked.result.map((one) => one.uid)); };
        };
    })""")


def wait_kept(page, count):
    """Wait until the browser's store holds so many answers."""
    for _ in range(100):
        if len(kept(page)) == count:
            return
        page.wait_for_timeout(50)
    assert len(kept(page)) == count


def test_reload__sends_what_the_page_before_could_not(site, labeller):
    away(labeller.page)
    answered = [labeller.press("1") for _ in range(3)]
    labeller.root.locator(".status.trouble").wait_for()
    wait_kept(labeller.page, 3)
    labeller.page.unroute(ANSWERS)
    labeller.page.reload()
    labeller.wait_painted()
    labeller.wait_saved()
    assert [said(site, one) for one in answered] == [[Action.LABEL]] * 3
    wait_kept(labeller.page, 0)


def rewrite(page, change):
    """Change every record of the browser's store; `change` is the body of a function of `record`."""
    page.evaluate(
        """change => new Promise((resolve) => {
        const opened = indexedDB.open("ssmae");
        opened.onsuccess = () => {
            const cursor = opened.result.transaction("answers", "readwrite").objectStore("answers").openCursor();
            cursor.onsuccess = () => {
                if (!cursor.result) { opened.result.close(); return resolve(); }
                const record = cursor.result.value;
                new Function("record", change)(record);
                cursor.result.update(record);
                cursor.result.continue();
            };
        };
    })""",
        change,
    )


def test_answers__of_another_database_at_the_same_address_wait_for_it(site, labeller):
    labeller.page.evaluate(ENTER, {"database": "another"})  # the page was made before another one was served here
    elsewhere = [labeller.press("1") for _ in range(2)]
    labeller.root.get_by_text("Another database is served at this address now").wait_for()
    wait_kept(labeller.page, 2)
    labeller.page.reload()
    labeller.page.get_by_text("2 answers in this browser belong to another database").wait_for()
    here = labeller.press("2")
    labeller.wait_saved()
    assert said(site, here) == [Action.LABEL]
    assert len(kept(labeller.page)) == 2
    assert all(said(site, one) == [] for one in elsewhere if one != here)


def test_answers__of_somebody_whom_the_server_does_not_know_hold_up_nobody_elses(site, labeller):
    away(labeller.page)
    labeller.press("1")
    wait_kept(labeller.page, 1)
    rewrite(labeller.page, "record.annotator_id = 2_000_000_000;")
    labeller.page.reload()
    labeller.page.unroute(ANSWERS)
    mine = labeller.press("2")
    wait_kept(labeller.page, 1)
    for _ in range(100):
        if said(site, mine):
            break
        labeller.page.wait_for_timeout(100)
    assert said(site, mine)[-1:] == [Action.LABEL]


def test_closed_tab__leaves_its_answers_to_the_next_one(site, labeller):
    context = labeller.page.context
    away(context)
    answered = [labeller.press("2") for _ in range(3)]
    wait_kept(labeller.page, 3)
    labeller.page.close()
    context.unroute(ANSWERS)
    page = context.new_page()
    page.goto(site.url)
    page.get_by_role("heading", name="Overview").or_(page.locator("h1")).first.wait_for()
    wait_kept(page, 0)
    assert [said(site, one) for one in answered] == [[Action.LABEL]] * 3


def test_tab__that_closes_at_once_hands_over_its_last_answer(site, labeller):
    answered = labeller.press("1")
    context = labeller.page.context
    labeller.page.close(run_before_unload=False)
    page = context.new_page()
    page.goto(site.url)
    page.locator("h1").wait_for()
    wait_kept(page, 0)
    assert said(site, answered) == [Action.LABEL]


def test_two_tabs__share_the_outbox_and_never_send_an_answer_twice(site, labeller):
    context = labeller.page.context
    sent: list[str] = []

    def note(route):
        sent.extend(one["uid"] for one in json.loads(route.request.post_data)["items"])
        route.continue_()

    context.route(ANSWERS, note)
    second = Labeller(context.new_page(), [])
    second.open(site.url)
    answered = {labeller.press("1") for _ in range(3)}
    second.page.bring_to_front()
    second.root.get_by_text("All saved").wait_for()
    second.page.evaluate("dispatchEvent(new Event('online'))")
    labeller.page.evaluate("dispatchEvent(new Event('online'))")
    labeller.wait_saved()
    wait_kept(second.page, 0)
    assert len(sent) == len(set(sent)) == 3
    assert [said(site, one) for one in answered] == [[Action.LABEL]] * 3


def test_undo__of_an_unsent_answer_takes_it_out_of_the_store(site, labeller):
    labeller.page.route("**/api/annotations", lambda route: None, times=1)  # the first request never ends
    first = labeller.press("1")
    labeller.page.wait_for_timeout(400)
    second = labeller.press("1")
    wait_kept(labeller.page, 2)
    labeller.page.keyboard.press("u")
    assert labeller.wait_painted() == second
    wait_kept(labeller.page, 1)
    labeller.page.reload()
    labeller.wait_painted()
    labeller.wait_saved()
    assert said(site, first) == [Action.LABEL]
    assert said(site, second) == []


def test_undo__reaches_back_across_a_reload_even_while_nothing_can_be_sent(site, labeller):
    context = labeller.page.context
    away(context)
    first, second = labeller.press("1"), labeller.press("1")
    wait_kept(labeller.page, 2)
    labeller.page.reload()
    labeller.wait_painted()
    labeller.page.keyboard.press("u")
    labeller.root.get_by_text("Taken back.").wait_for()
    assert labeller.wait_painted() == second
    labeller.page.keyboard.press("u")
    assert labeller.wait_painted() == first
    context.unroute(ANSWERS)
    labeller.wait_saved()
    assert [said(site, one)[-1] for one in (first, second)] == [Action.WITHDRAW] * 2
    assert site.world.image(first).pool is Pool.UNLABELLED


def test_undo__of_an_answer_that_may_have_left_withdraws_it(site, labeller):
    def lose_the_reply(route):
        route.fetch()
        route.abort()

    labeller.page.route(ANSWERS, lose_the_reply, times=1)
    with labeller.page.expect_event("requestfailed"):
        answered = labeller.press("1")
    labeller.page.keyboard.press("u")
    assert labeller.wait_painted() == answered
    labeller.wait_saved()
    assert said(site, answered) == [Action.LABEL, Action.WITHDRAW]
    assert site.world.image(answered).pool is Pool.UNLABELLED


def test_expired_login__keeps_the_answers_and_offers_to_sign_in(site, labeller):
    labeller.page.route(ANSWERS, lambda route: route.fulfill(status=401, body="Sign in."))
    answered = [labeller.press("1") for _ in range(3)]
    labeller.root.get_by_text("Sign in again: your 3 answers are kept in this browser.").wait_for()
    address = labeller.root.get_by_role("link", name="Sign in").get_attribute("href")
    assert address.startswith("/login?next=%2Flabel")
    labeller.page.unroute(ANSWERS)
    labeller.wait_saved()
    assert [said(site, one) for one in answered] == [[Action.LABEL]] * 3


def test_refused_token__asks_for_a_reload(labeller):
    refusal = {"error": "This page is from an earlier sign-in."}
    labeller.page.route(ANSWERS, lambda route: route.fulfill(status=403, json=refusal))
    labeller.press("1")
    status = labeller.root.locator(".status.trouble")
    status.get_by_role("link", name="Reload").wait_for()
    assert status.inner_text().startswith(
        "This page is from an earlier sign-in. Then reload this page: your 1 answer is"
    )


def test_refused_answer__is_listed_in_the_side_bar_until_somebody_dismisses_it(labeller):
    def refuse(route):
        items = json.loads(route.request.post_data)["items"]
        results = [{"uid": one["uid"], "status": "refused", "error": "That class is gone."} for one in items]
        route.fulfill(json={"results": results})

    labeller.page.route(ANSWERS, refuse, times=1)
    labeller.press("1")
    listed = labeller.page.get_by_text("1 answer was not accepted and does not count: That class is gone. (")
    listed.wait_for()
    labeller.press("1")
    labeller.wait_saved()
    labeller.page.get_by_role("link", name="Overview", exact=True).click()
    labeller.page.reload()
    listed.wait_for()
    labeller.page.get_by_role("button", name="Dismiss").click()
    listed.wait_for(state="hidden")
    labeller.page.reload()
    labeller.page.get_by_role("heading", name="Overview").or_(labeller.page.locator("h1")).first.wait_for()
    labeller.page.wait_for_timeout(500)
    assert not listed.is_visible()


def test_listener__that_fails_stops_no_answer(site, labeller):
    labeller.page.evaluate("""async () => {
        const loaded = performance.getEntriesByType("resource").find((one) => one.name.endsWith("/outbox.js"));
        (await import(loaded.name)).outbox.subscribe(() => { throw new Error("a listener's own fault"); });
    }""")
    answered = [labeller.press("1") for _ in range(2)]
    labeller.wait_saved()
    assert [said(site, one) for one in answered] == [[Action.LABEL]] * 2


def test_full_disk__puts_the_image_back_and_says_so(site, labeller):
    labeller.page.evaluate("""() => {
        const add = IDBObjectStore.prototype.add;
        IDBObjectStore.prototype.add = function (...all) {
            IDBObjectStore.prototype.add = add;
            const request = add.apply(this, all);
            this.transaction.abort();
            return request;
        };
    }""")
    answered = labeller.press("1")
    labeller.root.get_by_role("alert").filter(has_text="was not taken").wait_for()
    assert labeller.wait_painted() == answered
    assert said(site, answered) == []
    assert labeller.press("2") == answered
    labeller.wait_saved()
    assert said(site, answered) == [Action.LABEL]


def test_browser_without_storage__says_so_and_sends_all_the_same(site, labeller):
    labeller.page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    labeller.page.reload()
    answered = labeller.press("1")
    labeller.page.get_by_text("This window cannot keep answers").wait_for()
    labeller.wait_saved()
    assert said(site, answered) == [Action.LABEL]


def test_answers_of_somebody_else__wait_for_them_and_are_never_sent_in_another_name(site, labeller):
    you = site.world.annotator("you")
    labeller.page.evaluate(ENTER, {"annotator_id": you, "name": "Ada"})
    away(labeller.page)
    answered = [labeller.press("1") for _ in range(2)]
    labeller.root.locator(".status.trouble").wait_for()
    labeller.page.evaluate(ENTER, {"annotator_id": you + 1000, "name": "Bob"})
    labeller.page.unroute(ANSWERS)
    labeller.page.get_by_text("2 answers of Ada wait in this browser until Ada signs in.").wait_for()
    labeller.root.get_by_text("All saved").wait_for()
    labeller.page.wait_for_timeout(500)
    assert len(kept(labeller.page)) == 2
    assert [said(site, one) for one in answered] == [[], []]
    labeller.page.evaluate(ENTER, {"annotator_id": you, "name": "Ada"})
    wait_kept(labeller.page, 0)
    assert [said(site, one) for one in answered] == [[Action.LABEL]] * 2
