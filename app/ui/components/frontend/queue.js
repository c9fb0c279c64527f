// The images ahead: leased before they are needed, and decoded before they are shown.

import { Asker } from "./asker.js";
import { imageAddress } from "./dom.js";
import { Leases } from "./leases.js";
import { outbox } from "./outbox.js";

const AHEAD = 48;
const MOST = 96; // that the server lends to one tab
const DECODED = 24;
const LOW = 24;
const SCARCE = 5; // so few are left that answers are not gathered any more, but sent at once

export class ImageQueue {
  #settings;
  #onChange;
  #leases;
  #asker;
  #answered = new Set();
  #putBackSince = new Set();
  #end;
  #generation = 0; // rises when what is held is forgotten: an answer to an older question is then no use
  items = [];
  progress = null;
  selection = null;
  elsewhere = null;
  isDry = false; // the server had nothing more when it was asked last

  /** @param onChange called with whether the image at the front went to somebody else */
  constructor(settings, onChange) {
    this.#settings = settings;
    this.#onChange = onChange;
    this.#leases = new Leases(settings, () => this.fill());
    this.#asker = new Asker(() => this.#ask(), (hasLostCurrent) => this.#onChange(Boolean(hasLostCurrent)));
    // Near the end of a queue the server lends a tab a share of what is left, and more once its answers have arrived.
    this.#end = outbox.subscribe(({ saved }) => saved && this.items.length < LOW && this.#mayHaveMore && this.fill());
  }

  get trouble() {
    return this.#asker.trouble;
  }

  get current() {
    return this.items[0] ?? null;
  }

  get isEmpty() {
    return !this.items.length;
  }

  /** The image at the front is answered: the next one takes its place. */
  answer() {
    const item = this.items.shift();
    this.#answered.add(item.id);
    this.#prefetch();
    if (!this.items.length || (this.items.length < LOW && !this.isDry)) this.fill();
    if (this.items.length < SCARCE && this.#mayHaveMore) outbox.flush();
    return item;
  }

  get #mayHaveMore() {
    return this.progress !== null && this.progress.total - this.progress.settled - this.progress.skipped > this.items.length;
  }

  /** An answer was taken back: its image stands at the front again. */
  putBack(item) {
    this.#answered.delete(item.id);
    this.#putBackSince.add(item.id);
    this.items = [item, ...this.items.filter((other) => other.id !== item.id)];
    this.#prefetch();
  }

  /** An answer does not count: the server may offer its image again. */
  reopen(imageId) {
    this.#answered.delete(imageId);
    this.fill();
  }

  /** Forget what is held, and ask for it again. */
  empty() {
    this.items = [];
    this.isDry = false;
    this.#generation += 1;
    this.fill();
    this.#onChange(false);
  }

  /** Renew what is held, and ask for more; one request at a time. */
  fill() {
    this.#asker.run();
  }

  /** Resolves to whether the image at the front went to somebody else. */
  async #ask() {
    const generation = this.#generation;
    const unsent = this.#unsent();
    const held = [...new Set([...this.items.map((item) => item.id), ...unsent])];
    this.#putBackSince.clear();
    const found = await this.#leases.take(Math.min(MOST, AHEAD + unsent.size), held);
    const current = this.current;
    if (generation === this.#generation) this.#take(found, new Set(held), unsent);
    return current !== null && !this.items.includes(current);
  }

  close() {
    this.#asker.end();
    this.#end();
    this.#leases.end();
    this.#onChange = () => {};
  }

  /** Ids of the images about which the server has not heard everything. */
  #unsent() {
    return new Set(outbox.acts().map((act) => act.image_id));
  }

  #take(reply, held, unsent) {
    // What somebody else has meanwhile is dropped; of an image with an act on its way the server cannot judge yet.
    const kept = new Set(reply.kept);
    const isMine = (id) => kept.has(id) || !held.has(id) || unsent.has(id) || this.#putBackSince.has(id);
    this.items = this.items.filter((item) => isMine(item.id));
    const known = new Set(this.items.map((item) => item.id));
    const fresh = reply.images.filter((item) => !known.has(item.id) && !this.#answered.has(item.id));
    this.items.push(...fresh);
    this.isDry = !fresh.length;
    this.selection = reply.selection;
    this.elsewhere = reply.elsewhere;
    this.progress = { ...reply.progress };
    // What the server has not heard of yet counts all the same.
    const mine = (...actions) => outbox.count((act) => act.queue === this.#settings.queue && actions.includes(act.action));
    this.progress.settled += mine("label") - mine("withdraw");
    this.progress.skipped += mine("skip", "unsure");
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
