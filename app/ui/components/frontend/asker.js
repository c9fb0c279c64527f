// A question to the server that is asked one at a time, once more if somebody wants it meanwhile, and again by itself
// after a failure.

const FIRST_RETRY = 500; // milliseconds, doubled with each failure
const SLOWEST_RETRY = 8000;

export class Asker {
  #ask;
  #onChange;
  #isAsking = false;
  #isAskedAgain = false;
  #retry = null;
  #delay = FIRST_RETRY;
  trouble = "";

  /**
   * @param ask () → a promise of what came of it
   * @param onChange called after each try with what came of it; undefined after a failure
   */
  constructor(ask, onChange) {
    this.#ask = ask;
    this.#onChange = onChange;
  }

  async run() {
    if (this.#isAsking) {
      this.#isAskedAgain = true;
      return;
    }
    this.#isAsking = true;
    clearTimeout(this.#retry);
    let outcome;
    try {
      outcome = await this.#ask();
      this.trouble = "";
      this.#delay = FIRST_RETRY;
    } catch (error) {
      this.trouble = error.message;
      this.#delay = Math.min(SLOWEST_RETRY, this.#delay * 2);
      this.#retry = setTimeout(() => this.run(), this.#delay);
    }
    this.#isAsking = false;
    if (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      this.run();
    }
    this.#onChange(outcome);
  }

  end() {
    clearTimeout(this.#retry);
    this.#onChange = () => {};
  }
}
