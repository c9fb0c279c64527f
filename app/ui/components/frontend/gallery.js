// A grid of images. To look at them: a click opens one. To review them: each is confirmed, corrected or excluded in
// place, and the grid stays as it is, so that nothing moves under the pointer.

import { el, imageAddress, style } from "./dom.js";
import { mounting } from "./mounting.js";
import { outbox } from "./outbox.js";
import { showSaving } from "./saving.js";

const THUMBNAIL = 256;

class Gallery {
  #cards = new Map();

  constructor(root, data, tell) {
    this.data = data;
    this.tell = tell;
    this.grid = el("div", { className: "grid", role: "list" });
    this.status = el("span", { className: "status", role: "status", "aria-live": "polite" });
    this.rest = el("button", { type: "button", className: "rest", onclick: () => this.#confirmRest() });
    const bar = el("div", { className: "toolbar", hidden: data.mode !== "review" }, this.rest, this.status);
    this.root = el("section", { className: `gallery ${data.mode}`, "aria-label": data.label }, bar, this.grid);
    this.end = outbox.subscribe((change) => this.#heard(change));
    style(root, `${data.assets}gallery.css`).then(() => root.append(this.root));
    this.fill(data);
  }

  fill(data) {
    this.data = data;
    this.#cards.clear();
    this.grid.replaceChildren(...data.images.map((image) => this.#card(image)));
    this.#count();
  }

  #card(image) {
    const picture = el("img", { loading: "lazy", alt: image.name, src: imageAddress(image, THUMBNAIL) });
    if (Math.max(image.width, image.height) < 120) picture.className = "small";
    const frame = el("button", { type: "button", className: "frame", title: `Open ${image.name}`,
      onclick: () => this.tell("open", image.id) }, picture);
    const words = el("div", { className: "words" }, el("strong", { textContent: image.title }),
      el("span", { textContent: image.detail }));
    const card = el("article", { className: "card", role: "listitem" }, frame, words);
    card.dataset.image = image.id;
    if (this.data.mode === "review") card.append(this.#verdicts(image, card));
    if (this.data.mode === "revoke") {
      card.append(el("button", { type: "button", className: "act", textContent: "Revoke",
        onclick: () => this.tell("revoke", image.pseudo_label_id) }));
    }
    this.#cards.set(image.id, { image, card, uid: null, action: null });
    return card;
  }

  #verdicts(image, card) {
    const choice = el("select", { "aria-label": `Another class for ${image.name}`,
      onchange: () => choice.value && this.#judge(image, { action: "label", class_id: Number(choice.value) },
        choice.selectedOptions[0].textContent) },
      el("option", { value: "", textContent: "Other…" }),
      ...this.data.classes.filter((one) => one.id !== image.class_id)
        .map((one) => el("option", { value: one.id, textContent: one.name })));
    const verdict = el("div", { className: "verdict", hidden: true }, el("span"),
      el("button", { type: "button", textContent: "Undo", onclick: () => this.#takeBack(image) }));
    const acts = el("div", { className: "acts" },
      el("button", { type: "button", className: "act yes", textContent: "Confirm", title: `It is ${image.title}`,
        onclick: () => this.#confirm(image) }),
      choice,
      el("button", { type: "button", className: "act", textContent: "Exclude", title: "Broken, private, or not what the project is about",
        onclick: () => this.#judge(image, { action: "exclude" }, "excluded") }));
    card.refresh = (words) => {
      verdict.hidden = !words;
      acts.hidden = Boolean(words);
      verdict.firstChild.textContent = words ?? "";
      card.classList.toggle("settled", Boolean(words));
      choice.value = "";
    };
    return el("div", {}, acts, verdict);
  }

  #confirm(image) {
    const proposed = this.data.classes.find((one) => one.id === image.class_id);
    this.#judge(image, { action: "label", class_id: image.class_id }, `${proposed?.name ?? image.title} ✓`);
  }

  #confirmRest() {
    for (const { image, action } of [...this.#cards.values()]) if (!action) this.#confirm(image);
  }

  #judge(image, act, words) {
    const entry = this.#cards.get(image.id);
    entry.action = act.action;
    entry.uid = outbox.add({ annotator_id: this.data.annotator_id, queue: "review", image_id: image.id, ...act });
    entry.card.refresh(words);
    this.#count();
  }

  #takeBack(image) {
    const entry = this.#cards.get(image.id);
    outbox.takeBack(entry.uid, { annotator_id: this.data.annotator_id, queue: "review", image_id: image.id });
    entry.action = null;
    entry.card.refresh(null);
    this.#count();
  }

  #count() {
    const open = [...this.#cards.values()].filter((entry) => !entry.action).length;
    this.rest.textContent = open ? `Confirm the ${open} that are left here` : "All of this page is reviewed";
    this.rest.disabled = !open;
    showSaving(this.status);
  }

  #heard(change) {
    for (const { act, error } of [...change.refused, ...change.lost]) {
      const entry = this.#cards.get(act.image_id);
      if (!entry || entry.uid !== act.uid) continue;
      entry.action = null;
      entry.card.refresh(null);
      entry.card.append(el("p", { className: "refused", role: "alert", textContent: error }));
    }
    this.#count();
  }
}

export default mounting(
  (root, data, tell) => new Gallery(root, data, tell),
  (gallery, data, tell) => {
    gallery.tell = tell;
    if (JSON.stringify(gallery.data) !== JSON.stringify(data)) gallery.fill(data);
  },
);
