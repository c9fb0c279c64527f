// Which key does what: layouts for both hands, the left one, and the number pad; and a person's own keys for classes.

const LETTERS = "qwertyuiopasdfghjklzxcvbnm";
const COMMON = { search: ["/"], help: ["?"], confirm: ["Enter"], smooth: ["z"], light: ["b"], fit: ["Home"] };

/** What a key can do besides naming a class, in the order in which it is listed. */
export const ACTIONS = {
  confirm: "confirm the class that the model proposes",
  undo: "take the last answer back, as often as you like",
  skip: "skip: somebody else may know",
  reasons: "skip, and say why",
  unsure: "not sure: somebody else shall look too",
  flag: "flag the image, with a word to the leads",
  exclude: "exclude, pressed twice: broken, private, or not what the project is about",
  search: "search the classes",
  zoomIn: "larger; the wheel and two fingers do it too",
  zoomOut: "smaller",
  fit: "fit the image to its frame; a double click does it too",
  pan: "move the image; dragging does it too",
  light: "brightness and contrast",
  smooth: "large pixels or smooth scaling",
  help: "this list",
};

/** `classes`: the keys that classes get, in order. `actions`: the keys of everything else. */
export const LAYOUTS = {
  standard: {
    label: "Standard",
    about: "digits first, then letters",
    classes: `1234567890${LETTERS}`,
    actions: { ...COMMON, undo: ["u", "Backspace"], skip: [" "], reasons: ["s"], unsure: ["w"], flag: ["f"], exclude: ["x"],
      zoomIn: ["+", "="], zoomOut: ["-"] },
  },
  left: {
    label: "Left hand",
    about: "everything under the left hand; the right one stays at the mouse",
    classes: "12345qwertasdfg67890yuiophjkn",
    actions: { ...COMMON, undo: ["z", "Backspace"], skip: [" "], reasons: ["x"], unsure: ["v"], flag: ["b"], exclude: ["c"],
      smooth: ["m"], light: ["l"], zoomIn: ["+", "="], zoomOut: ["-"] },
  },
  numpad: {
    label: "Number pad",
    about: "classes on its digits; . skips, − takes back, + is not sure, * flags",
    classes: `1234567890${LETTERS}`,
    actions: { ...COMMON, undo: ["-", "Backspace"], skip: [".", ",", " "], reasons: ["s"], unsure: ["+"], flag: ["*"],
      exclude: ["x", "Delete"], zoomIn: ["PageUp"], zoomOut: ["PageDown"] },
  },
};

const WORDS = { " ": "Space", PageUp: "Page ↑", PageDown: "Page ↓", Delete: "Del", "-": "−" };

/** A key as it is written on a button. */
export const keyName = (key) => WORDS[key] ?? key;

/** The key of a keyboard event as it is written in layouts. */
export const keyOf = (event) => (event.key.length === 1 ? event.key.toLowerCase() : event.key);

export class Keys {
  #actions = new Map(); // key → action
  #classes = new Map(); // key → class
  #keys = new Map(); // class id → key

  /**
   * @param classes [{id, name}] in their order
   * @param layout name of a layout
   * @param own a person's own choices: {class id: key}
   */
  constructor(classes, layout = "standard", own = {}) {
    this.name = layout;
    this.layout = LAYOUTS[layout] ?? LAYOUTS.standard;
    this.classes = classes;
    for (const [action, keys] of Object.entries(this.layout.actions)) for (const key of keys) this.#actions.set(key, action);
    // Their own first; then who is named like a key gets it: whoever sees a 7 presses 7. The others get what is left.
    for (const one of classes) this.#give(own[one.id], one);
    for (const one of classes) if (this.layout.classes.includes(one.name.toLowerCase())) this.#give(one.name.toLowerCase(), one);
    const left = [...this.layout.classes].filter((key) => this.#isFree(key));
    for (const one of classes) if (!this.#keys.has(one.id)) this.#give(left.shift(), one);
  }

  /** The key of a class, or undefined once the keyboard is used up. */
  of(one) {
    return this.#keys.get(one.id);
  }

  /** The keys of an action. */
  for(action) {
    return this.layout.actions[action] ?? [];
  }

  classOf(key) {
    return this.#classes.get(key);
  }

  actionOf(key) {
    return this.#actions.get(key);
  }

  /**
   * What happens if a class is given a key.
   * @returns {{refusal: string}|{own: object, said: string}} a sentence, and the new choices unless it is refused
   */
  remap(one, key) {
    if (key.length !== 1 || key === " ") return { refusal: `${keyName(key)} cannot choose a class: take a letter, a digit or a sign.` };
    const action = this.actionOf(key);
    if (action) return { refusal: `${keyName(key)} is taken: ${ACTIONS[action]}. Choose another key.` };
    const owner = this.classOf(key);
    const own = Object.fromEntries(this.#keys);
    own[one.id] = key;
    if (!owner || owner.id === one.id) return { own, said: `${keyName(key)} chooses ${one.name}.` };
    own[owner.id] = this.of(one);
    const instead = new Keys(this.classes, this.name, own).of(owner);
    const rest = `${owner.name} has ${instead ? keyName(instead) : "none"} now`;
    return { own, said: `${keyName(key)} chooses ${one.name}; it was ${owner.name}'s, and ${rest}.` };
  }

  #isFree(key) {
    return Boolean(key) && !this.#actions.has(key) && !this.#classes.has(key);
  }

  #give(key, one) {
    if (!this.#isFree(key) || this.#keys.has(one.id)) return;
    this.#classes.set(key, one);
    this.#keys.set(one.id, key);
  }
}
