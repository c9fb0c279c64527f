// What a grid looks like: builds its elements, and changes them when told. Decides nothing.

import { el } from "./dom.js";
import { keyButton, writeKey } from "./key_button.js";
import { MANY_CLASSES } from "./labeller_view.js";

const SMALL = 120; // pixels; a smaller image is drawn with large pixels
export const SIZES = [24, 48, 96];

export class GridView {
  /** @param on functions by name: accept, undo, notThis, exclude, search, help, resize(n), choose(class), point(at), toggle(at) */
  constructor(classes, on) {
    this.classes = classes;
    this.on = on;
    this.count = el("span", { className: "count" });
    this.status = el("span", { className: "status" });
    this.acceptText = el("span");
    this.acceptButton = this.#button("confirm", this.acceptText, on.accept, "accept");
    this.sizes = el("select", { "aria-label": "Images in a grid", onchange: () => on.resize(Number(this.sizes.value)) },
      ...SIZES.map((size) => el("option", { value: size, textContent: `${size} images` })));
    this.tiles = el("div", { className: "tiles", role: "listbox", "aria-multiselectable": "true" });
    this.message = el("div", { className: "message", hidden: true });
    this.proof = el("p", { className: "proof" });
    this.soFar = el("p", { className: "so-far" });
    this.notice = el("div", { className: "notice", role: "alert", hidden: true });
    this.spoken = el("p", { className: "spoken", role: "status" });
    this.tips = el("div", { className: "tips" });
    this.buttons = new Map();
    this.list = el("div", { className: "classes", role: "group", "aria-label": "Correct the image at the cursor" }, ...classes.map((one) => {
      const button = keyButton({ "aria-label": one.name, onclick: () => on.choose(one) }, one.name);
      button.dataset.name = one.name.toLowerCase();
      this.buttons.set(one.id, button);
      return button;
    }));
    this.root = el("section", { className: "grid-mode", tabIndex: -1, "aria-label": "Grid" },
      this.tips,
      el("header", {}, this.acceptButton, this.#button("undo", "Undo", on.undo), this.sizes, this.count, this.status),
      this.notice,
      el("div", { className: "field" }, this.tiles, this.message),
      el("div", { className: "odd" },
        el("div", { className: "marks" }, this.#button("skip", "Not this class", on.notThis), this.#button("exclude", "Exclude", on.exclude),
          classes.length > MANY_CLASSES ? this.#button("search", "Search", on.search) : null),
        this.list),
      el("div", { className: "proofs" }, this.proof, this.soFar), this.spoken);
  }

  /** Show a page. @param label what the grid shows, for screen readers */
  show(items, size, label) {
    this.message.hidden = true;
    this.tiles.hidden = false;
    this.tiles.setAttribute("aria-label", label);
    this.tiles.style.setProperty("--tile", { 24: "6.2rem", 48: "4.7rem", 96: "3.6rem" }[size]);
    this.elements = items.map((item, at) => this.#tile(item, at));
    this.tiles.replaceChildren(...this.elements);
    this.root.dataset.state = "grid";
  }

  say(title, text) {
    this.tiles.hidden = true;
    this.tiles.replaceChildren();
    this.elements = [];
    this.message.hidden = false;
    this.message.replaceChildren(el("strong", { textContent: title }), el("span", { textContent: text }));
    this.root.dataset.state = "text";
    this.proof.textContent = "";
  }

  /** @param mark {kind: "label" | "skip" | "exclude" | "gone", words} or null */
  mark(at, item, mark, proposed) {
    const tile = this.elements[at];
    tile.className = mark ? `tile ${mark.kind}` : "tile";
    tile.setAttribute("aria-selected", String(Boolean(mark)));
    tile.setAttribute("aria-label", `${item.name}, ${mark ? mark.words : proposed}${sure(item)}`);
    tile.querySelector(".words").textContent = mark?.words ?? (isBroken(item) ? "cannot be loaded" : "");
    tile.classList.toggle("broken", isBroken(item));
  }

  /** Move the cursor. @param takesFocus so that a screen reader reads the image */
  point(at, takesFocus) {
    this.elements.forEach((tile, other) => {
      tile.tabIndex = other === at ? 0 : -1;
      tile.toggleAttribute("data-cursor", other === at);
    });
    if (takesFocus) this.elements[at]?.focus();
    else this.elements[at]?.scrollIntoView({ block: "nearest" });
  }

  /** How many tiles stand in a row now. */
  get columns() {
    const [first] = this.elements;
    const next = this.elements.findIndex((tile) => tile.offsetTop > first.offsetTop);
    return next < 0 ? this.elements.length : next;
  }

  accept(count, name, odd) {
    const left = odd ? ` (${odd} marked)` : "";
    this.acceptText.textContent = count ? `Accept ${count} as “${name}”${left}` : odd ? `Save ${odd} marked` : "Accept";
    this.acceptButton.disabled = !count && !odd;
  }

  progress(left) {
    this.count.textContent = left === null ? "" : `${left.toLocaleString("en")} left`;
  }

  proofs(ofThis, soFar) {
    this.proof.textContent = ofThis;
    this.soFar.textContent = soFar;
  }

  writeKeys(keys) {
    for (const one of this.classes) writeKey(this.buttons.get(one.id), keys.of(one));
    for (const button of this.root.querySelectorAll("[data-action]")) writeKey(button, keys.for(button.dataset.action)[0]);
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  #tile(item, at) {
    const { picture } = item;
    picture.classList.toggle("small", Math.max(item.width, item.height) < SMALL);
    const tile = el("div", { className: "tile", role: "option", "aria-selected": "false", tabIndex: -1,
      onclick: () => this.on.toggle(at), onfocus: () => this.on.point(at) }, picture, el("span", { className: "words", "aria-hidden": "true" }));
    tile.dataset.image = item.id;
    return tile;
  }

  #button(action, content, run, className = "") {
    const button = keyButton({ className, onclick: run }, content);
    button.dataset.action = action;
    return button;
  }
}

function isBroken({ picture }) {
  return picture.complete && !picture.naturalWidth;
}

function sure({ confidence }) {
  return confidence === null ? "" : `, ${Math.round(100 * confidence)}% sure`;
}
