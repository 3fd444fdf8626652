/**
 * The queue of decisions that the server has not acknowledged yet. Decisions stay in localStorage until an answer came,
 * go out in order, and carry an id made here, so that sending one twice stores it once.
 *
 * @import { BannerConfig, Decision } from "./types.js"
 * @import { Storage } from "./storage.js"
 */

const QUEUE = "_queue";
const LIMIT = 30;
const TRIES = 4;

/**
 * @param {BannerConfig} config
 * @param {Storage} storage
 */
export const createTransport = (config, storage) => {
  let sending = 0;
  let failures = 0;

  /** @returns {Decision[]} */
  const queue = () => {
    const found = storage.read(QUEUE);
    return Array.isArray(found) ? found : [];
  };

  /** Sends one decision; throws when trying again may help. @param {Decision} decision */
  const post = async (decision) => {
    // A string goes out as text/plain: no preflight, and keepalive survives leaving the page.
    const answer = await fetch(`${config.api}/v1/sites/${config.site}/decisions`, {
      method: "POST",
      body: JSON.stringify(decision),
      keepalive: true,
      credentials: "omit",
    });
    if (answer.ok) storage.write("_receipt", await answer.json());
    else if (/^(5|408|429)/.test(`${answer.status}`)) throw answer.status;
    // Any other refusal stays one, however often it is repeated; 409 means it has arrived already.
  };

  /** @returns {Promise<void>} */
  const flush = async () => {
    if (document.prerendering || sending++) return;
    try {
      for (let next; (next = queue()[0]); ) {
        await post(next);
        storage.write(QUEUE, queue().filter((decision) => decision?.receipt_id !== next.receipt_id));
      }
      failures = 0;
    } catch {
      // Later on this page with jitter, a few times; then on the next page.
      if (++failures < TRIES) setTimeout(flush, 2000 * 3 ** failures * (0.5 + Math.random()));
    }
    sending = 0;
  };

  return {
    flush,
    /** @param {Decision} decision */
    enqueue: (decision) => storage.write(QUEUE, [...queue(), decision].slice(-LIMIT)),
    /** The server's last answer: receipt id, times, choices and the signed receipt. */
    answer: () => storage.read("_receipt"),
  };
};

/** @typedef {ReturnType<typeof createTransport>} Transport */
