// A grid of images to look at: a click opens one. Where pseudo-labels may be revoked, each has a button for it.

import { el, imageAddress, style } from "./dom.js";
import { mounting } from "./mounting.js";

const THUMBNAIL = 256;

class Gallery {
  constructor(root, data, tell) {
    this.tell = tell;
    this.grid = el("div", { className: "grid", role: "list" });
    this.root = el("section", { className: "gallery", "aria-label": data.label }, this.grid);
    style(root, `${data.assets}gallery.css`).then(() => root.append(this.root));
    this.fill(data);
  }

  fill(data) {
    this.data = data;
    this.grid.replaceChildren(...data.images.map((image) => this.#card(image)));
  }

  end() {}

  #card(image) {
    const picture = el("img", { loading: "lazy", alt: image.name, src: imageAddress(image, THUMBNAIL) });
    if (Math.max(image.width, image.height) < 120) picture.className = "small";
    const frame = el("button", { type: "button", className: "frame", title: `Open ${image.name}`,
      onclick: () => this.tell("open", image.id) }, picture);
    const words = el("div", { className: "words" }, el("strong", { textContent: image.title }),
      el("span", { textContent: image.detail }));
    const revoke = this.data.mode === "revoke"
      ? el("button", { type: "button", className: "act", textContent: "Revoke",
        onclick: () => this.tell("revoke", image.pseudo_label_id) })
      : null;
    const card = el("article", { className: "card", role: "listitem" }, frame, words, revoke);
    card.dataset.image = image.id;
    return card;
  }
}

export default mounting(
  (root, data, tell) => new Gallery(root, data, tell),
  (gallery, data, tell) => {
    gallery.tell = tell;
    if (JSON.stringify(gallery.data) !== JSON.stringify(data)) gallery.fill(data);
  },
);
