// The grid: many images of one proposed class at once. The odd ones are marked, Enter accepts the rest, and the next
// page is there already. One undo takes a whole page back.

import { el, isFocusLeftBehind, isForOthers, isOnButton, style } from "./dom.js";
import { Emptiness } from "./emptiness.js";
import { GridPages } from "./grid_pages.js";
import { GridView, SIZES } from "./grid_view.js";
import { hint } from "./hints.js";
import { Keys, keyOf } from "./keys.js";
import { mounting } from "./mounting.js";
import { outbox } from "./outbox.js";
import { preferencesOf } from "./preferences.js";
import { showSaving } from "./saving.js";
import { Search } from "./search.js";
import { ask, uuid } from "./session.js";
import { Telling, Timers } from "./telling.js";
import { UndoOnServer } from "./undoing.js";

const REMEMBERED = 20; // pages that are taken back without asking the server
const FIRST_LOOK = 400; // milliseconds in which nobody has seen the next page: what accepts it then was meant for the one before
const MEASURE = "ssmae:grid"; // from Enter to the next page on the screen

class Grid {
  #cursor = 0;
  #marks = []; // of each tile: null, or {kind, words, act}
  #shown = null; // the page that the view shows
  #shownAt = 0;
  #past = [];
  #proofs = new Map(); // by size: what a page proves
  #soFar = "";
  #asked = new Map(); // by size: the newest question about it that is on its way
  #questions = 0;
  #answered = 0; // the newest question that was answered
  #pressedAt = null; // when the key went down that the next page is owed to, whenever that comes
  #isSeen = true; // unless the page before was accepted a moment ago
  #ends = [];
  #timers;
  #telling;

