/**
 * How decisions add up to a state, and which purposes are on: pure, the twin of
 * consent_server/consents/rules.py. Both are held together by tests/vectors/state.json.
 *
 * @typedef {"granted" | "denied"} Choice
 * @typedef {"accept_all" | "reject_all" | "custom" | "withdraw" | "expire" | "gpc" | "dnt"} Action
 * @typedef {"opt_in" | "opt_out"} Profile
 *
 * @typedef {object} Change a typed difference of a version against its predecessor
 * @property {string} type
 * @property {"patch" | "minor" | "major_notice" | "major_consent"} class
 * @property {string[] | null} purposes the keys it touches, by their new names; null means all
 * @property {string} [renamed_from]
 * @property {Record<string, string>} [summary]
 *
 * @typedef {object} VersionFacts
 * @property {string} number
 * @property {Change[]} changes
 * @property {string[]} purposes keys of the additional purposes, in order
 *
 * @typedef {object} Entry an answer, and the version for which it was really asked
 * @property {Choice} choice
 * @property {string} version
 * @property {number} at milliseconds since 1970
 * @property {number} until milliseconds since 1970; from then on the entry no longer counts
 * @property {Action} by
 *
 * @typedef {object} ConsentState its keys are the purposes' names in `version`
 * @property {string} version newest version that a decision of this visitor was made on
 * @property {string} [seen] newest version whose notice card was shown
 * @property {Record<string, Entry>} purposes
 *
 * @typedef {object} Decision what a receipt says
 * @property {string} version
 * @property {Action} action
 * @property {Record<string, Choice>} choices every additional purpose of `version`
 * @property {string[]} [asked] those really put to the visitor; all without it
 * @property {number} at
 * @property {number} until
 */

/** What version numbers are compared by: 2.10 comes after 2.9.
 * @param {string} number */
export const order = (number) => {
  const [major, minor] = number.split(".");
  return +major * 1e6 + +minor;
};

/** @param {VersionFacts[]} versions in any order */
export const newestFirst = (versions) =>
  [...versions].sort((a, b) => order(b.number) - order(a.number));

/** @param {VersionFacts[]} versions
 * @param {string} number */
export const after = (versions, number) =>
  versions.filter((version) => order(version.number) > order(number));

/** What this purpose was called in the version before, or undefined if it is new here. A key that is
 * declared as added, or that was given away by a rename, begins a new purpose.
 * @param {VersionFacts} version
 * @param {string} name
 * @returns {string | undefined} */
const nameBefore = ({ changes }, name) => {
  if (changes.some((c) => c.type == "purpose_added" && c.purposes?.includes(name))) return;
  const renames = changes.filter((c) => c.type == "purpose_renamed");
  const rename = renames.find((c) => c.purposes?.includes(name));
  if (rename) return rename.renamed_from;
  return renames.some((c) => c.renamed_from == name) ? undefined : name;
};

/** Adds each version with the purpose's name in it to `path`.
 * @param {string} purpose
 * @param {VersionFacts[]} newest
 * @param {[VersionFacts, string][]} path
 * @returns {string | undefined} the name before them all, if it existed then */
const walk = (purpose, newest, path) => {
  /** @type {string | undefined} */
  let name = purpose;
  for (const version of newest) {
    if (!name || !version.purposes.includes(name)) return;
    path.push([version, name]);
    name = nameBefore(version, name);
  }
  return name;
};

/** Follows a purpose back to the visitor's answer, through renames. A purpose that was removed and
 * came back under the same key is another one, and begins without an answer.
 * @param {string} purpose
 * @param {ConsentState} state
 * @param {VersionFacts[]} newest newest first, beginning with the one that `purpose` is a key of
 * @returns {{entry?: Entry, key?: string, path: [VersionFacts, string][]}} */
export const follow = (purpose, state, newest) => {
  /** @type {[VersionFacts, string][]} */
  const path = [];
  const newer = after(newest, state.version);
  const key = walk(purpose, newer, path);
  if (!key || !Object.hasOwn(state.purposes, key)) return { path };
  const entry = state.purposes[key];
  const since = after(newest.slice(newer.length), entry.version);
  return walk(key, since, path) ? { entry, key, path } : { path };
};

/** The answer that counts for one purpose. Only accept_all and custom can give a consent: a
 * withdrawal of one purpose states the others as they are and must not renew them on the way.
 * @param {Entry | undefined} before
 * @param {{entry?: Entry, key?: string}} now
 * @param {Decision} decision
 * @returns {Entry | undefined} */
const answer = (before, { entry, key = "" }, { action, asked }) => {
  if (!entry) return before;
  const denies = entry.choice == "denied";
  if (asked?.includes(key) ?? true)
    if (denies || action == "accept_all" || action == "custom") return entry;
  return before?.choice == entry.choice ? before : denies ? entry : undefined;
};

/** The state after a decision. Only what was really asked is answered anew; of the rest, a refusal
 * always counts and a grant that was not asked never does.
 * @param {ConsentState | null} previous
 * @param {Decision} decision
 * @param {VersionFacts[]} [versions] tell what purposes used to be called
 * @returns {ConsentState} */
export const deriveState = (previous, decision, versions = []) => {
  const { version, action, at, until } = decision;
  /** @type {ConsentState} */
  const stated = { version, purposes: {} };
  for (const [key, choice] of Object.entries(decision.choices))
    stated.purposes[key] = { choice, version, at, until, by: action };

  const later = previous && order(previous.version) > order(version) ? previous : stated;
  const all = newestFirst(versions);
  const newest = all.slice(after(all, later.version).length);
  const facts = newest[0]?.number == later.version && newest[0];
  /** @type {ConsentState} */
  const state = { version: later.version, purposes: {} };
  for (const key of facts ? facts.purposes : Object.keys(later.purposes)) {
    const before = previous ? follow(key, previous, newest).entry : undefined;
    const now = follow(key, stated, newest);
    const entry = answer(before, now, decision);
    // A page loaded before the newer version cannot tell a purpose that is new from one that was
    // renamed: what it cannot place is not kept as a grant.
    if (entry && (facts || later == stated || now.entry || entry.choice == "denied"))
      state.purposes[key] = entry;
  }
  if (previous?.seen && order(previous.seen) > order(state.version)) state.seen = previous.seen;
  return state;
};

/** The additional purposes that are on now. A grant is honoured in its old scope until the visitor
 * has answered the delta or it expires; a new purpose stays off until it was asked.
 * @param {ConsentState | null} state
 * @param {VersionFacts[]} versions in any order
 * @param {number} now milliseconds since 1970
 * @param {Profile} [profile]
 * @param {boolean} [signal] whether the browser sends GPC or DNT
 * @returns {string[]} */
export const effective = (state, versions, now, profile = "opt_in", signal = false) => {
  const newest = newestFirst(versions);
  return (newest[0]?.purposes ?? []).filter((purpose) => {
    const entry = state && follow(purpose, state, newest).entry;
    return state
      ? entry?.choice == "granted" && now < entry.until
      : profile == "opt_out" && !signal;
  });
};
