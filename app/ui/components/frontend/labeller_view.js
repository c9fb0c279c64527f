// What the labeller looks like: builds its elements once, and changes them when told. Decides nothing.

import { el } from "./dom.js";
import { keyButton, writeKey } from "./key_button.js";
import { opinionList, showOpinions } from "./opinions.js";
import { PLAIN } from "./viewer.js";

export const MANY_CLASSES = 12;
const BIAS = "Seeing a guess first pulls answers towards it; the settings of the project can hide it.";

export class View {
  /** @param on functions by name: choose(class), confirm, undo, skip, reasons, unsure, flag, exclude, search, zoomIn … */
  constructor(classes, on) {
    this.classes = classes;
    this.on = on;
    this.stage = el("div", { className: "stage", role: "img" });
    this.why = el("p", { className: "why" });
    this.strategy = el("span", { className: "tag" });
    this.hint = el("p", { className: "hint" });
    this.opinions = opinionList();
    this.caption = el("span", { className: "caption" });
    this.bar = el("div", { className: "bar", role: "progressbar", "aria-label": "Answered", "aria-valuemin": "0" },
      (this.fill = el("div", { className: "fill" })));
    this.count = el("span", { className: "count" });
    this.status = el("span", { className: "status" });
    this.last = el("p", { className: "last", "aria-live": "polite" });
    this.spoken = el("p", { className: "spoken", role: "status" });
    this.notice = el("div", { className: "notice", role: "alert", hidden: true });
    this.buttons = new Map();
    this.keyOf = new Map();
    this.classList = this.#classList();
    this.recent = el("div", { className: "recent", role: "group", "aria-label": "Classes that you chose lately", hidden: true });
    this.find = this.#action("search", "Search the classes", "find");
    this.find.hidden = classes.length <= MANY_CLASSES;
    this.guess = this.#guess();
    this.panels = el("div", { className: "panels" });
    this.tips = el("div", { className: "tips" });
    this.root = el("section", { className: "labeller", tabIndex: -1, "aria-label": "Labelling" },
      el("header", {}, this.bar, this.count, this.status),
      el("div", { className: "body" },
        el("div", { className: "picture" }, this.stage, this.#tools()),
        el("div", { className: "side" }, this.tips, el("div", { className: "reason" }, this.why, this.strategy, this.hint, this.opinions),
          this.guess, this.find, this.recent, this.classList, this.#actions(), this.panels, this.notice, this.last)),
      this.spoken);
  }

  /** Show an image with everything that is said about it. */
  show(item, strategy) {
    this.root.dataset.state = "image";
    this.root.dataset.image = item.id;
    this.stage.setAttribute("aria-label", `Image ${item.name}`);
    this.stage.replaceChildren(item.picture);
    this.why.textContent = item.why;
    this.strategy.textContent = strategy?.split(":")[0] ?? "";
    this.strategy.title = strategy ?? "";
    this.strategy.hidden = !strategy;
    this.hint.textContent = item.hint ? `Hint from the import: ${item.hint}` : "";
    this.hint.hidden = !item.hint;
    showOpinions(this.opinions, item.said);
    this.caption.textContent = `${item.name} · ${item.width} × ${item.height}`;
    this.enable(true);
  }

  /** The image that is still in the frame is answered, and there is no other yet. */
  wait() {
    this.root.dataset.state = "waiting";
    delete this.root.dataset.image;
    delete this.root.dataset.painted;
    this.enable(false);
  }

  /** Show a text where the image would be. */
  say(title, text) {
    this.root.dataset.state = "text";
    this.stage.removeAttribute("aria-label");
    if (this.stage.textContent !== title + text) { // otherwise a screen reader would read it again
      this.stage.replaceChildren(el("div", { className: "message" }, el("strong", { textContent: title }), el("span", { textContent: text })));
    }
    for (const part of [this.why, this.strategy, this.hint, this.opinions, this.guess]) part.hidden = part !== this.why;
    this.why.textContent = "";
    this.caption.textContent = "";
  }

  enable(isOn) {
    this.root.querySelectorAll(".needs-image").forEach((button) => (button.disabled = !isOn));
  }

  /**
   * What is proposed, or nothing.
   * @param isAsked whether people judge the proposal itself here, as in a review
   * @param words what stands before the class's name
   */
  propose(proposed, confidence, isAsked, words) {
    this.guess.hidden = !proposed;
    for (const [id, button] of this.buttons) button.classList.toggle("proposed", id === proposed?.id);
    if (!proposed) return;
    const sure = confidence === null ? "" : ` (${Math.round(100 * confidence)}% sure)`;
    this.guessed.textContent = words ? `${words} ${proposed.name}` : `The model says ${proposed.name}${sure}`;
    this.bias.hidden = isAsked;
  }

  /** Write the keys on everything that has one. */
  writeKeys(keys) {
    for (const one of this.classes) this.keyOf.set(one.id, keys.of(one));
    for (const [id, button] of this.buttons) writeKey(button, this.keyOf.get(id));
    for (const button of this.root.querySelectorAll("[data-action]")) writeKey(button, keys.for(button.dataset.action)[0]);
  }

  /** The classes that one is likely to want next, above all the others. */
  offer(classes) {
    this.recent.hidden = !classes.length;
    this.recent.replaceChildren(el("span", { className: "heading", textContent: "Lately" }), ...classes.map((one) => {
      const button = this.#classButton(one);
      writeKey(button, this.keyOf.get(one.id));
      return button;
    }));
  }

  progress({ settled, skipped, total }) {
    this.fill.style.width = `${total ? (100 * settled) / total : 0}%`;
    this.bar.setAttribute("aria-valuemax", total);
    this.bar.setAttribute("aria-valuenow", settled);
    const left = Math.max(0, total - settled - skipped);
    const passed = skipped ? ` · ${skipped.toLocaleString("en")} passed over by you` : "";
    this.count.textContent = `${settled.toLocaleString("en")} of ${total.toLocaleString("en")} answered · ${left.toLocaleString("en")} left${passed}`;
  }

  /** How large the image is drawn now. */
  zoomed({ scale, isEnlarged, zoom }, isSmooth) {
    this.scale.textContent = `${scale >= 10 ? Math.round(scale) : Number(scale.toPrecision(2))}×`;
    this.fitButton.disabled = zoom === 1;
    this.smoothButton.hidden = !isEnlarged;
    this.smoothButton.setAttribute("aria-pressed", String(isSmooth));
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  #classList() {
    const list = el("div", { className: "classes", role: "group", "aria-label": "Classes" });
    for (const one of this.classes) {
      const button = this.#classButton(one);
      this.buttons.set(one.id, button);
      list.append(button);
    }
    return list;
  }

  #classButton(one) {
    const shown = { className: "needs-image", title: one.name, "aria-label": one.name };
    const button = keyButton({ ...shown, onclick: (event) => this.on.choose(one, event) }, one.name);
    button.dataset.classId = one.id;
    button.dataset.name = one.name.toLowerCase();
    return button;
  }

  #action(action, text, className = "", needsImage = true) {
    const shown = { className: `${className} ${needsImage ? "needs-image" : ""}`, title: text };
    const button = keyButton({ ...shown, onclick: (event) => this.on[action](event) }, text);
    button.dataset.action = action;
    return button;
  }

  #guess() {
    this.guessed = el("span");
    this.bias = el("small", { textContent: BIAS });
    const button = keyButton({ className: "needs-image", onclick: (event) => this.on.confirm(event) }, this.guessed);
    button.dataset.action = "confirm";
    return el("div", { className: "guess", hidden: true }, button, this.bias);
  }