  constructor(root, data, tell) {
    this.data = data;
    this.tell = tell;
    this.names = new Map(data.classes.map((one) => [one.id, one.name]));
    this.preferences = preferencesOf(data.annotator_id);
    this.undoing = new UndoOnServer(data);
    this.acts = {
      confirm: () => this.#accept(), undo: () => this.#undo(), skip: () => this.#mark("skip"), exclude: () => this.#mark("exclude"),
      search: () => this.#openSearch(),
    };
    const byMouse = (run) => (...args) => {
      run(...args);
      this.#focus();
    };
    this.view = new GridView(data.classes, {
      accept: byMouse(() => this.#accept()), undo: byMouse(() => this.#undo()), notThis: byMouse(() => this.#mark("skip")),
      exclude: byMouse(() => this.#mark("exclude")), search: () => this.#openSearch(),
      resize: (size) => this.preferences.set("gridSize", size), choose: byMouse((one) => this.#mark("label", one)),
      point: (at) => this.#point(at, false), toggle: (at) => {
        this.#point(at, true);
        this.#mark("skip");
      },
    });
    this.view.root.dataset.order = data.part.order;
    this.#timers = new Timers(this.view.root);
    this.#telling = new Telling(this.#timers, (saved) => this.tell("progress", { saved }));
    this.search = new Search((one) => this.#mark("label", one), () => this.#focus());
    this.view.root.append(this.search.root);
    const tip = hint(this.preferences, "grid", "Arrows move. Mark what is ", el("em", { textContent: "not" }), ` ${data.name}: `,
      el("kbd", { textContent: "Space" }), " or a click says only that, a class key says what it is. Then ",
      el("kbd", { textContent: "Enter" }), " accepts all the others at once.");
    if (tip) this.view.tips.append(tip);
    this.pages = new GridPages(data, this.#size, () => this.#refresh());
    this.emptiness = new Emptiness(this.pages, data, this.view, this.#timers);
    const onKey = (event) => this.#key(event);
    addEventListener("keydown", onKey, true);
    this.#ends = [
      () => removeEventListener("keydown", onKey, true), () => this.pages.close(),
      outbox.subscribe((change) => this.#heard(change)), this.preferences.subscribe(() => this.#prefer()),
    ];
    this.#prefer();
    showSaving(this.view.status);
    this.view.accept(0, data.name, 0);
    const sheets = ["labeller.css", "grid.css"].map((sheet) => style(root, data.assets + sheet));
    Promise.all(sheets).then(() => root.append(this.view.root));
    this.pages.fill();
  }

  end() {
    this.#ends.forEach((end) => end());
    this.#timers.end();
  }

  get #size() {
    const size = this.preferences.get("gridSize", SIZES[0]);
    return SIZES.includes(size) ? size : SIZES[0];
  }

  // --- what is shown

  #prefer() {
    const { preferences } = this;
    this.keys = new Keys(this.data.classes, preferences.get("layout", "standard"), preferences.get("keys", {}));
    this.view.writeKeys(this.keys);
    this.view.sizes.value = this.#size;
    if (this.pages && this.pages.size !== this.#size) {
      this.pages.resize(this.#size);
      this.#refresh();
    }
  }

  #refresh() {
    const { pages } = this;
    if (!pages.isEmpty) {
      if (this.#shown !== pages.page) this.#show();
      pages.page.forEach((item, at) => item.isGone && this.#setMark(at, { kind: "gone", words: "answered by somebody else", act: null }));
    } else {
      this.#shown = null;
      this.emptiness.say();
    }
    this.#summarise();
  }

  #show() {
    const { page } = this.pages;
    const hasFocus = Boolean(this.view.root.getRootNode().activeElement) || isFocusLeftBehind();
    this.#shown = page;
    this.#marks = page.map((item) => item.mark ?? null);
    this.#shownAt = performance.now();
    delete this.view.root.dataset.seen;
    this.view.show(page, this.pages.size, `Images that the model takes for ${this.data.name}`);
    page.forEach((item, at) => this.#drawMark(at));
    this.#point(Math.min(this.#cursor, page.length - 1), hasFocus);
    this.#notePainted(page, this.#pressedAt);
    this.#pressedAt = null;
    this.#prove(page.length);
  }

  async #notePainted(page, pressedAt) {
    await Promise.all(page.map((item) => item.picture.decode().catch(() => {})));
    requestAnimationFrame(() => setTimeout(() => {
      if (this.#shown !== page) return;
      this.view.root.dataset.painted = page[0].id;
      if (this.#isSeen) this.#see(page);
      else this.#timers.later(FIRST_LOOK, () => this.#shown === page && this.#see(page));
      page.forEach((item, at) => !item.picture.naturalWidth && this.#drawMark(at));
      if (pressedAt === null) return;
      performance.measure(MEASURE, { start: pressedAt, end: performance.now() });
      performance.clearMeasures(MEASURE);
    }));
  }

  #see(page) {
    this.#isSeen = true;
    this.view.root.dataset.seen = page[0].id;
  }

  #summarise() {
    const live = this.#marks.filter((mark) => mark?.kind !== "gone");
    const odd = live.filter(Boolean);
    const excluded = odd.filter((mark) => mark.kind === "exclude").length;
    const count = this.#shown ? live.length - odd.length : 0;
    this.view.accept(count, this.data.name, this.#shown ? odd.length : 0);
    const unsent = outbox.count((act) => act.queue === this.data.queue);
    this.view.progress(this.pages.progress && Math.max(0, this.pages.progress.left - unsent));
    const judged = live.length - excluded;
    if (!this.#shown || !judged) return this.view.proofs("", this.#soFar);
    const sentences = this.#proofs.get(judged);
    if (!sentences) this.#prove(judged);
    this.view.proofs(sentences?.[odd.length - excluded] ?? this.view.proof.textContent, this.#soFar);
  }

  /** Ask what a page of so many images proves; the answer does not depend on what is marked. */
  async #prove(n, isFresh = false) {
    if (!isFresh && (this.#proofs.has(n) || this.#asked.has(n))) return;
    const question = ++this.#questions;
    this.#asked.set(n, question);
    const { project_id, part } = this.data;
    const found = await ask(`/api/projects/${project_id}/grids/${part.class_id}?n=${n}&order=${part.order}`).catch(() => null);
    if (this.#asked.get(n) !== question) return; // it was asked again meanwhile
    this.#asked.delete(n);
    if (!found) return;
    this.#proofs.set(n, found.of_this_grid);
    if (question > this.#answered) this.#soFar = found.so_far;
    this.#answered = Math.max(this.#answered, question);
    this.#summarise();
  }

  // --- what the annotator does

  #key(event) {
    if (!this.view.root.isConnected || this.search.isOpen || isForOthers(event)) return;
    const key = keyOf(event);
    if ((key === " " || key === "Enter") && isOnButton(event)) return;
    const run = this.#meaning(key);
    if (!run) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.repeat && !key.startsWith("Arrow")) return;
    this.#pressedAt = event.timeStamp;
    run();
    if (this.#shown) this.#pressedAt = null;
  }

  #meaning(key) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
    if (key in moves) return this.#shown ? () => this.#move(key, moves[key]) : undefined;
    const one = this.keys.classOf(key);
    if (one) return () => this.#mark("label", one);
    return this.acts[this.keys.actionOf(key)];
  }

  #move(key, by) {
    const step = key === "ArrowUp" || key === "ArrowDown" ? by * this.view.columns : by;
    const at = this.#cursor + step;
    const last = this.#shown.length - 1;
    if (Number.isFinite(step) && Math.abs(step) > 1 && (at < 0 || at > last)) return;
    this.#point(Math.max(0, Math.min(last, at)), true);
  }

  #point(at, takesFocus) {
    if (this.#cursor === at && !takesFocus && this.view.elements[at]?.tabIndex === 0) return;
    this.#cursor = at;
    this.view.point(at, takesFocus);
  }

  #focus() {
    if (this.#shown) this.view.point(this.#cursor, true);
    else this.view.root.focus({ preventScroll: true });
  }

  /** Mark the image at the cursor; the same mark again takes it off. */
  #mark(kind, one = null) {
    if (!this.#shown || this.#marks[this.#cursor]?.kind === "gone") return;
    const item = this.#shown[this.#cursor];
    const proposed = item.proposed_class_id;
    const was = this.#marks[this.#cursor];
    const isSame = was?.kind === kind && was.act.class_id === one?.id;
    if (isSame || (kind === "label" && one.id === proposed)) return this.#setMark(this.#cursor, null);
    const words = { label: one?.name, skip: `not ${this.names.get(proposed) ?? this.data.name}`, exclude: "excluded" }[kind];
    this.#setMark(this.#cursor, { kind, words, act: { action: kind, ...(one && { class_id: one.id }) } });
  }

  #setMark(at, mark) {
    this.#marks[at] = mark;
    this.#shown[at].mark = mark?.kind === "gone" ? null : mark;
    this.#drawMark(at);
    this.#summarise();
  }

  #drawMark(at) {
    const item = this.#shown[at];
    this.view.mark(at, item, this.#marks[at], this.names.get(item.proposed_class_id) ?? this.data.name);
  }

  #openSearch() {
    if (this.#shown) this.search.open(this.data.classes, this.keys, this.view.list);
  }

  #accept() {
    const page = this.#shown;
    if (!page) return;
    // Nobody can know what is not painted; what cannot be loaded at all is left for later.
    if (page.some((item) => !item.picture.complete)) return this.view.tell("Some images are still on their way: one moment.");
    if (!this.#isSeen) return; // the second of two quick presses
    const answered = page.map((item, at) => ({ item, mark: this.#marks[at] }))
      .filter(({ item, mark }) => mark?.kind !== "gone" && (mark || item.picture.naturalWidth));
    if (!answered.length) return this.view.tell("None of these images could be loaded, so nothing was saved.");
    const seconds = (performance.now() - this.#shownAt) / 1000 / answered.length;
    const { annotator_id, queue, project_id, note } = this.data;
    const batch = uuid();
    const uids = answered.map(({ item, mark }) => {
      const { picture, mark: kept, isGone, ...plain } = item;
      const act = mark?.act ?? { action: "label", class_id: item.proposed_class_id };
      return outbox.add({ annotator_id, queue, image_id: item.id, seconds, note, batch, ...act }, { project_id, item: plain });
    });
    this.#past.push({ answered, uids });
    if (this.#past.length > REMEMBERED) this.#past.shift();
    const failed = page.filter((item) => !item.picture.naturalWidth && !item.mark).map(({ name }) => name);
    this.view.tell(failed.length ? `Left for later, because it cannot be loaded: ${failed.join(", ")}. Mark it to exclude or skip it.` : "");
    const odd = answered.filter(({ mark }) => mark).length;
    this.said = `${answered.length - odd} accepted as ${this.data.name}${odd ? `, ${odd} marked` : ""}`;
    this.#cursor = 0;
    this.#isSeen = false;
    this.pages.turn(answered.map(({ item }) => item));
    this.#refresh();
  }

  #undo() {
    const last = this.#past.pop();
    if (!last) return this.#undoOnServer();
    const { annotator_id, queue } = this.data;
    last.answered.forEach(({ item }, at) => outbox.takeBack(last.uids[at], { annotator_id, queue, image_id: item.id }));
    this.#putBack(last.answered.map(({ item, mark }) => Object.assign(item, { mark, isGone: false })));
  }

  async #undoOnServer() {
    const undone = await this.undoing.newest();
    if (!undone || !this.view.root.isConnected) return;
    // What the model proposes nothing for any more has no place in a grid.
    const shown = undone.here.filter((item) => item.proposed_class_id !== null);
    if (shown.length) this.#putBack(shown);
    else this.view.tell(undone.said || "Taken back. These images are in no grid any more.");
  }

  #putBack(items) {
    this.view.tell("");
    this.said = `${items.length} taken back`;
    this.#cursor = 0;
    this.pages.putBack(items);
    this.#refresh();
  }

  // --- what the server and the browser's store say

  #heard(change) {
    showSaving(this.view.status);
    for (const { error } of change.lost) this.view.tell(`${error} What you did last was not taken: make some room, then undo.`);
    for (const { act, error } of change.refused) {
      this.view.tell(`An answer was not accepted: ${error}`);
      this.pages.reopen(act.image_id);
    }
    if (!change.saved) return;
    this.#telling.saved(change.saved);
    if (outbox.unsaved) return;
    this.view.spoken.textContent = `${this.said ?? "All"} – saved.`;
    this.#prove(this.#shown?.length ?? 1, true);
    this.pages.fill();
  }
}

export default mounting(
  (root, data, tell) => new Grid(root, data, tell),
  (grid, data, tell) => {
    grid.tell = tell;
  },
);
