// The classes that a person is likely to want next: those of their newest answers, in this browser.

const REMEMBERED = 40;
const OFFERED = 6;

export class Recent {
  constructor(projectId, classes) {
    this.name = `ssmae-recent-${projectId}`;
    this.classes = classes;
    try {
      this.ids = JSON.parse(localStorage.getItem(this.name)) ?? [];
    } catch {
      this.ids = [];
    }
  }

  note(one) {
    this.ids = [one.id, ...this.ids].slice(0, REMEMBERED);
    try {
      localStorage.setItem(this.name, JSON.stringify(this.ids));
    } catch {
      // A full or forbidden storage costs the memory of it only.
    }
  }

  /** The most frequent of them, in the project's order, so that they stay where they are. */
  likely() {
    const counts = new Map();
    for (const id of this.ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    const first = [...counts].sort((a, b) => b[1] - a[1]).slice(0, OFFERED).map(([id]) => id);
    return this.classes.filter((one) => first.includes(one.id));
  }
}
