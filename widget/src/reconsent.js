/**
 * When must a visitor be asked again, and about what? Pure, the twin of
 * consent_server/reconsent/rules.py, which gives the sources. Both are held together by
 * tests/vectors/reconsent.json.
 *
 * @typedef {import("./state.js").Change} Change
 * @typedef {import("./state.js").ConsentState} ConsentState
 * @typedef {import("./state.js").Profile} Profile
 * @typedef {import("./state.js").VersionFacts} VersionFacts
 *
 * @typedef {"never" | "expired" | "changed" | "added" | "notice"} Reason
 * @typedef {object} Delta
 * @property {Reason} reason the weightiest, in the order of the type
 * @property {string[]} ask purposes to ask about
 * @property {string[]} tell versions whose notice has to be shown, oldest first
 * @property {[string, number][]} changes what caused it: version, index in its changes
 */

import { follow, newestFirst, order } from "./state.js";

const PRECEDENCE = /** @type {Reason[]} */ (["never", "expired", "changed", "added", "notice"]);

/** What a visitor has to be asked or told now, or null.
 * @param {ConsentState | null} state
 * @param {VersionFacts[]} versions in any order
 * @param {number} now milliseconds since 1970
 * @param {Profile} [profile]
 * @returns {Delta | null} */
export const needsReconsent = (state, versions, now, profile = "opt_in") => {
  const newest = newestFirst(versions);
  const purposes = newest[0]?.purposes ?? [];
  if (!state)
    return purposes.length ? { reason: "never", ask: purposes, tell: [], changes: [] } : null;

  /** @type {Reason[]} */
  const reasons = [];
  /** @type {Set<Change>} */
  const causes = new Set();

  const ask = purposes.filter((purpose) => {
    const { entry, path } = follow(purpose, state, newest);
    const touching = path.flatMap(([version, name]) =>
      version.changes.filter((change) =>
        entry
          ? entry.choice == "granted" &&
            change.class == "major_consent" &&
            (change.purposes?.includes(name) ?? true)
          : change.type == "purpose_added" &&
            change.class.startsWith("major") &&
            change.purposes?.includes(name),
      ),
    );
    /** @type {Reason | false} */
    const reason = !entry
      ? "added"
      : (entry.by == "gpc" || entry.by == "dnt") && profile == "opt_in"
        ? "never"
        : entry.by == "expire" || now >= entry.until
          ? "expired"
          : touching.length > 0 && "changed";
    if (!reason) return false;
    reasons.push(reason);
    if (reason == "changed" || reason == "added") touching.forEach((change) => causes.add(change));
    return true;
  });

  const tell = newest.filter((version, age) => {
    if (order(version.number) <= Math.max(order(state.version), order(state.seen ?? "0.0")))
      return false;
    /** @param {string} purpose A notice on a removal names what only the version before has. */
    const granted = (purpose) =>
      follow(purpose, state, newest.slice(version.purposes.includes(purpose) ? age : age + 1)).entry
        ?.choice == "granted";
    const notices = version.changes.filter(
      (change) => change.class == "major_notice" && (change.purposes?.some(granted) ?? true),
    );
    notices.forEach((change) => causes.add(change));
    return notices.length > 0;
  });

  const oldest = newest.reverse();
  if (!ask.length && !tell.length) return null;
  return {
    reason: PRECEDENCE.find((reason) => reasons.includes(reason)) ?? "notice",
    ask,
    tell: tell.map((version) => version.number).reverse(),
    changes: oldest.flatMap(({ number, changes }) =>
      changes.flatMap((change, index) =>
        causes.has(change) ? [/** @type {[string, number]} */ ([number, index])] : [],
      ),
    ),
  };
};
