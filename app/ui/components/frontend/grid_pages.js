// The pages of a grid: the one in hand, and the next one, leased and decoded before it is needed.

import { Asker } from "./asker.js";
import { imageAddress } from "./dom.js";
import { Leases } from "./leases.js";
import { outbox } from "./outbox.js";

const THUMBNAIL = 256;
const MOST = 192; // that the server lends to one tab
const PATIENCE = 2000; // milliseconds that a grid waits for the one before it to give back what it held
const RETURNING = 5000; // milliseconds in which the server may not have heard yet that an answer was taken back

let left = Promise.resolve(); // the grid before this one has given back what it held

export class GridPages {
  #leases;
  #asker;
  #answered = new Set();
  #putBackAt = new Map(); // image id → when its answer was taken back
  page = []; // items in hand
  ahead = [];
  progress = null;
  elsewhere = null;
  isDry = false;
  selection = null;

  /**
   * @param settings {project_id, queue, annotator_id, part: {class_id, order}}
   * @param size how many images a page has
   * @param onChange called after the server was asked
   */
  constructor(settings, size, onChange) {
    this.size = size;
    this.#asker = new Asker(() => this.#ask(), () => onChange());
    this.#leases = new Leases(settings, () => this.fill());
  }

  get trouble() {
    return this.#asker.trouble;
  }

  get isEmpty() {
    return !this.page.length;
  }

  /** These of the page in hand are answered, the others are left for later: the next page takes its place. */
  turn(answered) {
    for (const item of answered) this.#answered.add(item.id);
    this.page = this.ahead.splice(0, this.size);
    this.fill();
  }

  /** Answers were taken back: their images are in hand again, and those that were in hand come next. */
  putBack(items) {
    const ids = new Set(items.map((item) => item.id));
    for (const id of ids) {
      this.#answered.delete(id);
      this.#putBackAt.set(id, performance.now());
    }
    this.ahead = [...this.page, ...this.ahead].filter((item) => !ids.has(item.id));
    this.page = items;
    items.forEach(load);
    this.fill();
  }

  /** An answer does not count: the server may offer its image again. */
  reopen(imageId) {
    this.#answered.delete(imageId);
    this.fill();
  }

  resize(size) {
    const all = [...this.page, ...this.ahead];
    this.size = size;
    this.page = all.splice(0, size);
    this.ahead = all;
    this.fill();
  }

  /** Renew what is held, and ask for more; one request at a time. */
  fill() {
    this.#asker.run();
  }

  async #ask() {
    await left;
    const unsent = new Set(outbox.acts().map((act) => act.image_id));
    const held = [...new Set([...[...this.page, ...this.ahead].map((item) => item.id), ...unsent])];
    const n = Math.min(MOST, 2 * this.size + unsent.size);
    this.#take(await this.#leases.take(n, held), new Set(held), unsent);
  }

  close() {
    this.#asker.end();
    left = Promise.race([this.#leases.end(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  }

  #take(reply, held, unsent) {
    const kept = new Set(reply.kept);
    const isReturning = (id) => performance.now() - (this.#putBackAt.get(id) ?? -Infinity) < RETURNING;
    const isMine = ({ id }) => kept.has(id) || !held.has(id) || unsent.has(id) || isReturning(id);
    this.ahead = this.ahead.filter(isMine);
    // What is looked at stays where it is; what somebody else has answered meanwhile is only marked.
    for (const item of this.page) item.isGone = !isMine(item);
    const known = new Set([...this.page, ...this.ahead].map((item) => item.id));
    const fresh = reply.images.filter((item) => !known.has(item.id) && !this.#answered.has(item.id));
    fresh.forEach(load);
    this.ahead.push(...fresh);
    this.isDry = !fresh.length && !unsent.size;
    this.progress = reply.progress;
    this.elsewhere = reply.elsewhere;
    if (!this.page.length) this.page = this.ahead.splice(0, this.size);
  }
}

/** Give an item its thumbnail, decoded before it is shown. */
function load(item) {
  if (item.picture) return;
  item.picture = new Image();
  item.picture.alt = "";
  item.picture.decoding = "sync";
  item.picture.src = imageAddress(item, THUMBNAIL);
  item.picture.decode().catch(() => {}); // a picture that fails is noticed when its turn comes
}
