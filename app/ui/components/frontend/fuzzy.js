// Finding a class by a few of its letters.

/** Names whose letters contain those of the query in this order, the best first; equally good ones keep their order. */
export function rank(query, classes) {
  const wanted = fold(query.trim());
  const scored = classes.map((one, at) => ({ one, at, score: score(wanted, fold(one.name)) }));
  return scored
    .filter(({ score: points }) => points !== null)
    .sort((a, b) => b.score - a.score || a.at - b.at)
    .map(({ one }) => one);
}

/** How well a name answers a query; null if it does not. Both are folded. */
export function score(query, name) {
  if (!query) return 0;
  if (name === query) return 1000;
  if (name.startsWith(query)) return 800 - name.length;
  const within = name.indexOf(query);
  if (within > 0) return (isWordStart(name, within) ? 600 : 400) - within;
  let points = 200;
  let last = -1;
  for (const letter of query) {
    const at = name.indexOf(letter, last + 1);
    if (at < 0) return null;
    points += isWordStart(name, at) ? 10 : 0;
    points -= last < 0 ? at : at - last - 1;
    last = at;
  }
  return points;
}

const isWordStart = (name, at) => at === 0 || /[\s_\-./(]/u.test(name[at - 1]);

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
