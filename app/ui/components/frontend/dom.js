// Small helpers for building elements. Data only ever becomes text, never markup.

/** An element with properties, attributes (names with a dash), listeners (on…) and children. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Load a style sheet into a component's root; resolves when it applies, or cannot be had. */
export function style(root, href) {
  return new Promise((resolve) => {
    root.prepend(el("link", { rel: "stylesheet", href, onload: resolve, onerror: resolve }));
  });
}

const SLID = new Set(["range", "checkbox", "radio"]);
const SLIDING = new Set([" ", "Enter", "Home", "End", "PageUp", "PageDown", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

/** Whether an event was meant for a text field, a slider, a menu or a dialog rather than for us. */
export function isForOthers(event) {
  const target = event.composedPath()[0];
  const tag = target?.tagName;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (tag === "INPUT" && SLID.has(target.type)) return SLIDING.has(event.key);
  if (tag === "INPUT" || tag === "TEXTAREA" || tag === "SELECT" || target?.isContentEditable) return true;
  return document.querySelector('[role="dialog"], [role="listbox"]') !== null;
}

/** Whether somebody moved to a button with the keyboard: Space and Enter then press it; a link takes Enter only. */
export function isOnButton(event) {
  const target = event.composedPath()[0];
  const pressed = event.key === "Enter" ? "a:focus-visible, button:focus-visible, summary:focus-visible" : "button:focus-visible, summary:focus-visible";
  return Boolean(target?.matches?.(pressed));
}

let isByPointer = false; // what somebody did last, they did with a pointer
addEventListener("pointerdown", () => (isByPointer = true), true);
addEventListener("keydown", () => (isByPointer = false), true);

/** Whether the focus is where a click or a choice has left it, on the way here: the next key is meant for us. */
export function isFocusLeftBehind() {
  const focused = document.activeElement;
  // A text field is always focus-visible; of a select box only the hand tells whether it is being used.
  if (focused?.matches("[role=combobox]")) return isByPointer && focused.getAttribute("aria-expanded") !== "true";
  return Boolean(focused?.matches("a:not(:focus-visible), button:not(:focus-visible)"));
}

/** The address of an image; a large one comes as a reduced copy. */
export function imageAddress(image, side = 1024) {
  const isLarge = Math.max(image.width, image.height) > side;
  return `/img/${image.id}?v=${image.v}${isLarge ? `&side=${side}` : ""}`;
}
