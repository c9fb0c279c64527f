// The labeller: one image at a time, one key an answer. Streamlit only mounts it; nothing here waits for Python, and no
// image waits for the server.

import { ContextPanel } from "./context_panel.js";
import { el, isFocusLeftBehind, isForOthers, isOnButton, style } from "./dom.js";
import { hint } from "./hints.js";
import { Keys, keyOf } from "./keys.js";
import { KeysDialog } from "./keys_dialog.js";
import { MANY_CLASSES, View } from "./labeller_view.js";
import { Emptiness } from "./emptiness.js";
import { mounting } from "./mounting.js";
import { outbox } from "./outbox.js";
import { Exclusion, Flag, Reasons } from "./panels.js";
import { Past } from "./past.js";
import { preferencesOf } from "./preferences.js";
import { ImageQueue } from "./queue.js";
import { Recent } from "./recent.js";
import { showSaving } from "./saving.js";
import { Search } from "./search.js";
import { Showing } from "./showing.js";
import { Telling, Timers } from "./telling.js";
import { UndoOnServer, takenBackElsewhere } from "./undoing.js";
import { PLAIN, Viewer } from "./viewer.js";

const DOUBLE_CLICK = 0.25; // seconds after which a click is meant for the image that it finds
const ABOUT_THE_GUESS = new Set(["review", "second_look"]); // queues in which people judge what is proposed
const PANS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const COUNTED = { label: "settled", skip: "skipped", unsure: "skipped" };

class Labeller {
  #pressedAt = null; // when the key went down that the next image is owed to, whenever that comes
  #timers;
  #telling;
  #ends = [];
  #panel = null;

