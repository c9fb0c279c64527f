// What a person likes: keys, layout, hints that they have read. Kept on the server; this browser keeps a copy, so that
// nothing waits for it.

import { ask } from "./session.js";

const GATHER = 400; // milliseconds in which changes are gathered

class Preferences {
  #values = {};
  #changed = new Set();
  #timer = null;
  #listeners = new Set();

  constructor(annotatorId) {
    this.copy = `ssmae-preferences-${annotatorId}`;
    this.address = `/api/preferences?annotator_id=${annotatorId}`;
    try {
      this.#values = JSON.parse(localStorage.getItem(this.copy)) ?? {};
    } catch {
      // No copy, or no storage: the server knows.
    }
    this.#load();
  }

  get(name, otherwise) {
    return this.#values[name] ?? otherwise;
  }

  set(name, value) {
    this.#changed.add(name);
    this.#take({ ...this.#values, [name]: value });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), GATHER);
  }

  /** Hear of every change. Gives back a function that ends it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #load() {
    const saved = await ask(this.address).catch(() => null);
    if (!saved) return;
    this.#take({ ...saved, ...this.#pick(this.#changed) });
  }

  /** Send what has changed, and only that: what this browser does not know stays as it is. */
  async #save() {
    const sent = this.#pick(this.#changed);
    try {
      const saved = await ask(this.address, { method: "PUT", body: sent });
      for (const name of Object.keys(sent)) if (this.#values[name] === sent[name]) this.#changed.delete(name);
      this.#take({ ...saved, ...this.#pick(this.#changed) });
    } catch {
      // This browser has its copy; the next change sends it along.
    }
  }

  #pick(names) {
    return Object.fromEntries([...names].map((name) => [name, this.#values[name]]));
  }

  #take(values) {
    if (JSON.stringify(values) === JSON.stringify(this.#values)) return;
    this.#values = values;
    try {
      localStorage.setItem(this.copy, JSON.stringify(values));
    } catch {
      // A full or forbidden storage costs the copy only.
    }
    this.#listeners.forEach((listener) => listener());
  }
}

const people = new Map();

/** The preferences of a person, the same object for all of a page. */
export function preferencesOf(annotatorId) {
  if (!people.has(annotatorId)) people.set(annotatorId, new Preferences(annotatorId));
  return people.get(annotatorId);
}
