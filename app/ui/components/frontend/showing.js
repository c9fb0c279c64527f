// The image that is looked at: when it is really painted, for how long, and what happens if it cannot be loaded.

import { PLAIN, isPlain } from "./viewer.js";

const TRY_AGAIN = 2000; // milliseconds
const MEASURE = "ssmae:answer"; // from the key press to the next image on the screen

export class Showing {
  item = null;
  #paintedAt = null;
  #isBroken = false;
  #retry = null;

  /** @param preferences of the person; its `keepsView` keeps zoom and light for the next image */
  constructor(view, viewer, preferences) {
    this.view = view;
    this.viewer = viewer;
    this.preferences = preferences;
  }

  /** Nobody can know what is not painted. */
  get isPainted() {
    return this.#paintedAt !== null;
  }

  /** What cannot be loaded can still be skipped or excluded. */
  get isAnswerable() {
    return this.isPainted || this.#isBroken;
  }

  /** Seconds since it was painted, or null. */
  get seconds() {
    return this.isPainted ? (performance.now() - this.#paintedAt) / 1000 : null;
  }

  clear() {
    this.item = null;
    this.#paintedAt = null;
    this.#isBroken = false;
    clearTimeout(this.#retry);
  }

  /** Show an image. @param pressedAt when the key went down that led to it, or null */
  show(item, strategy, pressedAt) {
    this.clear();
    this.item = item;
    this.view.show(item, strategy);
    const { picture } = item;
    picture.alt = "";
    picture.onload = () => this.item === item && this.#loaded(item, pressedAt);
    picture.onerror = () => this.item === item && this.#failed(item, strategy);
    if (picture.complete) (picture.naturalWidth ? picture.onload : picture.onerror)();
  }

  #loaded(item, pressedAt) {
    item.picture.onload = null; // a sharper copy may follow: it is the same image
    const keepsView = this.preferences.get("keepsView", false);
    if (!keepsView && !isPlain(this.viewer.light)) this.preferences.set("light", PLAIN);
    this.viewer.show(item, item.picture, keepsView);
    afterPaint(() => this.item === item && this.#painted(item, pressedAt));
  }

  #painted(item, pressedAt) {
    this.#paintedAt = performance.now();
    this.view.root.dataset.painted = item.id;
    if (pressedAt === null) return;
    // For whoever watches with a PerformanceObserver; cleared, so that a long day does not fill the memory.
    performance.measure(MEASURE, { start: pressedAt, end: this.#paintedAt });
    performance.clearMeasures(MEASURE);
  }

  #failed(item, strategy) {
    this.#isBroken = true;
    this.view.tell("This image cannot be loaded; trying again. You can skip it or exclude it.");
    this.#retry = setTimeout(() => {
      const again = new Image();
      again.src = item.picture.src;
      item.picture = again;
      this.view.tell("");
      this.show(item, strategy, null);
    }, TRY_AGAIN);
  }
}

/** Run when the frame that is being made has been drawn. */
function afterPaint(run) {
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = run;
    channel.port2.postMessage(null);
  });
}
