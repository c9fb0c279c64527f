// What opens under the actions for a moment: why an image is skipped, what is to be said about it, whether it shall go.

import { el } from "./dom.js";
import { keyName } from "./keys.js";

export const REASONS = ["broken file", "no class fits", "several classes fit", "not now"];
const LONGEST_NOTE = 500;

const choice = (key, text, run) =>
  el("button", { type: "button", onclick: run }, el("kbd", { textContent: keyName(key) }), el("span", { textContent: text }));

class Panel {
  constructor(className, label, ...children) {
    this.root = el("div", { className: `panel ${className}`, role: "group", "aria-label": label, hidden: true }, ...children);
  }

  get isOpen() {
    return !this.root.hidden;
  }

  open() {
    this.root.hidden = false;
    this.root.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.root.hidden = true;
  }

  /** What a key does while the panel is open: a function, or undefined. */
  meaning() {
    return undefined;
  }
}

/** Skip with a reason: one key each. */
export class Reasons extends Panel {
  constructor(choose, close) {
    const buttons = REASONS.map((reason, at) => choice(String(at + 1), reason, () => choose(reason)));
    super("reasons", "Why is this image skipped?", el("strong", { textContent: "Why skip it?" }),
      el("div", { className: "choices" }, ...buttons, choice("Esc", "keep it", close)));
    this.first = buttons[0];
    this.choose = choose;
    this.shut = close;
  }

  open() {
    super.open();
    this.first.focus();
  }

  meaning(key) {
    if (key === "Escape") return this.shut;
    const reason = REASONS[Number(key) - 1];
    return reason ? () => this.choose(reason) : undefined;
  }
}

/** Exclude an image: asked once more. */
export class Exclusion extends Panel {
  constructor(confirm, close) {
    const text = "Exclude this image from the project? Press the key again to do it.";
    super("exclusion", "Exclude this image?", el("strong", { textContent: text }),
      el("div", { className: "choices" }, el("button", { type: "button", textContent: "Exclude", onclick: confirm }),
        choice("Esc", "keep it", close)));
    this.shut = close;
  }

  meaning(key) {
    return key === "Escape" ? this.shut : undefined;
  }
}

/** A word to the leads. */
export class Flag extends Panel {
  constructor(send, close) {
    const field = el("input", { type: "text", maxLength: LONGEST_NOTE, "aria-label": "What is the matter with this image?",
      placeholder: "What is the matter with it?" });
    const problem = el("span", { className: "problem", role: "alert" });
    const submit = () => {
      const note = field.value.trim();
      if (note) send(note);
      else problem.textContent = "Say it in a few words.";
    };
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Enter") submit();
      else close();
    });
    super("flag", "Flag this image", el("strong", { textContent: "A word to the leads, beside your answer" }), field,
      el("div", { className: "choices" }, choice("Enter", "flag it", submit), choice("Esc", "never mind", close)), problem);
    this.field = field;
    this.problem = problem;
    this.shut = close;
  }

  open() {
    this.field.value = "";
    this.problem.textContent = "";
    super.open();
    this.field.focus();
  }

  meaning(key) {
    return key === "Escape" ? this.shut : undefined;
  }
}
