// Images that this page holds ahead belong to it while somebody works here: their leases are renewed, and given back
// when the page goes away. Whoever goes to lunch keeps nobody waiting.

import { ask, uuid } from "./session.js";

const BEAT = 20000; // milliseconds; a lease lasts a minute
const AWAY = 300000; // milliseconds without a key, a touch or a move after which nobody is taken to be here
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel"];

export class Leases {
  #seen = performance.now();
  #ends = [];
  tab = uuid();

  /**
   * @param settings {project_id, queue, annotator_id}; `part`, where only a part of the queue is meant
   * @param beat called when the leases should be renewed
   */
  constructor(settings, beat) {
    this.settings = settings;
    const timer = setInterval(() => this.#isHere() && beat(), BEAT);
    const listen = (target, name, run) => {
      target.addEventListener(name, run, { capture: true, passive: true });
      this.#ends.push(() => target.removeEventListener(name, run, { capture: true }));
    };
    const sign = () => {
      const wasAway = !this.#isHere();
      this.#seen = performance.now();
      if (wasAway) beat();
    };
    for (const name of SIGNS) listen(window, name, sign);
    listen(document, "visibilitychange", () => this.#isHere() && beat());
    listen(window, "pageshow", (event) => event.persisted && beat());
    listen(window, "pagehide", () => this.release());
    this.#ends.push(() => clearInterval(timer));
  }

  /** Renew what is held and take more; gives back what the server says. */
  take(n, held) {
    const { project_id, queue, annotator_id } = this.settings;
    const body = { annotator_id, tab: this.tab, n, held, ...this.settings.part };
    return ask(`/api/projects/${project_id}/queues/${queue}/take`, { method: "POST", body });
  }

  /** Resolves when they are given back. */
  release() {
    const body = { annotator_id: this.settings.annotator_id, tab: this.tab };
    return ask("/api/leases/release", { method: "POST", body, keepalive: true }).catch(() => {}); // they end by themselves
  }

  end() {
    this.#ends.forEach((end) => end());
    return this.release();
  }

  #isHere() {
    return document.visibilityState === "visible" && performance.now() - this.#seen < AWAY;
  }
}
