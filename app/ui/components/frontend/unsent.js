// In the side bar of every page: says whose page this is, sends what earlier pages left behind, and speaks up while
// something is not saved.

import { watchConnection } from "./connection.js";
import { el, style } from "./dom.js";
import { mounting } from "./mounting.js";
import { outbox } from "./outbox.js";
import { saving, savingNotes, showSaving } from "./saving.js";
import { session, signInAddress } from "./session.js";

const NAMED = 5; // images of refused answers that are named
const CALM = 3000; // milliseconds in which an answer is normally saved

class Unsent {
  #timer = null;
  #isLate = false;

  constructor(root, data) {
    this.status = el("p", { role: "status" });
    this.connection = el("p", { className: "trouble", role: "alert", hidden: true });
    this.notes = el("div", { className: "notes" });
    this.refusals = el("div", { className: "refusals", role: "alert" });
    this.root = el("section", { className: "unsent", "aria-label": "Unsent answers" },
      this.connection, this.status, this.refusals, this.notes);
    const ends = [outbox.subscribe(() => this.draw()), watchConnection((state) => this.connected(state))];
    this.end = () => ends.forEach((end) => end());
    style(root, `${data.assets}unsent.css`).then(() => root.append(this.root));
    this.draw();
  }

  connected(state) {
    const said = {
      away: ["The server cannot be reached. This page comes back by itself; what you answer meanwhile is kept."],
      "signed-out": ["You are signed out; what you answered is kept. ", el("a", { href: signInAddress(), textContent: "Sign in" })],
    }[state];
    if (state === this.state) return; // what a screen reader has read once it need not read again
    this.state = state;
    this.connection.hidden = !said;
    this.connection.replaceChildren(...(said ?? []));
    this.draw();
  }

  draw() {
    const { state } = saving();
    if (state === "saved") {
      clearTimeout(this.#timer);
      this.#timer = null;
      this.#isLate = false;
    } else {
      this.#timer ??= setTimeout(() => {
        this.#isLate = true;
        this.draw();
      }, CALM);
    }
    this.status.hidden = !this.#isLate;
    if (this.#isLate) showSaving(this.status);
    const notes = savingNotes();
    if (notes.join() !== this.said) this.notes.replaceChildren(...notes.map((text) => el("p", { textContent: text })));
    this.said = notes.join();
    this.drawRefusals();
    this.root.hidden = this.status.hidden && this.connection.hidden && !notes.length && !this.refusals.children.length;
  }

  /** Answers that do not count stay listed until somebody has read it. */
  drawRefusals() {
    const found = outbox.refusals();
    const shown = found.map(({ uid }) => uid).join();
    if (shown === this.shown) return;
    this.shown = shown;
    this.refusals.replaceChildren(...[...Map.groupBy(found, ({ error }) => error)].map(([error, some]) =>
      el("p", { className: "trouble" }, refusal(error, some), " ",
        el("button", { type: "button", textContent: "Dismiss", onclick: () => outbox.dismiss(some.map(({ uid }) => uid)) }))));
  }
}

function refusal(error, some) {
  const names = some.slice(0, NAMED).map(({ act, local }) => local.item?.name ?? `image ${act.image_id}`);
  if (some.length > NAMED) names.push(`${some.length - NAMED} more`);
  const what = some.length === 1 ? "1 answer was not accepted and does" : `${some.length} answers were not accepted and do`;
  return `${what} not count: ${error} (${names.join(", ")})`;
}

export default mounting(
  (root, data) => {
    session.enter(data.session);
    return new Unsent(root, data);
  },
  (unsent, data) => {
    session.enter(data.session);
    unsent.draw();
  },
);
