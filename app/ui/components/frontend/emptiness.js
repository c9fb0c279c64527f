// What is said where there is no image, and when to look again.

const NOTICEABLE = 200; // milliseconds; what is over before is not spoken of
const LOOK_AGAIN = 1500; // milliseconds until a queue that is being filled is asked again
const LOOK_FOR_RETURNED = 5000; // milliseconds until images that others hold are asked for again

const LOADING = { title: "Loading", text: "The next images are on their way.", isQuick: true };

/** Says in a view why a queue has nothing to show, and has it look again. */
export class Emptiness {
  #again = null;

  /** @param queue an ImageQueue or GridPages */
  constructor(queue, data, view, timers) {
    Object.assign(this, { queue, data, view, timers });
  }

  /** Say it now, or, if it is normally over at once, only if it lasts. Gives back whether the queue is finished. */
  say() {
    const { title, text, again, isFinished, isQuick } = reason(this.queue, this.data);
    const isStillSo = () => this.queue.isEmpty && reason(this.queue, this.data).isQuick;
    if (isQuick) this.timers.later(NOTICEABLE, () => isStillSo() && this.view.say(title, text));
    else this.view.say(title, text);
    clearTimeout(this.#again);
    if (again) this.#again = this.timers.later(again, () => this.queue.isEmpty && this.queue.fill());
    return Boolean(isFinished);
  }
}

/**
 * @param queue a queue without a current image
 * @param data {queue, texts, annotator_name}
 * @returns {{title, text, again, isFinished, isQuick}} `again` in milliseconds, if the queue should be asked again;
 *   `isQuick` if it is normally over before anybody could read it
 */
function reason({ progress, selection, trouble, elsewhere, isDry }, data) {
  if (trouble) return { title: trouble, text: "Trying again by itself. Nothing that you answered is lost." };
  if (!progress || !isDry) return LOADING;
  const needsDraft = data.queue === "selection" || data.queue === "validation";
  if (needsDraft && selection === "pending") {
    const text = "This takes a moment. They appear here by themselves.";
    return { title: "The images are being chosen", text, again: LOOK_AGAIN };
  }
  if (!progress.total) return { title: data.texts.nothing_title, text: data.texts.nothing };
  const passed = progress.skipped ? ` You passed over ${progress.skipped}: they wait for somebody else.` : "";
  if (progress.settled + progress.skipped >= progress.total) {
    return { title: "This queue is finished", text: `${data.texts.finished}${passed}`, isFinished: true };
  }
  if (!elsewhere.images) return { ...LOADING, again: LOOK_AGAIN };
  return { title: "Nothing is left for you", text: whoHolds(elsewhere, data.annotator_name), again: LOOK_FOR_RETURNED };
}

function whoHolds({ images, names, seconds }, me) {
  const whom = names.map((name) => (name === me ? "you, in another tab" : name)).join(" and ");
  const what = images === 1 ? "1 image is" : `${images} images are`;
  return `${what} with ${whom}. What is not answered comes back within ${Math.ceil(seconds)} s and appears here by itself.`;
}