  constructor(root, data, tell) {
    this.root = root;
    this.data = data;
    this.fresh = data.fresh;
    this.tell = tell;
    this.preferences = preferencesOf(data.annotator_id);
    this.recent = new Recent(data.project_id, data.classes);
    this.past = new Past(data);
    this.undoing = new UndoOnServer(data);
    this.acts = {
      confirm: () => this.#confirm(), undo: () => this.#undo(), skip: () => this.#answer({ action: "skip" }, "skipped"),
      reasons: () => this.#toggle(this.reasons), unsure: () => this.#answer({ action: "unsure" }, "not sure"),
      flag: () => this.#toggle(this.flag), exclude: () => this.#exclude(), search: () => this.#search(),
      zoomIn: () => this.viewer.zoom(1), zoomOut: () => this.viewer.zoom(-1), fit: () => this.viewer.fit(),
      light: () => this.#toggleLight(), smooth: () => this.#set("smooth", !this.viewer.isSmooth), help: () => this.keysDialog.open(),
    };
    this.view = new View(data.classes, {
      ...Object.fromEntries(Object.keys(this.acts).map((name) => [name, (event) => this.#byMouse(event, this.acts[name])])),
      choose: (one, event) => this.#byMouse(event, () => this.#label(one)),
      changeLight: (light) => this.#set("light", light),
      keepView: (keeps) => this.#set("keepsView", keeps),
    });
    this.view.root.dataset.queue = data.queue;
    this.#timers = new Timers(this.view.root);
    this.#telling = new Telling(this.#timers, (saved, finished) => this.tell("progress", { saved, finished }));
    const close = () => this.#open(null);
    this.reasons = new Reasons((note) => this.#answer({ action: "skip", note }, `skipped: ${note}`), close);
    this.exclusion = new Exclusion(() => this.#exclude(), close);
    this.flag = new Flag((note) => this.#flag(note), close);
    this.view.panels.append(this.reasons.root, this.exclusion.root, this.flag.root);
    this.keysDialog = new KeysDialog(data.classes, this.preferences, () => this.#focus());
    this.search = new Search((one) => this.#label(one), () => this.#focus());
    this.view.root.append(this.keysDialog.root, this.search.root);
    if (data.context) this.view.root.querySelector(".picture").append((this.context = new ContextPanel()).root);
    const tip = hint(this.preferences, "one-key", "Press the key beside a class, and the next image is there at once. ",
      el("kbd", { textContent: "u" }), " takes back, ", el("kbd", { textContent: "Space" }), " skips, ",
      el("kbd", { textContent: "?" }), " shows all keys and changes them.");
    if (tip) this.view.tips.append(tip);
    this.viewer = new Viewer(this.view.stage, (zoomed) => this.view.zoomed(zoomed, this.viewer.isSmooth));
    this.showing = new Showing(this.view, this.viewer, this.preferences);
    this.queue = new ImageQueue(data, (hasLostCurrent) => this.#refresh(hasLostCurrent));
    this.emptiness = new Emptiness(this.queue, data, this.view, this.#timers);
    const onKey = (event) => this.#key(event);
    addEventListener("keydown", onKey, true);
    this.#ends = [
      () => removeEventListener("keydown", onKey, true),
      () => this.viewer.end(),
      () => this.queue.close(),
      outbox.subscribe((change) => this.#heard(change)),
      this.preferences.subscribe(() => this.#prefer()),
    ];
    this.#prefer();
    showSaving(this.view.status);
    this.#sayWhyEmpty();
    const sheets = ["labeller.css", ...(data.context ? ["context_panel.css"] : [])];
    Promise.all(sheets.map((sheet) => style(root, data.assets + sheet))).then(() => root.append(this.view.root));
    this.queue.fill();
  }

  /** Somebody else has answered: what is held here may be settled. */
  askAgain(fresh) {
    if (fresh === this.fresh) return;
    this.fresh = fresh;
    this.showing.clear();
    outbox.drained().then(() => this.queue.empty());
  }

  end() {
    this.#ends.forEach((end) => end());
    this.#timers.end();
  }

  // --- what is shown

  #prefer() {
    const { preferences } = this;
    this.keys = new Keys(this.data.classes, preferences.get("layout", "standard"), preferences.get("keys", {}));
    this.view.writeKeys(this.keys);
    this.#offer();
    this.viewer.setSmooth(preferences.get("smooth", false));
    this.viewer.setLight(preferences.get("light", PLAIN));
    this.view.showLight(this.viewer.light);
    this.view.keeps.checked = preferences.get("keepsView", false);
  }

  #set(name, value) {
    this.preferences.set(name, value);
  }

  #offer() {
    this.view.offer(this.data.classes.length > MANY_CLASSES ? this.recent.likely() : []);
  }

  #refresh(hasLostCurrent = false) {
    if (this.queue.progress) this.view.progress(this.queue.progress);
    if (this.showing.item && this.showing.item === this.queue.current) return;
    if (hasLostCurrent) this.view.tell("The image that was shown here has gone to somebody else meanwhile.");
    if (this.queue.current) this.#show(this.queue.current);
    else this.#sayWhyEmpty();
  }

  #show(item) {
    this.#open(null);
    this.showing.show(item, this.data.strategies[item.strategy], this.#pressedAt);
    this.#pressedAt = null;
    this.view.propose(this.#proposed(), item.confidence, ABOUT_THE_GUESS.has(this.data.queue), this.data.proposal);
    this.context?.show(item, this.queue.items.slice(1, 3));
    if (isFocusLeftBehind()) this.#focus();
  }

  #sayWhyEmpty() {
    this.showing.clear();
    this.context?.hide();
    this.#open(null);
    this.view.wait();
    if (this.emptiness.say()) outbox.drained().then(() => this.#telling.now(true));
  }

  // --- what the annotator does

  #key(event) {
    if (!this.view.root.isConnected || this.keysDialog.isOpen || this.search.isOpen || isForOthers(event)) return;
    const key = keyOf(event);
    if ((key === " " || key === "Enter") && isOnButton(event)) return;
    const run = this.#meaning(key, event.shiftKey);
    if (!run) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.repeat && !run.mayRepeat) return;
    if (!this.view.root.contains(event.composedPath()[0])) this.#focus(); // the next Space is not for a link that was clicked
    this.#run(event, run);
  }

  #run(event, run) {
    this.#pressedAt = event?.timeStamp ?? null;
    run();
    if (this.queue.current) this.#pressedAt = null;
  }

  #meaning(key, isShifted) {
    if (this.#panel?.meaning(key)) return this.#panel.meaning(key);
    if (isShifted && PANS[key]) return Object.assign(() => this.viewer.pan(...PANS[key]), { mayRepeat: true });
    const one = this.keys.classOf(key);
    if (one) return () => this.#label(one);
    const action = this.keys.actionOf(key);
    if (action === "confirm" && !this.#proposed()) return undefined;
    return this.acts[action];
  }

  #byMouse(event, run) {
    // The second click of a double click was meant for the image that has just gone.
    const isJustThere = !this.showing.isPainted || this.showing.seconds < DOUBLE_CLICK;
    if (event?.detail > 1 && isJustThere && event.currentTarget?.closest(".classes, .recent, .actions, .guess")) return;
    this.#focus(); // otherwise the next Space would press the button again
    this.#run(event, run);
  }

  #focus() {
    this.view.root.focus({ preventScroll: true });
  }

  #proposed() {
    return this.data.classes.find((one) => one.id === this.showing.item?.proposed_class_id);
  }

  #label(one) {
    if (!this.showing.isPainted) return;
    this.recent.note(one);
    this.#answer({ action: "label", class_id: one.id }, one.name);
  }

  #confirm() {
    if (this.#proposed()) this.#label(this.#proposed());
  }

  #exclude() {
    if (!this.showing.item) return;
    if (this.#panel === this.exclusion) this.#answer({ action: "exclude" }, "excluded");
    else this.#open(this.exclusion);
  }

  #flag(note) {
    const { annotator_id, queue } = this.data;
    outbox.add({ annotator_id, queue, image_id: this.showing.item.id, action: "flag", note });
    this.#open(null);
    this.view.last.textContent = "Flagged. Now answer it as well as you can, or skip it.";
  }

  #search() {
    if (!this.showing.item) return;
    this.#open(null);
    const likely = this.recent.likely();
    const rest = this.data.classes.filter((one) => !likely.includes(one));
    const guess = this.#proposed();
    this.search.open([...new Set([...(guess ? [guess] : []), ...likely, ...rest])], this.keys, this.view.classList);
  }

