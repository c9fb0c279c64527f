// Answers on their way to the server. An answer is accepted once the browser's store has it on the disk, and leaves
// the store only when the server has acknowledged it.
//
// One outbox for the whole page, whatever is shown: module state outlives every component. The tabs of a browser share
// the store and take turns at sending. Every answer has a uid of its own: sent twice, it counts once.

import { Trouble, TAB, ask, session, uuid } from "./session.js";
import { openStore } from "./store.js";

const BATCH = 50;
const GATHER = 200; // milliseconds in which answers are gathered
const AGREE = 5000; // milliseconds after which an answer of another tab should have left
const FIRST_RETRY = 300;
const SLOWEST_RETRY = 8000;

class Outbox {
  #waiting = new Map(); // uid → record, oldest first: all that is unsent in this browser, as far as this tab knows
  #refusals = new Map(); // uid → what the server refused, until somebody has dismissed it
  #handedOver = new Set(); // uids that were sent while the page went away
  #unknown = new Set(); // people whom the server does not know: their answers wait, and hold up nobody else's
  #store = openStore();
  #others = new BroadcastChannel("ssmae-outbox");
  #listeners = new Set();
  #timer = null;
  #due = Infinity;
  #isBusy = false;
  #delay = 0;
  #most = BATCH;
  #keeps = true;
  trouble = null;

