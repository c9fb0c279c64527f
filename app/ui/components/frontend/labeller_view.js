// What the labeller looks like: builds its elements once, and changes them when told. Decides nothing.

import { el } from "./dom.js";

const MANY_CLASSES = 12;
const HELP = [
  ["1 … 9, letters", "answer with the class that shows this key"],
  ["Enter", "confirm the class that the model proposes"],
  ["u or Backspace", "take the last answer back, as often as you like"],
  ["s or Space", "skip: somebody else may know"],
  ["x, then x again", "exclude: broken, private, or not what the project is about"],
  ["z", "large pixels or smooth scaling"],
  ["/", "search the classes"],
  ["?", "show or hide this list"],
];

export class View {
  /** @param on functions by name: choose(class), skip, undo, exclude, zoom, help */
  constructor(classes, on) {
    this.classes = classes;
    this.on = on;
    this.stage = el("div", { className: "stage", role: "img" });
    this.why = el("p", { className: "why" });
    this.strategy = el("span", { className: "tag" });
    this.hint = el("p", { className: "hint" });
    this.caption = el("p", { className: "caption" });
    this.bar = el("div", { className: "fill" });
    this.count = el("span", { className: "count" });
    this.status = el("span", { className: "status", role: "status", "aria-live": "polite" });
    this.last = el("p", { className: "last", "aria-live": "polite" });
    this.notice = el("div", { className: "notice", role: "alert", hidden: true });
    this.question = this.#question();
    this.help = this.#help();
    this.buttons = new Map();
    this.list = el("div", { className: "classes", role: "group", "aria-label": "Classes" });
    this.search = this.#search();
    this.root = el("section", { className: "labeller", tabIndex: -1, "aria-label": "Labelling" },
      el("header", {}, el("div", { className: "bar", "aria-hidden": "true" }, this.bar), this.count, this.status),
      el("div", { className: "body" },
        el("div", { className: "picture" }, this.stage, this.caption),
        el("div", { className: "side" },
          el("div", { className: "reason" }, this.why, this.strategy, this.hint),
          this.search, this.list, this.#actions(), this.question, this.notice, this.last, this.help)));
    this.#fillList();
  }

  /** Show an image with everything that is said about it. */
  show(item, label, strategy) {
    this.root.dataset.state = "image";
    this.root.dataset.image = item.id;
    this.stage.setAttribute("aria-label", `Image ${item.name}`);
    this.stage.replaceChildren(item.picture);
    this.why.textContent = item.why;
    this.strategy.textContent = strategy ?? "";
    this.strategy.hidden = !strategy;
    this.hint.textContent = item.hint ? `Hint from the import: ${item.hint}` : "";
    this.hint.hidden = !item.hint;
    this.caption.textContent = `${item.name} · ${item.width} × ${item.height}`;
    for (const [id, button] of this.buttons) button.classList.toggle("proposed", id === item.proposed_class_id);
    this.#propose(item);
    this.enable(true);
  }

  /** Show a text where the image would be. */
  say(title, text) {
    this.root.dataset.state = "text";
    delete this.root.dataset.image;
    this.stage.removeAttribute("aria-label");
    this.stage.replaceChildren(el("div", { className: "message" }, el("strong", { textContent: title }),
      el("span", { textContent: text })));
    for (const part of [this.why, this.strategy, this.hint]) part.hidden = part !== this.why;
    this.why.textContent = "";
    this.caption.textContent = "";
    this.enable(false);
  }

  enable(isOn) {
    for (const button of this.buttons.values()) button.disabled = !isOn;
    this.root.querySelectorAll(".needs-image").forEach((button) => { button.disabled = !isOn; });
    this.why.hidden = !isOn && !this.why.textContent;
  }

  /** Settle how large the image is drawn: whole multiples of small images, so that every pixel is as large. */
  fit(item, isSmooth) {
    const { width, height } = this.stage.getBoundingClientRect();
    const natural = item.picture;
    if (!natural.naturalWidth || !width) return;
    const scale = Math.min(width / natural.naturalWidth, height / natural.naturalHeight);
    const whole = scale >= 2 ? Math.floor(scale) : scale;
    natural.style.width = `${Math.floor(natural.naturalWidth * whole)}px`;
    natural.style.height = `${Math.floor(natural.naturalHeight * whole)}px`;
    natural.style.imageRendering = scale > 1 && !isSmooth ? "pixelated" : "auto";
    this.zoomButton.hidden = scale <= 1;
    this.zoomButton.setAttribute("aria-pressed", String(isSmooth));
  }

  progress(progress) {
    const { settled, skipped, total } = progress;
    this.bar.style.width = `${total ? (100 * settled) / total : 0}%`;
    const left = Math.max(0, total - settled - skipped);
    this.count.textContent = `${settled} of ${total} answered · ${left} left${skipped ? ` · ${skipped} skipped by you` : ""}`;
  }

  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  /** Show only the classes whose name has this text in it; gives back the first of them. */
  filter(text) {
    const wanted = text.trim().toLocaleLowerCase();
    const matches = this.classes.filter((one) => one.name.toLocaleLowerCase().includes(wanted));
    for (const one of this.classes) this.buttons.get(one.id).hidden = !matches.includes(one);
    this.none.hidden = matches.length > 0;
    return wanted ? (matches[0] ?? null) : null;
  }

  #propose(item) {
    const proposed = this.classes.find((one) => one.id === item.proposed_class_id);
    this.proposal.hidden = !proposed;
    if (!proposed) return;
    const sure = item.confidence === null ? "" : ` (${Math.round(100 * item.confidence)}% sure)`;
    this.proposal.replaceChildren(el("kbd", { textContent: "Enter" }), `The model says ${proposed.name}${sure}`);
  }

  #fillList() {
    this.none = el("p", { className: "none", textContent: "No class has this in its name.", hidden: true });
    for (const one of this.classes) {
      const button = el("button", { type: "button", title: one.name, "aria-label": one.name, onclick: () => this.on.choose(one) },
        one.key ? el("kbd", { textContent: one.key }) : null,
        one.key === one.name.toLowerCase() ? null : el("span", { textContent: one.name }));
      button.dataset.classId = one.id;
      this.buttons.set(one.id, button);
      this.list.append(button);
    }
    this.list.append(this.none);
  }

  #search() {
    const field = el("input", { type: "search", placeholder: "Search the classes ( / )", "aria-label": "Search the classes",
      oninput: () => this.filter(field.value) });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      const first = event.key === "Enter" ? this.filter(field.value) : null;
      field.value = "";
      this.filter("");
      this.root.focus({ preventScroll: true });
      if (first) this.on.choose(first);
      event.preventDefault();
      event.stopPropagation();
    });
    field.hidden = this.classes.length <= MANY_CLASSES;
    return field;
  }

  #actions() {
    const action = (key, text, run, className = "") =>
      el("button", { type: "button", className, onclick: run }, el("kbd", { textContent: key }), el("span", { textContent: text }));
    this.proposal = el("button", { type: "button", className: "proposal needs-image", hidden: true, onclick: () => this.on.confirm() });
    this.zoomButton = action("z", "Smooth", this.on.zoom, "needs-image");
    return el("div", { className: "actions" }, this.proposal,
      action("u", "Undo", this.on.undo), action("s", "Skip", this.on.skip, "needs-image"),
      action("x", "Exclude", this.on.exclude, "needs-image"), this.zoomButton, action("?", "Keys", this.on.help));
  }

  #question() {
    return el("div", { className: "notice", role: "alert", hidden: true },
      el("span", { textContent: "Exclude this image from the project? x again excludes it, Esc keeps it. " }),
      el("button", { type: "button", textContent: "Exclude", onclick: () => this.on.exclude() }),
      el("button", { type: "button", textContent: "Keep", onclick: () => this.on.keep() }));
  }

  #help() {
    return el("dl", { className: "help", hidden: true },
      ...HELP.flatMap(([keys, text]) => [el("dt", {}, el("kbd", { textContent: keys })), el("dd", { textContent: text })]));
  }
}
