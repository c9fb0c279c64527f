// What the model knows of the image in hand, below it: what became of its proposal, what else it thinks, which labelled
// images look alike to it, and the changed copies that it was tested with.

import { el, imageAddress } from "./dom.js";
import { ask } from "./session.js";
import { viewsOf } from "./views.js";

const REMEMBERED = 50;
const THUMBNAIL = 256;

export class ContextPanel {
  #known = new Map(); // image id → promise of what the server says

  constructor() {
    this.root = el("section", { className: "context", "aria-label": "What the model thinks of this image", hidden: true });
  }

  /** Show what is known of an image, and ask about those that come next. */
  async show(item, next) {
    this.image = item.id;
    const known = this.#ask(item);
    for (const one of next) this.#ask(one);
    const found = await known;
    if (this.image !== item.id) return; // somebody was faster than the server
    this.root.replaceChildren(...this.#parts(item, found));
    this.root.hidden = !found;
    this.root.dataset.image = item.id;
  }

  hide() {
    this.image = null;
    this.root.hidden = true;
  }

  #ask(item) {
    if (!this.#known.has(item.id)) {
      this.#known.set(item.id, ask(`/api/images/${item.id}/context`).catch(() => null));
      if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value);
    }
    return this.#known.get(item.id);
  }

  #parts(item, found) {
    if (!found) return [];
    return [
      found.proposed_class_id === null ? null : part("Why it is here", el("p", { textContent: found.why })),
      found.likeliest.length ? part("How likely each class is to the model", bars(found)) : null,
      found.neighbours.length ? part("Labelled images that look most alike to it", neighbours(found.neighbours)) : null,
      found.views.length ? views(item, found) : null,
    ].filter(Boolean);
  }
}

function part(title, ...content) {
  return el("div", { className: "part" }, el("h2", { textContent: title }), ...content);
}

function bars({ likeliest, others, other_classes: count }) {
  const rows = likeliest.map(({ name, probability }) => bar(name, probability));
  if (count) rows.push(bar(count === 1 ? "1 other class" : `${count} other classes`, others));
  return el("ul", { className: "bars" }, ...rows);
}

function bar(name, share) {
  const fill = el("span", { className: "share" });
  fill.style.width = `${100 * share}%`;
  return el("li", {}, el("span", { className: "name", textContent: name, title: name }),
    el("span", { className: "track", "aria-hidden": "true" }, fill), el("span", { className: "figure", textContent: percent(share) }));
}

/** Never 0 % or 100 % for what is neither. */
function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "> 99 %";
  return `${Math.round(100 * share)} %`;
}

function neighbours(found) {
  return el("ul", { className: "alike" }, ...found.map((one) => {
    const picture = el("img", { alt: "", src: imageAddress(one, THUMBNAIL), loading: "lazy" });
    if (Math.max(one.width, one.height) < 120) picture.className = "small";
    return el("li", { title: `${one.name}, similarity ${one.similarity.toFixed(2)}` }, picture, el("span", { textContent: one.label }));
  }));
}

/** On demand: drawn when they are opened. */
function views(item, { views: rules, side, changes }) {
  const details = el("details", { className: "part views" },
    el("summary", { textContent: "What the model saw, and changed copies of it", onclick: (event) => {
      // After a click by mouse the keys are for the labeller again.
      if (event.detail) event.currentTarget.closest(".labeller").focus({ preventScroll: true });
    } }));
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(
      el("div", { className: "copies" }, ...viewsOf(item.picture, side, rules)),
      el("p", { textContent: `First what the model sees, ${side} × ${side} pixels; then copies that are changed as in the check of whether it `
        + `stays with its class: ${changes}. The check drew its own copies at random and did not keep them; these are drawn anew by the same rules.` }));
  });
  return details;
}
