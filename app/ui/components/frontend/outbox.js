// Answers on their way to the server. An answer leaves this list only when the server has acknowledged it.
//
// One list for the whole page, whatever is shown: module state outlives every component. Sent in order, one batch at a
// time; every answer carries a uid of its own, so that sending it twice does no harm.

const BATCH = 50;
const WAIT = 200; // milliseconds in which answers are gathered
const SLOWEST = 8000;

class Outbox {
  #items = [];
  #sending = new Set();
  #timer = null;
  #busy = false;
  #delay = 0;
  #listeners = new Set();
  trouble = "";

  get unsaved() {
    return this.#items.length;
  }

  has(test) {
    return this.#items.some(test);
  }

  count(test) {
    return this.#items.filter(test).length;
  }

  /** Put an answer on its way. Gives back its uid. */
  add(item) {
    const uid = crypto.randomUUID();
    this.#items.push({ uid, ...item });
    this.#plan(WAIT);
    this.#tell({});
    return uid;
  }

  /** Take an answer back that has not left yet. Gives back whether that was possible. */
  take(uid) {
    if (this.#sending.has(uid)) return false;
    const at = this.#items.findIndex((item) => item.uid === uid);
    if (at < 0) return false;
    this.#items.splice(at, 1);
    this.#tell({});
    return true;
  }

  /** Hear of every change: {saved: number, refused: [{item, error}]}. Gives back a function that ends it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything is acknowledged. */
  drained() {
    if (!this.#items.length) return Promise.resolve();
    this.flush();
    return new Promise((resolve) => {
      const end = this.subscribe(() => {
        if (this.#items.length) return;
        end();
        resolve();
      });
    });
  }

  /** Send now what waits. */
  flush() {
    this.#delay = 0;
    this.#plan(0);
  }

  /** The page goes away: hand over what waits, without waiting for the answer. */
  abandon() {
    for (const batch of this.#batches()) this.#post(batch, true).catch(() => {});
  }

  #batches() {
    const byAnnotator = Map.groupBy(this.#items, (item) => item.annotator_id);
    return [...byAnnotator.values()].map((items) => items.slice(0, BATCH));
  }

  #plan(wait) {
    if (this.#timer !== null && wait > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#send();
    }, wait);
  }

  async #send() {
    const batch = this.#batches()[0];
    if (this.#busy || !batch) return;
    this.#busy = true;
    batch.forEach((item) => this.#sending.add(item.uid));
    let change = {};
    try {
      const reply = await this.#post(batch, false);
      if (!reply.ok) throw new Error((await reply.json().catch(() => ({}))).error ?? `The server says ${reply.status}.`);
      change = this.#settle(batch, (await reply.json()).results);
    } catch (error) {
      this.#delay = Math.min(SLOWEST, Math.max(300, this.#delay * 2));
      this.trouble = error instanceof TypeError ? "The server cannot be reached." : error.message;
    }
    batch.forEach((item) => this.#sending.delete(item.uid));
    this.#busy = false;
    if (this.#items.length) this.#plan(this.#delay || 1);
    this.#tell(change);
  }

  #settle(batch, results) {
    const settled = new Set();
    const refused = [];
    let isWaiting = false;
    results.forEach((result, at) => {
      if (result.status === "failed") isWaiting = true;
      else settled.add(batch[at].uid);
      if (result.status === "refused") refused.push({ item: batch[at], error: result.error });
    });
    this.#items = this.#items.filter((item) => !settled.has(item.uid));
    this.#delay = isWaiting ? Math.min(SLOWEST, Math.max(300, this.#delay * 2)) : 0;
    this.trouble = isWaiting ? "The server could not store an answer yet." : "";
    return { saved: settled.size - refused.length, refused };
  }

  #post(items, keepalive) {
    const annotator = items[0].annotator_id;
    return fetch("/api/annotations", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ annotator_id: annotator, items: items.map(({ annotator_id, ...rest }) => rest) }),
      keepalive,
    });
  }

  #tell(change) {
    for (const listener of [...this.#listeners]) listener({ saved: 0, refused: [], ...change });
  }
}

export const outbox = new Outbox();

addEventListener("online", () => outbox.flush());
addEventListener("pagehide", () => outbox.abandon());
addEventListener("beforeunload", (event) => {
  if (outbox.unsaved) event.preventDefault();
});
