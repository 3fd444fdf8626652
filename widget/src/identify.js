/**
 * Ties this browser to a user whom the site's own server vouches for, and brings that user's choices here.
 *
 * @import { ConsentState, VisitorRecord } from "./types.js"
 * @import { Parts } from "./parts.js"
 */
import { uuid } from "./consent.js";
import { soundRecord } from "./storage.js";

/**
 * @param {Parts} parts
 * @param {string} token
 * @param {string} [visitor] left out until this browser has decided
 */
const post = ({ config }, token, visitor) =>
  fetch(`${config.api}/v1/sites/${config.site}/identify`, {
    method: "POST",
    body: JSON.stringify({ token, ...(visitor && { visitor_id: visitor }) }),
    credentials: "omit",
  });

/** Stops waiting for the first decision of a user who came before it. */
let forget = () => {};

/** A browser without a decision has no id that could be tied: this waits for one. @param {Parts} parts @param {string} token */
const tieLater = (parts, token) => {
  const tie = () => {
    if (parts.consent.record()) identify(parts, token).catch(() => {});
  };
  document.addEventListener("consent:change", tie);
  forget = () => document.removeEventListener("consent:change", tie);
};

/**
 * @param {Parts} parts
 * @param {string|null} token null after signing out: this browser forgets a known user, never an unknown visitor
 * @returns {Promise<boolean>} whether the user is known now; false for a token that the server refuses
 */
export const identify = async (parts, token) => {
  const { consent, storage, transport } = parts;
  /** @param {VisitorRecord|null} record */
  const replace = (record) => {
    storage.writeRecord(record);
    consent.reread();
  };
  forget();
  if (!token) {
    if (consent.record()?.subject) replace(null);
    return false;
  }
  // What this browser has decided goes first, so that the answer takes it into account.
  await transport.flush();
  let answer = await post(parts, token, consent.record()?.id);
  if (answer.status === 409) {
    // This browser belongs to somebody else: their choices are not this user's.
    replace(null);
    answer = await post(parts, token);
  }
  if (!answer.ok) return false;
  /** @type {{state: ConsentState|null, visitor_id?: string}} */
  const known = await answer.json();
  const record = consent.record();
  const state = known.state ?? record?.state;
  const id = record?.id ?? known.visitor_id ?? uuid();
  if (!state) tieLater(parts, token);
  else {
    replace(soundRecord({ id, state, subject: true }));
    // The state came from another browser: what is decided here from now on counts for the same user.
    if (!record) await post(parts, token, id);
  }
  return true;
};
