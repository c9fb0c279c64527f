// Where answers wait for the server: IndexedDB, which outlives the tab, the browser and a power cut. All tabs of a
// browser share it; its transactions are what keeps their order.
//
// A record: {seq, uid, database, annotator_id, name, tab, act, local, sent}. `database` is the one it belongs to: another
// may be served at this address tomorrow. `act` is what the server is sent, `local` what only this browser needs to show
// the image again, `sent` that the server may have it already.
//
// Beside them stand the answers that the server refused, until somebody has read that: {uid, database, annotator_id, act,
// local, error}.

const NAME = "ssmae";
const ANSWERS = "answers";
const REFUSED = "refused";

/** The store of this browser, or one in memory where there is none, as in some private windows. */
export async function openStore() {
  const store = new BrowserStore();
  try {
    await store.every();
    return store;
  } catch {
    return new MemoryStore();
  }
}

class BrowserStore {
  isDurable = true;
  #opened = null;

  /** Keep a new record; resolves once it is on the disk. */
  add(record) {
    return this.#run("readwrite", "strict", (answers) => answers.add(record));
  }

  /** Every record, oldest first. */
  every() {
    return this.#run("readonly", "default", (answers) => answers.getAll());
  }

  /** The oldest records of one person that may be sent, marked as on their way. */
  async claim(maySend, most) {
    const claimed = [];
    await this.#run("readwrite", "relaxed", (answers) => {
      const cursor = answers.openCursor();
      cursor.onsuccess = () => {
        const found = cursor.result;
        if (!found || claimed.length === most) return;
        const record = found.value;
        if (maySend(record) && (!claimed.length || claimed[0].annotator_id === record.annotator_id)) {
          claimed.push(record);
          if (!record.sent) found.update({ ...record, sent: true });
        }
        found.continue();
      };
    });
    return claimed;
  }

  /** Forget records about which the server has decided; `refusals` are kept beside them. */
  settle(uids, refusals) {
    return this.#run("readwrite", "default", (answers, refused) => {
      for (const uid of uids) {
        const found = answers.index("uid").getKey(uid);
        found.onsuccess = () => found.result !== undefined && answers.delete(found.result);
      }
      for (const refusal of refusals) refused.put(refusal);
    });
  }

  /** Every refusal that nobody has dismissed. */
  refusals() {
    return this.#run("readonly", "default", (_, refused) => refused.getAll());
  }

  /** Forget refusals. */
  dismiss(uids) {
    return this.#run("readwrite", "default", (_, refused) => uids.forEach((uid) => refused.delete(uid)));
  }

  /** Take a record away that nobody was sent, or keep `counter`, which undoes it. Gives back whether it was kept. */
  async takeBack(uid, mayHaveLeft, counter) {
    let isCountered = false;
    await this.#run("readwrite", "strict", (answers) => {
      const found = answers.index("uid").get(uid);
      found.onsuccess = () => {
        isCountered = !found.result || found.result.sent || mayHaveLeft;
        if (isCountered) answers.add(counter);
        else answers.delete(found.result.seq);
      };
    });
    return isCountered;
  }

  async #run(mode, durability, work) {
    const database = await (this.#opened ??= this.#open());
    return new Promise((resolve, reject) => {
      const transaction = database.transaction([ANSWERS, REFUSED], mode, { durability });
      const request = work(transaction.objectStore(ANSWERS), transaction.objectStore(REFUSED));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error ?? new Error("The browser stopped writing."));
    });
  }

  #open() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(NAME, 2);
      request.onupgradeneeded = ({ oldVersion }) => {
        request.result.createObjectStore(REFUSED, { keyPath: "uid" });
        if (oldVersion) return;
        const answers = request.result.createObjectStore(ANSWERS, { keyPath: "seq", autoIncrement: true });
        answers.createIndex("uid", "uid", { unique: true });
      };
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const forget = () => (this.#opened = null);
        request.result.onclose = forget; // somebody has cleared the browser's data
        request.result.onversionchange = () => {
          request.result.close();
          forget();
        };
        resolve(request.result);
      };
    });
  }
}

class MemoryStore {
  isDurable = false;
  #records = [];
  #refusals = [];

  async add(record) {
    this.#records.push(record);
  }

  async every() {
    return [...this.#records];
  }

  async claim(maySend, most) {
    const sendable = this.#records.filter(maySend);
    const claimed = sendable.filter((record) => record.annotator_id === sendable[0].annotator_id).slice(0, most);
    for (const record of claimed) record.sent = true;
    return claimed;
  }

  async settle(uids, refusals) {
    this.#records = this.#records.filter((record) => !uids.includes(record.uid));
    this.#refusals.push(...refusals);
  }

  async refusals() {
    return [...this.#refusals];
  }

  async dismiss(uids) {
    this.#refusals = this.#refusals.filter((refusal) => !uids.includes(refusal.uid));
  }

  async takeBack(uid, mayHaveLeft, counter) {
    const found = this.#records.find((record) => record.uid === uid);
    const isCountered = !found || found.sent || mayHaveLeft;
    if (isCountered) this.#records.push(counter);
    else await this.settle([uid], []);
    return isCountered;
  }
}