  #actions() {
    return el("div", { className: "actions", role: "group", "aria-label": "Other answers" },
      this.#action("skip", "Skip"), this.#action("reasons", "Skip because…"), this.#action("unsure", "Not sure"),
      this.#action("flag", "Flag"), this.#action("exclude", "Exclude"), this.#action("undo", "Undo", "", false),
      this.#action("help", "Keys", "", false));
  }

  #tools() {
    const small = (action, name, text) => {
      const button = el("button", { type: "button", className: "tool needs-image", title: name, "aria-label": name, textContent: text,
        onclick: (event) => this.on[action](event) });
      return button;
    };
    this.scale = el("span", { className: "scale", title: "Screen pixels for each pixel of the image" });
    this.fitButton = small("fit", "Fit the image to its frame", "Fit");
    this.smoothButton = small("smooth", "Smooth instead of large pixels", "Smooth");
    this.lightButton = small("light", "Brightness and contrast", "Light");
    this.lightButton.setAttribute("aria-expanded", "false");
    return el("div", { className: "tools" }, this.caption, this.scale, small("zoomOut", "Smaller", "−"), small("zoomIn", "Larger", "+"),
      this.fitButton, this.smoothButton, this.lightButton, this.#light());
  }

  #light() {
    const slider = (name) => el("input", { type: "range", min: "0.2", max: "3", step: "0.05", value: "1", name,
      oninput: () => this.on.changeLight(this.light) });
    this.sliders = { brightness: slider("brightness"), contrast: slider("contrast") };
    this.keeps = el("input", { type: "checkbox", onchange: () => this.on.keepView(this.keeps.checked) });
    this.lightPanel = el("div", { className: "light", role: "group", "aria-label": "Brightness and contrast", hidden: true },
      el("label", {}, el("span", { textContent: "Brightness" }), this.sliders.brightness),
      el("label", {}, el("span", { textContent: "Contrast" }), this.sliders.contrast),
      el("label", { className: "keeps" }, this.keeps, el("span", { textContent: "Keep light and zoom for the next image" })),
      el("button", { type: "button", textContent: "As it was", onclick: () => this.on.changeLight(PLAIN) }));
    this.lightPanel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.on.light();
    });
    return this.lightPanel;
  }

  get light() {
    return { brightness: Number(this.sliders.brightness.value), contrast: Number(this.sliders.contrast.value) };
  }

  showLight({ brightness, contrast }) {
    this.sliders.brightness.value = brightness;
    this.sliders.contrast.value = contrast;
  }

  openLight(isOpen) {
    this.lightPanel.hidden = !isOpen;
    this.lightButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.sliders.brightness.focus();
  }
}
