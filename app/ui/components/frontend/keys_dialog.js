// The list of all keys, and where a person changes those of the classes.

import { el } from "./dom.js";
import { ACTIONS, Keys, LAYOUTS, keyName, keyOf } from "./keys.js";

export class KeysDialog {
  #waitsFor = null; // the class that the next key shall choose

  /** @param preferences of the person. @param onClose called when it is closed. */
  constructor(classes, preferences, onClose) {
    this.classes = classes;
    this.preferences = preferences;
    this.said = el("p", { className: "said", role: "status" });
    this.layouts = el("fieldset", {}, el("legend", { textContent: "Layout" }),
      ...Object.entries(LAYOUTS).map(([name, layout]) => el("label", {},
        el("input", { type: "radio", name: "layout", value: name, onchange: () => this.#choose(name) }),
        el("span", {}, el("strong", { textContent: layout.label }), ` ${layout.about}`))));
    this.list = el("ul", { className: "remap" });
    this.rest = el("dl", { className: "help" });
    const reset = el("button", { type: "button", textContent: "Back to the layout's keys", onclick: () => this.#reset() });
    const close = el("button", { type: "button", textContent: "Close", onclick: () => this.root.close() });
    this.root = el("dialog", { className: "keys", "aria-labelledby": "keys-title", onclose: () => {
      this.#waitsFor = null;
      onClose();
    } }, el("header", {}, el("h2", { id: "keys-title", textContent: "Keys" }), close), this.layouts,
      el("h3", { textContent: "Classes" }), el("p", { textContent: "Choose a class, then press the key that you want for it." }),
      this.list, this.said, reset, el("h3", { textContent: "Everything else" }), this.rest);
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("click", (event) => event.target === this.root && this.root.close());
  }

  get isOpen() {
    return this.root.open;
  }

  open() {
    this.said.textContent = "";
    this.#draw();
    this.root.showModal();
  }

  get #keys() {
    return new Keys(this.classes, this.preferences.get("layout", "standard"), this.preferences.get("keys", {}));
  }

  #draw() {
    const keys = this.#keys;
    const layout = this.preferences.get("layout", "standard");
    for (const radio of this.layouts.querySelectorAll("input")) radio.checked = radio.value === layout;
    const focused = this.root.getRootNode().activeElement?.dataset?.classId;
    this.list.replaceChildren(...this.classes.map((one) => {
      const waits = this.#waitsFor?.id === one.id;
      const key = keys.of(one);
      const button = el("button", { type: "button", "aria-pressed": String(waits), "aria-label": `${one.name}: ${key ? keyName(key) : "no key"}`,
        onclick: () => this.#wait(one) },
        el("span", { textContent: one.name }), el("kbd", { textContent: waits ? "press a key" : key ? keyName(key) : "none" }));
      button.dataset.classId = one.id;
      return el("li", {}, button);
    }));
    if (focused) this.list.querySelector(`[data-class-id="${focused}"]`)?.focus();
    this.rest.replaceChildren(...Object.entries(ACTIONS).flatMap(([action, text]) => {
      const names = action === "pan" ? ["Shift + arrows"] : keys.for(action).map(keyName);
      return [el("dt", {}, ...names.map((name) => el("kbd", { textContent: name }))), el("dd", { textContent: text })];
    }));
  }

  #wait(one) {
    this.#waitsFor = this.#waitsFor?.id === one.id ? null : one;
    this.said.textContent = this.#waitsFor ? `Press the key that shall choose ${one.name}; Esc leaves it as it is.` : "";
    this.#draw();
  }

  #key(event) {
    event.stopPropagation();
    if (!this.#waitsFor || event.ctrlKey || event.metaKey || event.altKey) return;
    if (["Shift", "Tab"].includes(event.key)) return;
    event.preventDefault();
    const one = this.#waitsFor;
    if (event.key === "Escape") return this.#wait(one);
    const { refusal, own, said } = this.#keys.remap(one, keyOf(event));
    this.said.textContent = refusal ?? said;
    if (refusal) return;
    this.#waitsFor = null;
    this.preferences.set("keys", { ...this.preferences.get("keys", {}), ...own });
    this.#draw();
  }

  #choose(layout) {
    this.preferences.set("layout", layout);
    this.#reset();
    this.said.textContent = `${LAYOUTS[layout].label}: ${LAYOUTS[layout].about}.`;
  }

  #reset() {
    const mine = new Set(this.classes.map((one) => String(one.id)));
    const others = Object.entries(this.preferences.get("keys", {})).filter(([id]) => !mine.has(id));
    this.preferences.set("keys", Object.fromEntries(others));
    this.said.textContent = "The layout's own keys are back.";
    this.#draw();
  }
}
