// Whose page this is, and the one way to ask the server in their name.

/** The opened page: every load of a page, and every tab, has an id of its own. */
export const TAB = uuid();

const PATIENCE = 20000; // milliseconds until a request counts as lost

class Session {
  #enter;
  /** Resolves when Python has said who signed in. */
  known = new Promise((resolve) => (this.#enter = resolve));
  isKnown = false;
  annotatorId = null; // null: nobody signs in on this server, and everybody answers in any name
  name = "";
  csrf = "";
  database = ""; // the name of the one that is served; the numbers of people and images mean something in it alone
  #listeners = new Set();

  /** Python says who signed in. */
  enter({ annotator_id = null, name = "", csrf = "", database = "" }) {
    const isNews = !this.isKnown || this.annotatorId !== annotator_id || this.csrf !== csrf || this.database !== database;
    Object.assign(this, { isKnown: true, annotatorId: annotator_id, name, csrf, database });
    this.#enter();
    if (isNews) this.#listeners.forEach((listener) => listener());
  }

  onEnter(listener) {
    this.#listeners.add(listener);
  }

  /** Whether answers of this person may be sent from here. */
  speaksFor(annotatorId) {
    return this.annotatorId === null || this.annotatorId === annotatorId;
  }
}

export const session = new Session();

/** Why the server did not do as asked. `kind`: away, signed-out, reload, refused or broken. */
export class Trouble extends Error {
  constructor(kind, message, status = 0) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

/** Ask the server, once it is known who asks; gives back its JSON. Throws a Trouble. */
export async function ask(path, { method = "GET", body, keepalive = false } = {}) {
  if (!session.isKnown) await session.known; // no pause otherwise: a page that goes away has no time for one
  const reply = await fetch(path, {
    method,
    keepalive,
    signal: keepalive ? undefined : AbortSignal.timeout(PATIENCE),
    headers: { "x-database": session.database, ...(body && { "Content-Type": "application/json" }),
      ...(session.csrf && { "x-csrf": session.csrf }) },
    body: body && JSON.stringify(body),
  }).catch(() => {
    throw new Trouble("away", "The server cannot be reached.");
  });
  // Who is not signed in may be sent to the form instead.
  if (reply.status === 401 || reply.redirected) throw new Trouble("signed-out", "You are signed out.", 401);
  const said = await reply.json().catch(() => null);
  if (reply.ok && said) return said;
  const sentence = said?.error ?? `The server says ${reply.status}, and nothing that can be understood.`;
  if (reply.status === 403 || reply.status === 412) throw new Trouble("reload", sentence, reply.status);
  throw new Trouble(reply.status < 500 ? "refused" : "broken", sentence, reply.status);
}

/** A random id. `crypto.randomUUID` is missing where a page is opened without encryption over a network. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Where to sign in, and come back here. */
export function signInAddress() {
  return `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
}
