// Finding a class among many: type a few of its letters, Enter takes the first.

import { el } from "./dom.js";
import { rank } from "./fuzzy.js";
import { keyName } from "./keys.js";

const MOST = 50;

export class Search {
  #found = [];
  #at = 0;

  /** @param choose called with a class. @param onClose called when it is closed without one. */
  constructor(choose, onClose) {
    this.choose = choose;
    this.list = el("ul", { id: "found", role: "listbox", "aria-label": "Classes found" });
    this.none = el("p", { className: "none", textContent: "No class has these letters in this order.", hidden: true });
    this.field = el("input", { type: "text", role: "combobox", "aria-label": "Search the classes", "aria-expanded": "true",
      "aria-controls": "found", "aria-autocomplete": "list", autocomplete: "off", placeholder: "A few letters of the class",
      oninput: () => this.#fill() });
    this.root = el("dialog", { className: "search", "aria-label": "Search the classes", onclose: onClose }, this.field, this.list, this.none);
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("click", (event) => event.target === this.root && this.root.close());
  }

  get isOpen() {
    return this.root.open;
  }

  /**
   * @param classes all of them, those first that one is likely to want
   * @param keys the keys that choose them
   * @param beside the element that it opens over
   */
  open(classes, keys, beside) {
    this.classes = classes;
    this.keys = keys;
    const box = beside.getBoundingClientRect();
    Object.assign(this.root.style, { left: `${box.left}px`, top: `${Math.max(8, Math.min(box.top, innerHeight - 360))}px`,
      width: `${box.width}px` });
    this.field.value = "";
    this.#fill();
    this.root.showModal();
    this.field.focus();
  }

  #fill() {
    this.#found = rank(this.field.value, this.classes).slice(0, MOST);
    this.list.replaceChildren(...this.#found.map((one, at) => {
      const key = this.keys.of(one);
      return el("li", { id: `found-${at}`, role: "option", onclick: () => this.#take(one) },
        el("span", { textContent: one.name }), key ? el("kbd", { textContent: keyName(key), "aria-hidden": "true" }) : null);
    }));
    this.none.hidden = this.#found.length > 0;
    this.#mark(0);
  }

  #mark(at) {
    this.#at = at;
    [...this.list.children].forEach((one, index) => one.setAttribute("aria-selected", String(index === at)));
    const marked = this.list.children[at];
    if (marked) this.field.setAttribute("aria-activedescendant", marked.id);
    else this.field.removeAttribute("aria-activedescendant");
    marked?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    event.stopPropagation();
    const count = this.#found.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && count) this.#mark((this.#at + step + count) % count);
    else if (event.key === "Enter" && count) this.#take(this.#found[this.#at]);
    else return;
    event.preventDefault();
  }

  #take(one) {
    this.root.close();
    this.choose(one);
  }
}
