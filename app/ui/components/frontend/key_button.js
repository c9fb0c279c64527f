// A button that shows the key which does the same.

import { el } from "./dom.js";
import { keyName } from "./keys.js";

/** @param content a text or an element */
export function keyButton(properties, content) {
  return el("button", { type: "button", ...properties }, el("kbd", { "aria-hidden": "true" }),
    typeof content === "string" ? el("span", { textContent: content }) : content);
}

/** Write a key on a button, or none. */
export function writeKey(button, key) {
  const keyboard = button.querySelector("kbd");
  keyboard.hidden = !key;
  keyboard.textContent = key ? keyName(key) : "";
  // Who sees a 7 presses 7: the name need not stand beside it.
  button.classList.toggle("named-like-key", Boolean(key) && key === button.dataset.name);
}
