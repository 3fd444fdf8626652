/**
 * Cards for visitors who have chosen before: what changed and what that asks of them, a notice to acknowledge, or the
 * hint that a page has to be reloaded.
 *
 * @import { Delta, Detail } from "./types.js"
 * @import { Parts } from "./parts.js"
 * @import { SecondLayer } from "./second.js"
 */
import { phrase } from "./details.js";

const BULLETS = 3;

/** @param {Detail} detail @param {Delta} delta @param {string[]} languages in order of preference */
const summaries = ({ versions }, { changes }, languages) => {
  const texts = changes.map(([number, index]) => {
    const summary = versions.find((version) => version.number === number)?.changes[index]?.summary ?? {};
    const language = languages.find((one) => summary[one]);
    return language && summary[language];
  });
  return [.../** @type {Set<string>} */ (new Set(texts.filter(Boolean)))];
};

/** @param {Parts} parts @param {Detail} detail @param {string[]} found */
const bullets = ({ element, fill }, { texts }, found) => [
  ...(found.length
    ? [element("ul", {}, ...found.slice(0, BULLETS).map((text) => element("li", {}, text)))]
    : []),
  ...(found.length > BULLETS ? [fill(texts.more_changes, { count: `${found.length - BULLETS}` })] : []),
];

/** Kept in this browser only: reading is no decision. @param {Parts} parts */
const markSeen = ({ consent, config }) => {
  const record = consent.record();
  if (record) consent.write({ ...record, state: { ...record.state, seen: config.currentVersion } });
};

/**
 * Asks about the delta only, or shows what has changed where nothing needs to be asked.
 *
 * @param {Parts} parts
 * @param {Detail} detail
 * @param {Delta} delta
 * @param {SecondLayer} layer
 */
export const showDelta = (parts, detail, delta, layer) => {
  showCard(parts, detail, delta, layer);
  // The card stands already. Should the module not come, it stays what it is.
  if (delta.changes.some(([number]) => detail.popups?.includes(number))) parts.load("dialog").catch(() => {});
};

/** @type {typeof showDelta} */
const showCard = (parts, detail, delta, { decide, review }) => {
  const { cards, config, consent, fill, words } = parts;
  const { texts } = detail;
  const { ask, reason } = delta;
  const found = summaries(detail, delta, [words.tag(), ...Object.keys(config.packs)]);
  /** @type {[string, string]} */
  const link = [texts.policy, words.policyUrl()];
  if (!ask.length) {
    const act = () => {
      markSeen(parts);
      review();
    };
    cards.show(texts.notice_title, bullets(parts, detail, found), [{ id: "acknowledge", label: texts.acknowledge, act }], [], link);
    return;
  }
  const expired = reason === "expired";
  const others = consent.granted().filter((purpose) => !ask.includes(purpose));
  const question = fill(expired ? texts.expired_ask : texts.changed_ask, { purposes: phrase(detail, ask, words.tag()) });
  cards.show(
    expired ? texts.expired_title : texts.changed_title,
    [...bullets(parts, detail, found), question],
    [
      { id: "accept-all", label: texts.accept_change, act: () => decide("delta", [...others, ...ask], ask) },
      { id: "reject-all", label: texts.reject_change, act: () => decide("delta", others, ask) },
    ],
    [{ id: "preferences", label: texts.preferences, act: parts.open, keep: true }],
    link,
  );
};

/** @param {Parts} parts @param {Detail} detail */
export const showReload = ({ cards }, { texts }) =>
  cards.show(
    texts.reload_title,
    [texts.reload_body],
    [
      { id: "reload", label: texts.reload, act: () => location.reload() },
      { id: "later", label: texts.later, act: () => {} },
    ],
  );
