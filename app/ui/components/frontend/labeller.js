// The labeller: one image at a time, one key an answer. Streamlit only mounts it; nothing here waits for Python.

import { el, isForOthers, isOnButton, style } from "./dom.js";
import { outbox } from "./outbox.js";
import { showSaving } from "./saving.js";
import { ask, uuid } from "./session.js";
import { ImageQueue } from "./queue.js";
import { View } from "./labeller_view.js";

const TELL_PYTHON = 2000; // milliseconds at least between two messages that answers were saved
const LOOK_AGAIN = 1500; // milliseconds until a queue that is being filled is asked again

class Labeller {
  #past = [];
  #shownAt = null;
  #shown = null;
  #isAsking = false;
  #isUndoing = false;
  #savedSince = 0;
  #timers = new Set();
  #ends = [];

  constructor(root, data, tell) {
    this.root = root;
    this.data = data;
    this.fresh = data.fresh;
    this.tell = tell;
    this.byKey = new Map(data.classes.filter((one) => one.key).map((one) => [one.key, one]));
    this.view = new View(data.classes, {
      choose: (one) => this.#byMouse(() => this.#label(one)),
      confirm: () => this.#byMouse(() => this.#confirm()),
      skip: () => this.#byMouse(() => this.#skip()),
      undo: () => this.#byMouse(() => this.#undo()),
      exclude: () => this.#byMouse(() => this.#exclude()),
      keep: () => this.#byMouse(() => this.#ask(false)),
      zoom: () => this.#byMouse(() => this.#zoom()),
      help: () => this.#byMouse(() => this.#toggleHelp()),
    });
    this.queue = new ImageQueue(data, () => this.#refresh());
    const onKey = (event) => this.#key(event);
    const onSize = new ResizeObserver(() => this.#shown && this.view.fit(this.#shown, this.isSmooth));
    addEventListener("keydown", onKey, true);
    onSize.observe(this.view.stage);
    this.#ends = [
      () => removeEventListener("keydown", onKey, true),
      () => onSize.disconnect(),
      () => this.queue.close(),
      outbox.subscribe((change) => this.#heard(change)),
    ];
    showSaving(this.view.status);
    this.view.say("Loading", "The first images are on their way.");
    style(root, `${data.assets}labeller.css`).then(() => root.append(this.view.root));
    this.queue.fill();
  }

  get isSmooth() {
    return localStorage.getItem("ssmae-smooth") === "1";
  }

  /** Somebody else has answered: what is held here may be settled. */
  askAgain(fresh) {
    if (fresh === this.fresh) return;
    this.fresh = fresh;
    this.#shown = null;
    outbox.drained().then(() => this.queue.empty());
  }

  end() {
    this.#ends.forEach((end) => end());
    this.#timers.forEach(clearTimeout);
  }

  // --- what is shown

  #refresh() {
    if (this.queue.progress) this.view.progress(this.queue.progress);
    if (this.#shown && this.#shown === this.queue.current) return;
    if (this.queue.current) this.#show(this.queue.current);
    else this.#sayWhyEmpty();
  }

  #show(item) {
    this.#shown = item;
    this.#shownAt = null;
    this.#ask(false);
    this.view.show(item, null, this.data.strategies[item.strategy]);
    const picture = item.picture;
    picture.alt = "";
    const painted = () => {
      if (this.#shown !== item) return;
      this.view.fit(item, this.isSmooth);
      // The frame after the next one is the first that certainly shows it.
      requestAnimationFrame(() => {
        if (this.#shown !== item) return;
        this.#shownAt = performance.now();
        this.view.root.dataset.painted = item.id;
      });
    };
    if (picture.complete && picture.naturalWidth) painted();
    else {
      picture.onload = painted;
      picture.onerror = () => this.#shown === item && this.#cannotLoad(item);
      if (picture.complete) this.#cannotLoad(item);
    }
  }

  #cannotLoad(item) {
    this.view.tell("This image cannot be loaded; trying again. You can skip it or exclude it.");
    this.#later(2000, () => {
      if (this.#shown !== item) return;
      const picture = new Image();
      picture.src = item.picture.src;
      item.picture = picture;
      this.view.tell("");
      this.#show(item);
    });
  }

  #sayWhyEmpty() {
    this.#shown = null;
    this.#shownAt = null;
    const { progress, selection, trouble } = this.queue;
    if (trouble) return this.view.say("The server cannot be reached", "Trying again by itself. Nothing you answered is lost.");
    if (!progress) return this.view.say("Loading", "The first images are on their way.");
    if (!this.queue.isExhausted) return this.view.say("Loading", "The next images are on their way.");
    const needsDraft = this.data.queue === "selection" || this.data.queue === "validation";
    if (needsDraft && selection === "pending") {
      this.#later(LOOK_AGAIN, () => this.queue.fill());
      return this.view.say("The images are being chosen", "This takes a moment. They appear here by themselves.");
    }
    if (!progress.total) return this.view.say(this.data.texts.nothing_title, this.data.texts.nothing);
    const skipped = progress.skipped ? ` You skipped ${progress.skipped}: they wait for somebody else.` : "";
    this.view.say("This queue is finished", `${this.data.texts.finished}${skipped}`);
    outbox.drained().then(() => this.#tellPython(true));
  }

  // --- what the annotator does

  #key(event) {
    if (!this.view.root.isConnected || isForOthers(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if ((key === " " || key === "Enter") && isOnButton(event)) return;
    const run = this.#meaning(key);
    if (!run) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) run();
  }

  #meaning(key) {
    if (this.byKey.has(key)) return () => this.#label(this.byKey.get(key));
    const meanings = {
      u: () => this.#undo(), Backspace: () => this.#undo(),
      s: () => this.#skip(), " ": () => this.#skip(),
      x: () => this.#exclude(), z: () => this.#zoom(),
      "?": () => this.#toggleHelp(), "/": () => this.#search(),
      Enter: this.view.proposal.hidden ? undefined : () => this.#confirm(),
      Escape: this.#isAsking ? () => this.#ask(false) : undefined,
    };
    return Object.hasOwn(meanings, key) ? meanings[key] : undefined;
  }

