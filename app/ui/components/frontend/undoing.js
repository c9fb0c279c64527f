// Taking back what this page has not answered itself: the server knows what a person's newest act was.

import { outbox } from "./outbox.js";
import { ask, uuid } from "./session.js";

const unknown = new Map(); // "project/annotator" → uid of an undo whose reply was lost

export class UndoOnServer {
  #isAsking = false;

  /** @param settings {project_id, annotator_id, queue} */
  constructor(settings) {
    this.settings = settings;
  }

  /**
   * Take the newest act back, with the batch that it belongs to.
   * @returns {{here, said}} the items that belong to this queue, newest first, and a sentence if there is none; null
   *   while an earlier undo is on its way
   */
  async newest() {
    if (this.#isAsking) return null;
    this.#isAsking = true;
    try {
      await outbox.drained();
      return this.#sorted(await this.#ask());
    } catch (error) {
      return { here: [], said: error.message };
    } finally {
      this.#isAsking = false;
    }
  }

  /** The same uid until there was a reply: an undo that was done already is not done to a second act. */
  async #ask() {
    const { project_id, annotator_id } = this.settings;
    const key = `${project_id}/${annotator_id}`;
    const uid = unknown.get(key) ?? uuid();
    unknown.set(key, uid);
    try {
      const { undone } = await ask("/api/undo", { method: "POST", body: { project_id, annotator_id, uid } });
      unknown.delete(key);
      return undone;
    } catch (error) {
      if (error.kind === "away" || error.kind === "broken") {
        throw new Error(`${error.message} Whether something was taken back is not known yet: undo again to find out.`);
      }
      unknown.delete(key);
      throw new Error(`${error.message} Nothing was taken back.`);
    }
  }

  #sorted(undone) {
    const here = undone.filter((item) => item.queue === this.settings.queue);
    if (here.length) return { here, said: "" };
    return { here, said: undone.length ? takenBackElsewhere(undone[0], undone.length) : "There is nothing to take back." };
  }
}

/** What is said of an act that was given in another queue: its image is not shown in this one. */
export function takenBackElsewhere({ name, queue }, count = 1) {
  const place = `in another place (${queue.replace("_", " ")})`;
  if (count > 1) return `Your newest answers, to ${count} images at once, were given ${place}; all of them are taken back.`;
  return `Your newest answer, to ${name}, was given ${place}; it is taken back.`;
}
