/**
 * A settled choice in few characters, and back: the visitor's id, the version, the time of the oldest answer, and a bit for
 * every purpose of that version.
 *
 * @import { Parts } from "./parts.js"
 * @import { ConsentEntry, VisitorRecord } from "./types.js"
 */
import { createDetails } from "./details.js";

/** A UUID in 22 characters, and back. @param {string} id */
const shorten = (id) =>
  btoa(String.fromCharCode(.../** @type {string[]} */ (id.replaceAll("-", "").match(/../g)).map((hex) => parseInt(hex, 16))))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);

/** @param {string} short */
const lengthen = (short) =>
  [...atob(short.replaceAll("-", "+").replaceAll("_", "/"))]
    .map((one) => one.charCodeAt(0).toString(16).padStart(2, "0"))
    .join("")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

/** @param {string} text */
const bits = (text) => [...text].reduce((sum, digit) => sum * 36n + BigInt(parseInt(digit, 36)), 0n);

/** @param {Parts} parts */
export const createShort = (parts) => {
  const { config, consent, storage } = parts;
  const detail = createDetails(parts);

  /** Only what leaves nothing to ask can be said in so few words. @param {VisitorRecord} record */
  const pack = ({ id, state }) => {
    const entries = config.purposeKeys.map((key) => state.purposes[key]);
    const granted = entries.reduce((sum, { choice }, place) => sum | (BigInt(choice === "granted") << BigInt(place)), 0n);
    return [shorten(id), config.currentVersion.replace(".", "-"), Math.min(...entries.map(({ at }) => at)).toString(36), granted.toString(36)].join(".");
  };

  /** @param {string} kept @returns {Promise<VisitorRecord|undefined>} nothing unless it is newer than what is here, and of no day to come */
  const unpack = async (kept) => {
    const [id, dashed, time, mask] = kept.split(".");
    const at = parseInt(time, 36);
    const record = consent.record();
    if (!mask || at > Date.now() + 864e5 || record?.subject || Object.values(record?.state.purposes ?? {}).some((entry) => entry.at >= at)) return;
    const version = dashed.replace("-", ".");
    const current = version === config.currentVersion;
    const keys = current ? config.purposeKeys : (await detail()).versions.find(({ number }) => number === version)?.purposes;
    const granted = keys?.filter((_, place) => (bits(mask) >> BigInt(place)) & 1n) ?? [];
    const by = !granted.length ? "reject_all" : granted.length === keys?.length ? "accept_all" : "custom";
    /** @type {Record<string, ConsentEntry>} */
    const purposes = {};
    for (const key of keys ?? [])
      purposes[key] = { choice: granted.includes(key) ? "granted" : "denied", version, at, until: at + config.days * 864e5, by };
    return keys && { id: lengthen(id), state: { version, purposes }, judged: current ? config.region + version : "" };
  };

  return {
    /** The visitor's choice; nothing where it cannot be said in so few words: something is left to ask, or the user is known. */
    text: () => {
      const record = consent.record();
      return record && !record.subject && consent.settled() ? pack(record) : undefined;
    },
    /** Takes a choice over, unless one that is here is as new. Never throws. @param {string} text */
    restore: async (text) => {
      try {
        const record = await unpack(text);
        if (!record) return;
        storage.writeRecord(record);
        consent.reread();
      } catch {
        // Damaged, or without the history that it takes to read it: the visitor is asked.
      }
    },
  };
};