  #byMouse(run) {
    // Otherwise the next Space would press the button again.
    this.view.root.focus({ preventScroll: true });
    run();
  }

  #label(one) {
    if (this.#shownAt === null) return; // nobody can know what is not painted
    this.#answer({ action: "label", class_id: one.id }, one.name);
  }

  #confirm() {
    const proposed = this.data.classes.find((one) => one.id === this.#shown?.proposed_class_id);
    if (proposed) this.#label(proposed);
  }

  #skip() {
    if (this.#shown) this.#answer({ action: "skip" }, "skipped");
  }

  #exclude() {
    if (!this.#shown) return;
    if (this.#isAsking) this.#answer({ action: "exclude" }, "excluded");
    else this.#ask(true);
  }

  #ask(isAsking) {
    this.#isAsking = isAsking;
    this.view.question.hidden = !isAsking;
  }

  #answer(act, words) {
    const item = this.queue.answer();
    const seconds = this.#shownAt === null ? null : (performance.now() - this.#shownAt) / 1000;
    const { annotator_id, queue } = this.data;
    const uid = outbox.add({ annotator_id, queue, image_id: item.id, seconds, ...act });
    this.#past.push({ item, uid, action: act.action });
    this.#count(act.action, 1);
    this.view.tell("");
    this.view.last.replaceChildren("Last answer: ", el("strong", { textContent: words }));
    this.#refresh();
  }

  async #undo() {
    if (this.#isUndoing) return;
    const last = this.#past.pop();
    if (!last) return this.#undoOnServer();
    const action = last.action === "exclude" ? "include" : "withdraw";
    const { annotator_id, queue } = this.data;
    outbox.takeBack(last.uid, { annotator_id, queue, image_id: last.item.id, action });
    this.#count(last.action, -1);
    this.#putBack(last.item);
  }

  async #undoOnServer() {
    this.#isUndoing = true;
    try {
      await outbox.drained();
      const { project_id, annotator_id } = this.data;
      const body = { project_id, annotator_id, uid: uuid() };
      const { undone } = await ask("/api/undo", { method: "POST", body });
      if (!undone.length) this.view.tell("There is nothing to take back.");
      else {
        undone.forEach((item) => this.#putBack(item));
        this.queue.fill();
      }
    } catch (error) {
      this.view.tell(`${error.message} Nothing was taken back.`);
    }
    this.#isUndoing = false;
  }

  #putBack(item) {
    this.view.tell("");
    this.view.last.textContent = "Taken back.";
    this.queue.putBack(item);
    this.#refresh();
  }

  #count(action, by) {
    const { progress } = this.queue;
    if (!progress) return;
    if (action === "label") progress.settled += by;
    if (action === "skip") progress.skipped += by;
    if (action === "exclude") progress.total -= by;
    this.view.progress(progress);
  }

  #zoom() {
    localStorage.setItem("ssmae-smooth", this.isSmooth ? "0" : "1");
    if (this.#shown) this.view.fit(this.#shown, this.isSmooth);
  }

  #toggleHelp() {
    this.view.help.hidden = !this.view.help.hidden;
  }

  #search() {
    this.view.search.hidden = false;
    this.view.search.focus();
  }

  // --- what the server says

  #heard(change) {
    showSaving(this.view.status);
    for (const { item, error } of change.lost) this.#refuse(item, error);
    for (const { item, error } of change.refused) {
      this.#past = this.#past.filter((one) => one.uid !== item.uid);
      this.view.tell(`An answer was not accepted: ${error}`);
      this.queue.fill();
    }
    if (change.saved) {
      this.#savedSince += change.saved;
      if (!this.tellTimer) {
        this.tellTimer = this.#later(TELL_PYTHON, () => {
          this.tellTimer = null;
          this.#tellPython(false);
        });
      }
      if (!this.queue.current && this.queue.isExhausted && !outbox.unsaved) this.queue.fill();
    }
  }

  /** The browser could not keep an answer: it does not count, and its image is shown again. */
  #refuse(act, error) {
    const at = this.#past.findIndex((one) => one.uid === act.uid);
    if (at >= 0) {
      const [{ item, action }] = this.#past.splice(at, 1);
      this.#count(action, -1);
      this.#putBack(item);
    }
    this.view.tell(`${error} The last answer was not taken: free some space, then answer again.`);
  }

  #tellPython(isFinished) {
    if (!this.#savedSince) return;
    this.tell("progress", { saved: this.#savedSince, finished: isFinished });
    this.#savedSince = 0;
  }

  #later(milliseconds, run) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.view.root.isConnected) run();
    }, milliseconds);
    this.#timers.add(timer);
    return timer;
  }
}

const mounted = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let labeller = mounted.get(parentElement);
  if (labeller) {
    labeller.tell = setTriggerValue;
    labeller.askAgain(data.fresh);
    return labeller.cleanup;
  }
  labeller = new Labeller(parentElement, data, setTriggerValue);
  mounted.set(parentElement, labeller);
  labeller.cleanup = () => {
    // Streamlit also calls this for a superseded run while the component lives.
    if ((parentElement.host ?? parentElement).isConnected) return;
    labeller.end();
    mounted.delete(parentElement);
  };
  return labeller.cleanup;
}
