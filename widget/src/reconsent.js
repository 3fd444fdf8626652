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

import { after, follow, newestFirst, order } from "./state.js";

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

  /** @type {Set<Reason>} */
  const reasons = new Set();
  /** @type {Set<Change>} */
  const causes = new Set();

  const ask = purposes.filter((purpose) => {
    const { entry, path } = follow(purpose, state, newest);
    // Of a grant, what outgrew it; of a purpose without an answer, what began it. A refusal has no
    // scope to outgrow.
    const touching = path.flatMap(([version, name]) =>
      version.changes.filter(({ type, class: grade, purposes: named }) =>
        entry
          ? entry.choice == "granted" && grade == "major_consent" && (!named || named.includes(name))
          : type == "purpose_added" && grade.startsWith("major") && named?.includes(name),
      ),
    );
    /** @type {Reason | false} */
    let reason = touching.length > 0 && "changed";
    if (!entry) reason = "added";
    // A signal answers for the visitor; where consent comes first, nobody has asked them yet.
    else if (profile == "opt_in" && (entry.by == "gpc" || entry.by == "dnt")) reason = "never";
    else if (entry.by == "expire" || now >= entry.until) reason = "expired";
    if (reason) reasons.add(reason);
    if (reason == "added" || reason == "changed") touching.forEach((change) => causes.add(change));
    return reason;
  });

  const { version: answered, seen = answered } = state;
  const tell = after(newest, order(seen) > order(answered) ? seen : answered).filter((version, age) => {
    /** @param {string} purpose A notice on a removal names what only the version before has. */
    const granted = (purpose) =>
      follow(purpose, state, newest.slice(version.purposes.includes(purpose) ? age : age + 1)).entry
        ?.choice == "granted";
    const notices = version.changes.filter(
      (change) => change.class == "major_notice" && (change.purposes?.some(granted) ?? true),
    );
    notices.forEach((change) => causes.add(change));
    return notices.length;
  });

  return ask.length || tell.length
    ? {
        reason: PRECEDENCE.find((reason) => reasons.has(reason)) ?? "notice",
        ask,
        tell: tell.map((version) => version.number).reverse(),
        changes: newest.reverse().flatMap(({ number, changes }) =>
          changes.flatMap((change, index) =>
            causes.has(change) ? [/** @type {[string, number]} */ ([number, index])] : [],
          ),
        ),
      }
    : null;
};
