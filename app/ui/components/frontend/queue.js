// The images ahead: asked for before they are needed, and decoded before they are shown.

import { imageAddress } from "./dom.js";
import { outbox } from "./outbox.js";
import { ask } from "./session.js";

const AHEAD = 48;
const DECODED = 16;
const LOW = 24;

export class ImageQueue {
  #settings;
  #onChange;
  #asking = false;
  #askedAgain = false;
  #answered = new Set();
  #retry = null;
  #generation = 0; // rises when what is held is forgotten: an answer to an older question is then no use
  #delay = 500;
  items = [];
  progress = null;
  selection = null;
  trouble = "";
  isExhausted = false;

  constructor(settings, onChange) {
    this.#settings = settings;
    this.#onChange = onChange;
  }

  get current() {
    return this.items[0] ?? null;
  }

  /** The image at the front is answered: the next one takes its place. */
  answer() {
    const item = this.items.shift();
    this.#answered.add(item.id);
    this.#prefetch();
    if (this.items.length < LOW && !this.isExhausted) this.fill();
    return item;
  }

  /** An answer was taken back: its image stands at the front again. */
  putBack(item) {
    this.#answered.delete(item.id);
    this.items = [item, ...this.items.filter((other) => other.id !== item.id)];
    this.#prefetch();
  }

  /** Forget what is held, and ask for it again. */
  empty() {
    this.items = [];
    this.isExhausted = false;
    this.#generation += 1;
    this.fill();
    this.#onChange();
  }

  /** Ask the server for more; one request at a time. */
  async fill() {
    if (this.#asking) {
      this.#askedAgain = true;
      return;
    }
    this.#asking = true;
    const { project_id, queue, annotator_id } = this.#settings;
    const generation = this.#generation;
    const n = Math.min(500, AHEAD + this.items.length + outbox.unsaved);
    try {
      const found = await ask(`/api/projects/${project_id}/queue/${queue}?n=${n}&annotator=${annotator_id}`);
      if (generation === this.#generation) this.#take(found, n);
      this.trouble = "";
      this.#delay = 500;
    } catch (error) {
      this.trouble = error.message;
      this.#delay = Math.min(8000, this.#delay * 2);
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.fill(), this.#delay);
    }
    this.#asking = false;
    if (this.#askedAgain) {
      this.#askedAgain = false;
      this.fill();
    }
    this.#onChange();
  }

  close() {
    clearTimeout(this.#retry);
    this.#onChange = () => {};
  }

  #take(reply, asked) {
    const known = new Set(this.items.map((item) => item.id));
    const fresh = reply.images.filter((item) => !known.has(item.id) && !this.#answered.has(item.id));
    this.items.push(...fresh);
    this.isExhausted = reply.images.length < asked;
    this.selection = reply.selection;
    this.progress = { ...reply.progress };
    // What the server has not heard of yet counts all the same.
    const mine = (action) => outbox.count((item) => item.queue === this.#settings.queue && item.action === action);
    this.progress.settled += mine("label") - mine("withdraw");
    this.progress.skipped += mine("skip");
    this.#prefetch();
  }

  #prefetch() {
    for (const item of this.items.slice(0, DECODED)) {
      if (item.picture) continue;
      item.picture = new Image();
      item.picture.decoding = "sync";
      item.picture.src = imageAddress(item);
      item.picture.decode().catch(() => {}); // a picture that fails is noticed when its turn comes
    }
  }
}
