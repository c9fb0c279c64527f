// What a component does later, and how it tells Python that answers were saved.

const TELL_PYTHON = 2000; // milliseconds at least between two messages

/** Work for later, which is left undone when its element is gone by then. */
export class Timers {
  #timers = new Set();
  #root;

  constructor(root) {
    this.#root = root;
  }

  later(milliseconds, run) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#root.isConnected) run();
    }, milliseconds);
    this.#timers.add(timer);
    return timer;
  }

  end() {
    this.#timers.forEach(clearTimeout);
  }
}

/** Counts saved answers, and tells of them together. */
export class Telling {
  #saved = 0;
  #timer = null;
  #timers;
  #tell;

  /** @param tell (saved, isFinished) */
  constructor(timers, tell) {
    this.#timers = timers;
    this.#tell = tell;
  }

  saved(count) {
    this.#saved += count;
    this.#timer ??= this.#timers.later(TELL_PYTHON, () => {
      this.#timer = null;
      this.now(false);
    });
  }

  /** Tell at once of what was not told yet. */
  now(isFinished) {
    if (!this.#saved) return;
    this.#tell(this.#saved, isFinished);
    this.#saved = 0;
  }
}
