// What was answered on this page, newest last, so that an undo shows the image again without asking the server.

import { outbox } from "./outbox.js";

const REMEMBERED = 100;
const PICTURES = 3; // pictures that are kept ready

export class Past {
  #acts = [];

  /** @param data {annotator_id, project_id} */
  constructor(data) {
    this.data = data;
  }

  add(act) {
    this.#acts.push(act);
    const old = this.#acts.at(-1 - PICTURES);
    if (old) delete old.item.picture;
    if (this.#acts.length > REMEMBERED) this.#acts.shift();
  }

  /** Take the newest act out: of this page, or else of an earlier one that could not send it. Null if there is none. */
  takeNewest() {
    return this.#acts.pop() ?? this.#unsentBefore();
  }

  /** Take one act out, by its uid. Null if it is not of this page. */
  take(uid) {
    const at = this.#acts.findIndex((act) => act.uid === uid);
    return at < 0 ? null : this.#acts.splice(at, 1)[0];
  }

  #unsentBefore() {
    const found = outbox.newestStanding((one) => one.annotator_id === this.data.annotator_id && one.local.project_id === this.data.project_id);
    // Of a batch a part may have been sent already: the server knows all of it.
    if (!found || found.act.batch) return null;
    return { item: found.local.item, uid: found.uid, queue: found.act.queue, action: found.act.action };
  }
}