  constructor() {
    this.#others.onmessage = ({ data }) => this.#hear(data);
    session.onEnter(() => this.flush());
    this.#store.then((store) => {
      this.#keeps = store.isDurable;
      this.recover();
    });
  }

  /** How many answers of this person the server does not have yet. */
  get unsaved() {
    return this.#mine().length;
  }

  /** Whether unsent answers outlive this page. */
  get isDurable() {
    return this.#keeps;
  }

  /** Acts of this person that are unsent, oldest first. */
  acts() {
    return this.#mine().map((record) => record.act);
  }

  count(test) {
    return this.acts().filter(test).length;
  }

  /** Other people's answers that wait here for them to sign in: [{name, count}]. */
  waitingForOthers() {
    const counts = new Map();
    for (const record of this.#waiting.values()) {
      if (!isOfHere(record) || session.speaksFor(record.annotator_id)) continue;
      counts.set(record.name, (counts.get(record.name) ?? 0) + 1);
    }
    return [...counts].map(([name, count]) => ({ name, count }));
  }

  /** How many answers wait for another database, which was served at this address. */
  get waitingForAnother() {
    return session.isKnown ? [...this.#waiting.values()].filter((record) => !isOfHere(record)).length : 0;
  }

  /** What the server refused of this person, oldest first: [{uid, act, local, error}]. */
  refusals() {
    return [...this.#refusals.values()].filter(isOurs);
  }

  /** Somebody has read that these were refused. */
  dismiss(uids) {
    this.#store.then((store) => store.dismiss(uids)).catch(() => {}); // then they are shown once more after a reload
    this.#hear({ dismissed: uids });
    this.#others.postMessage({ dismissed: uids });
  }

  /**
   * Put an answer on its way. Gives back its uid at once; listeners hear it under `lost` if the browser cannot keep it.
   * @param act what the server is sent, with the annotator's id
   * @param local what is needed to show the image again, if its answer is taken back after a reload
   */
  add(act, local = {}) {
    const record = this.#record(act, local);
    this.#waiting.set(record.uid, record);
    this.#store
      .then((store) => store.add(record))
      .then(() => this.#kept(record))
      .catch((error) => this.#lost(record, error));
    this.#tell({});
    return record.uid;
  }

  /**
   * Take an answer back: out of the store if it has not left yet, else by an act that names it. What was said of the
   * image before then stands again; an answer that never arrives leaves nothing to undo.
   * @param about {annotator_id, queue, image_id} of the answer
   */
  takeBack(uid, about) {
    const taken = this.#waiting.get(uid);
    const mayHaveLeft = this.#handedOver.has(uid) || (taken && taken.tab !== TAB);
    const counter = this.#record({ ...about, action: "withdraw", undoes: uid }, {});
    this.#store
      .then((store) => store.takeBack(uid, mayHaveLeft, counter))
      .then((isCountered) => {
        if (isCountered) {
          this.#waiting.set(counter.uid, counter);
          this.#kept(counter);
        } else {
          this.#gone([uid], {});
          this.#others.postMessage({ gone: [uid], change: {} });
        }
      })
      .catch((error) => this.#lost(counter, error));
  }

  /** The newest unsent record that passes a test, unless an unsent act undoes it. */
  newestStanding(test) {
    const undone = new Set(this.acts().map((act) => act.undoes));
    return this.#mine().findLast((record) => !undone.has(record.uid) && test(record)) ?? null;
  }

  /** Hear of every change: {saved, refused: [{act, error}], lost: [{act, error}]}. Gives back what ends it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the server has everything of this person. */
  drained() {
    if (!this.unsaved) return Promise.resolve();
    this.flush();
    return new Promise((resolve) => {
      const end = this.subscribe(() => {
        if (this.unsaved) return;
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

  /** Read what earlier pages and other tabs have left in the store, and send it. */
  async recover() {
    const store = await this.#store;
    const found = await store.every().catch(() => []);
    for (const refusal of await store.refusals().catch(() => [])) this.#refusals.set(refusal.uid, refusal);
    for (const record of found) {
      if (!this.#waiting.has(record.uid)) this.#waiting.set(record.uid, { ...record, isKept: true });
    }
    this.#tell({});
    this.flush();
  }

  /** The page goes away: hand over what waits, without waiting for the answer. The store keeps it until then. */
  handOver() {
    const mine = this.#mine().slice(0, BATCH);
    for (const records of Map.groupBy(mine, (record) => record.annotator_id).values()) {
      records.forEach((record) => this.#handedOver.add(record.uid));
      this.#post(records, true).catch(() => {});
    }
  }

  #record({ annotator_id, ...act }, local) {
    const uid = uuid();
    const { database, name } = session;
    return { uid, database, annotator_id, name, tab: TAB, act: { uid, ...act }, local, sent: false };
  }

  #mine() {
    return [...this.#waiting.values()].filter(isOurs);
  }

  #kept(record) {
    record.isKept = true;
    this.#others.postMessage({ added: record });
    this.#plan(GATHER);
    this.#tell({});
  }

  #lost(record, error) {
    this.#waiting.delete(record.uid);
    const isFull = error?.name === "QuotaExceededError";
    const why = isFull ? "The browser's storage is full." : "The browser could not write to its storage.";
    this.#tell({ lost: [{ act: record.act, error: why }] });
  }

  #gone(uids, change) {
    for (const uid of uids) this.#waiting.delete(uid);
    for (const refusal of change.refused ?? []) this.#refusals.set(refusal.uid, refusal);
    this.#tell(change);
  }

  #hear({ added, gone, change, dismissed = [] }) {
    if (added) {
      this.#waiting.set(added.uid, added);
      this.#plan(AGREE); // the tab that adds and the one that sends may have been heard the wrong way round
    }
    for (const uid of dismissed) this.#refusals.delete(uid);
    if (gone) this.#gone(gone, change);
    else this.#tell({});
  }

  #plan(wait) {
    const due = performance.now() + Math.max(wait, this.#delay);
    if (!session.isKnown || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.#send();
    }, due - performance.now());
  }

  async #send() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    let hasSent = false;
    try {
      hasSent = await oneTabAtATime(() => this.#sendBatch());
    } catch (error) {
      this.#slowDown(error);
      this.#tell({});
    } finally {
      this.#isBusy = false; // whatever went wrong: it is tried again
    }
    if (this.unsaved) this.#plan(hasSent ? this.#delay || 1 : AGREE);
  }

  /** Gives back whether there was anything that could be sent. */
  async #sendBatch() {
    let batch = [];
    try {
      const store = await this.#store;
      batch = await store.claim((record) => isOurs(record) && !this.#unknown.has(record.annotator_id), this.#most);
      if (!batch.length) {
        this.#agreeWith(await store.every());
        return false;
      }
      const { results } = await this.#post(batch, false);
      await this.#settle(store, batch, results);
    } catch (error) {
      await this.#failed(batch, error);
    }
    return true;
  }

  /** Another tab may have been closed before it could say what it had sent. */
  #agreeWith(records) {
    const kept = new Set(records.map((record) => record.uid));
    const gone = [...this.#waiting.values()].filter((record) => record.isKept && !kept.has(record.uid));
    this.#gone(gone.map((record) => record.uid), {});
  }

  async #settle(store, batch, results) {
    const done = batch.filter((_, at) => results[at].status !== "failed");
    const refused = batch
      .map(({ seq, name, tab, sent, ...kept }, at) => ({ ...kept, error: results[at].error }))
      .filter((_, at) => results[at].status === "refused");
    const uids = done.map((record) => record.uid);
    await store.settle(uids, refused);
    if (done.length < batch.length) this.#slowDown(new Trouble("broken", "The server could not store an answer yet."));
    else this.#recovered();
    const change = { saved: done.length - refused.length, refused };
    this.#others.postMessage({ gone: uids, change });
    this.#gone(uids, change);
  }

  async #failed(batch, error) {
    if (error.status === 404 && batch.length) this.#unknown.add(batch[0].annotator_id);
    // A request that the server cannot read: one answer at a time finds which it is, and that one is refused.
    if (error.status === 400 || error.status === 422) {
      if (batch.length === 1) return this.#settle(await this.#store, batch, [{ status: "refused", error: error.message }]);
      this.#most = 1;
      return;
    }
    this.#slowDown(error);
    this.#tell({});
  }

  #slowDown(error) {
    this.#delay = Math.min(SLOWEST_RETRY, Math.max(FIRST_RETRY, this.#delay * 2));
    this.trouble = error instanceof Trouble ? error : new Trouble("broken", `This page has an error (${error.message}).`);
  }

  #recovered() {
    this.#delay = 0;
    this.trouble = null;
    if (!this.#mine().length) this.#most = BATCH;
  }

  #post(records, keepalive) {
    const body = { annotator_id: records[0].annotator_id, items: records.map((record) => record.act) };
    return ask("/api/annotations", { method: "POST", body, keepalive });
  }

  #tell(change) {
    for (const listener of [...this.#listeners]) {
      try {
        listener({ saved: 0, refused: [], lost: [], ...change });
      } catch (error) {
        reportError(error); // the others hear of it all the same, and sending goes on
      }
    }
  }
}

function isOfHere(record) {
  return !session.isKnown || record.database === session.database;
}

/** Whether a record may be sent from here: it is of this database, and of whoever signed in. */
function isOurs(record) {
  return isOfHere(record) && session.speaksFor(record.annotator_id);
}

/** Web Locks need an encrypted page or this machine; elsewhere two tabs may send the same answer, which counts once. */
function oneTabAtATime(run) {
  return navigator.locks ? navigator.locks.request("ssmae-outbox", run) : run();
}

export const outbox = new Outbox();

addEventListener("online", () => outbox.flush());
addEventListener("pagehide", () => outbox.handOver());
addEventListener("pageshow", (event) => event.persisted && outbox.recover());
document.addEventListener("visibilitychange", () => outbox.flush());
addEventListener("beforeunload", (event) => {
  if (outbox.unsaved && !outbox.isDurable) event.preventDefault();
});
