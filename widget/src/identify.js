/**
 * Ties this browser to a user whom the site's own server vouches for, and brings that user's choices here.
 *
 * @import { ConsentState, VisitorRecord } from "./types.js"
 * @import { Parts } from "./second.js"
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
  if (state) replace(soundRecord({ id, state, subject: true }));
  return true;
};
