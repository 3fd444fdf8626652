/**
 * Asks about some purposes at the moment when the page needs them.
 *
 * @import { Detail } from "./types.js"
 * @import { Parts } from "./parts.js"
 */
import { phrase } from "./details.js";

/**
 * @param {Parts} parts
 * @param {() => Promise<Detail>} detail
 * @param {string|string[]} wanted keys of purposes; those that are on already are not asked again
 * @returns {Promise<boolean>} whether all of them are on, once the visitor has answered
 */
export const ask = async (parts, detail, wanted) => {
  const { cards, consent, decide, fill, words } = parts;
  const asked = consent.purposes.filter((purpose) => [wanted].flat().includes(purpose) && !consent.isOn(purpose));
  const answered = () => [wanted].flat().every((purpose) => consent.isOn(purpose));
  if (!asked.length) return answered();
  const found = await detail();
  const { texts } = found;
  const named = { purposes: phrase(found, asked, words.tag()) };
  parts.show();
  /** @param {string[]} on */
  const act = (on) => () => void decide("api", [...consent.granted(), ...on], asked);
  cards.show(
    fill(texts.ask_title, named),
    [fill(texts.frame, named)],
    [
      { id: "accept-all", label: texts.accept_change, act: act(asked) },
      { id: "reject-all", label: texts.reject_change, act: act([]) },
    ],
    [{ id: "preferences", label: texts.preferences, act: parts.open, keep: true }],
    [texts.policy, words.policyUrl()],
  );
  await new Promise((resolve) => document.addEventListener("consent:change", resolve, { once: true }));
  return answered();
};
