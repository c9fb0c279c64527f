// What people said of an image that waits for a decision. Everywhere else answers are blind, and there is nothing here.

import { el } from "./dom.js";

/** An empty list, hidden until there is something to show. */
export function opinionList() {
  return el("ul", { className: "opinions", "aria-label": "What people said", hidden: true });
}

/** @param said [{who, what, at, note}], oldest first, or nothing */
export function showOpinions(list, said) {
  list.hidden = !said?.length;
  list.replaceChildren(...(said ?? []).map(({ who, what, at, note }) => {
    const when = new Date(at);
    const short = when.toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    return el("li", {},
      el("strong", { textContent: what }),
      el("span", { textContent: who }),
      el("time", { dateTime: at, title: when.toLocaleString(), textContent: short }),
      note ? el("q", { textContent: note }) : null);
  }));
}