  #toggleLight() {
    const isOpen = this.view.lightPanel.hidden;
    this.view.openLight(isOpen);
    if (!isOpen) this.#focus();
  }

  #toggle(panel) {
    if (this.showing.item) this.#open(this.#panel === panel ? null : panel);
  }

  #open(panel) {
    if (this.#panel === panel) return;
    this.#panel?.close();
    if (this.#panel && !panel) this.#focus();
    this.#panel = panel;
    panel?.open();
  }

  #answer(act, words) {
    if (!this.showing.isAnswerable) return;
    const { seconds } = this.showing;
    const item = this.queue.answer();
    const { annotator_id, queue, project_id } = this.data;
    const { picture, ...shown } = item;
    const uid = outbox.add({ annotator_id, queue, image_id: item.id, seconds, ...act }, { project_id, item: shown });
    this.past.add({ item, uid, queue, action: act.action });
    this.#count(act.action, 1);
    this.view.tell("");
    this.view.last.replaceChildren("Last answer: ", el("strong", { textContent: words }));
    this.#refresh();
    this.#offer();
  }

  #undo() {
    const last = this.past.takeNewest();
    if (!last) return this.#undoOnServer();
    const { annotator_id, queue } = this.data;
    outbox.takeBack(last.uid, { annotator_id, queue: last.queue, image_id: last.item.id });
    if (last.queue !== queue) return this.view.tell(takenBackElsewhere({ ...last.item, queue: last.queue }));
    this.#count(last.action, -1);
    this.#putBack(last.item);
  }

  async #undoOnServer() {
    const undone = await this.undoing.newest();
    if (!undone || !this.view.root.isConnected) return;
    undone.here.reverse().forEach((item) => this.#putBack(item));
    if (undone.here.length) this.queue.fill();
    else this.view.tell(undone.said);
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
    if (COUNTED[action]) progress[COUNTED[action]] += by;
    if (action === "exclude") progress.total -= by;
    this.view.progress(progress);
  }

  // --- what the server and the browser's store say

  #heard(change) {
    showSaving(this.view.status);
    for (const { act, error } of change.lost) this.#notKept(act, error);
    for (const { act, error } of change.refused) {
      this.past.take(act.uid);
      this.view.tell(`An answer was not accepted: ${error}`);
      this.queue.reopen(act.image_id);
    }
    if (change.saved) {
      if (!outbox.unsaved) this.view.spoken.textContent = `${this.view.last.textContent.replace("Last answer: ", "")} – saved.`;
      this.#telling.saved(change.saved);
    }
  }

  /** The browser could not keep an answer: it does not count, and its image is shown again. */
  #notKept(act, error) {
    const answered = this.past.take(act.uid);
    if (answered) {
      this.#count(answered.action, -1);
      this.#putBack(answered.item);
    }
    this.view.tell(`${error} What you did last was not taken: make some room, then do it again.`);
  }
}

export default mounting(
  (root, data, tell) => new Labeller(root, data, tell),
  (labeller, data, tell) => {
    labeller.tell = tell;
    labeller.askAgain(data.fresh);
  },
);
