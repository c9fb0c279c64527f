// What a page says about answers that are not saved yet.

import { el } from "./dom.js";
import { outbox } from "./outbox.js";
import { signInAddress } from "./session.js";

const count = (n, thing) => `${n} ${thing}${n === 1 ? "" : "s"}`;

/** {state: saved, waiting or trouble; text; link, or null: {address, text}} */
export function saving() {
  const { unsaved, trouble } = outbox;
  if (trouble && unsaved) return inTrouble(trouble, unsaved);
  if (!outbox.isDurable) {
    const text = unsaved ? `${unsaved} unsent: keep this page open` : "All saved";
    return { state: unsaved ? "waiting" : "saved", text, link: null };
  }
  return { state: unsaved ? "waiting" : "saved", text: unsaved ? `${unsaved} unsent` : "All saved", link: null };
}

function inTrouble(trouble, unsaved) {
  const kept = outbox.isDurable ? "kept in this browser" : "lost if you close this page";
  const yours = `your ${count(unsaved, "answer")} ${unsaved === 1 ? "is" : "are"} ${kept}.`;
  const said = { state: "trouble", link: null };
  switch (trouble.kind) {
    case "signed-out":
      return { ...said, text: `Sign in again: ${yours}`, link: { address: signInAddress(), text: "Sign in" } };
    case "reload":
      return { ...said, text: `${trouble.message} Then reload this page: ${yours}`, link: { address: location.href, text: "Reload" } };
    default:
      return { ...said, text: `${trouble.message} ${unsaved} unsent, ${kept}; trying again by itself.` };
  }
}

/** Sentences about answers that this page cannot send, and about a browser that keeps none. */
export function savingNotes() {
  const notes = outbox.waitingForOthers().map(({ name, count: n }) =>
    `${count(n, "answer")} of ${name || "somebody else"} ${n === 1 ? "waits" : "wait"} in this browser until ${name || "they"} ${name ? "signs" : "sign"} in.`);
  const another = outbox.waitingForAnother;
  if (another) {
    notes.push(`${count(another, "answer")} in this browser ${another === 1 ? "belongs" : "belong"} to another database that was served at this address, and ${another === 1 ? "waits" : "wait"} for it.`);
  }
  if (!outbox.isDurable) {
    notes.push("This window cannot keep answers, as a private window may not: stay on the page until it says “All saved”.");
  }
  return notes;
}

/** Write it into an element, with its state as a class. */
export function showSaving(element) {
  const { state, text, link } = saving();
  element.classList.remove("saved", "waiting", "trouble");
  element.classList.add("status", state);
  if (element.dataset.said === text) return; // what a screen reader has read once it need not read again
  element.dataset.said = text;
  element.replaceChildren(text, ...(link ? [" ", el("a", { href: link.address, textContent: link.text })] : []));
}
