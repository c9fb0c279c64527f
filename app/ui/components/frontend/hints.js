// Hints for the first time; whoever has read one does not see it again, in any browser.

import { el } from "./dom.js";

/** A hint that its reader can dismiss; an empty fragment if they have. */
export function hint(preferences, name, ...text) {
  const read = preferences.get("hints", []);
  if (read.includes(name)) return null;
  const card = el("aside", { className: "tip", "aria-label": "Hint" }, el("p", {}, ...text),
    el("button", { type: "button", textContent: "Got it", onclick: () => {
      preferences.set("hints", [...new Set([...preferences.get("hints", []), name])]);
      card.remove();
    } }));
  const end = preferences.subscribe(() => {
    if (!preferences.get("hints", []).includes(name)) return;
    card.remove();
    end();
  });
  return card;
}
