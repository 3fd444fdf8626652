/**
 * What this browser keeps: the visitor's record (localStorage and a first-party cookie, either alone is enough) and
 * small lists under a suffix. Never throws; content that is not ours reads as absent.
 *
 * @import { ConsentEntry, ConsentState, VisitorRecord } from "./types.js"
 */

// A cookie value may hold neither quotes nor commas. Each changes places with its neighbour here, none of which occurs in
// keys, versions or ids.
const SWAPPED = `"'!,`;
/** @param {string} text */
const swap = (text) => text.replace(/["',!]/g, (c) => SWAPPED[SWAPPED.indexOf(c) ^ 1]);

/** @param {any} entry @returns {entry is ConsentEntry} */
const isEntry = (entry) =>
  /^\w+ \d+\.\d+ \d+ \d+$/.test(`${entry?.choice} ${entry?.version} ${entry?.at} ${entry?.until}`);

/**
 * A record with its sound parts only, or null. A damaged entry is dropped, so that its purpose is asked again.
 *
 * @param {any} found
 * @returns {VisitorRecord|null}
 */
export const soundRecord = (found) => {
  const state = found?.state;
  if (!/^\S{36} \d+\.\d+$/.test(`${found?.id} ${state?.version}`)) return null;
  const purposes = Object.fromEntries(Object.entries(state.purposes ?? {}).filter(([, entry]) => isEntry(entry)));
  return { ...found, state: { ...state, purposes } };
};

/**
 * @param {string} site
 * @param {number} days life of the cookie
 */
export const createStorage = (site, days) => {
  const name = `consent_${site}`;
  /** What could not be stored lives as long as the page. @type {Record<string, unknown>} */
  const memory = {};

  /** @param {string} suffix @returns {any} */
  const read = (suffix) => {
    if (suffix in memory) return memory[suffix];
    try {
      return JSON.parse(/** @type {string} */ (localStorage.getItem(name + suffix)));
    } catch {
      return null;
    }
  };

  /** @param {string} suffix @param {unknown} value */
  const write = (suffix, value) => {
    try {
      localStorage.setItem(name + suffix, JSON.stringify(value));
      delete memory[suffix];
    } catch {
      memory[suffix] = value;
    }
  };

  /** @param {string|null} [cookies] as read before */
  const readCookie = (cookies) => {
    try {
      // What is not there is no error: an error costs as much as everything else that is done here.
      return soundRecord(JSON.parse(swap((cookies ?? document.cookie).match(`${name}=([^;]*)`)?.[1] ?? "null")));
    } catch {
      return null;
    }
  };

  /** @param {VisitorRecord|null} record */
  const writeCookie = (record) => {
    try {
      const value = `${swap(JSON.stringify(record))};max-age=${record ? days * 86400 : 0}`;
      document.cookie = `${name}=${value};path=/;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
    } catch {
      // A sandboxed page has no cookies; localStorage or memory serves.
    }
  };

  return {
    name,
    read,
    write,
    /** @param {string|null} [cookies] as read before @returns {VisitorRecord|null} */
    readRecord: (cookies) => soundRecord(read("")) ?? readCookie(cookies),
    /** What another page has just written: cookies tell at once, localStorage reaches other processes a little later. */
    readCookie,
    /** @param {VisitorRecord|null} record null forgets the visitor */
    writeRecord: (record) => {
      write("", record);
      writeCookie(record);
    },
  };
};

/** @typedef {ReturnType<typeof createStorage>} Storage */
/** @typedef {ConsentState} State */
