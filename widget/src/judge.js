/**
 * What choices made under an older version amount to now.
 *
 * @import { BannerConfig, Choice, ConsentState, RegionProfile, VersionFacts } from "./types.js"
 */
import { needsReconsent } from "./reconsent.js";
import { deriveState, effective } from "./state.js";

/** @param {ConsentState} state @param {VersionFacts[]} versions @param {RegionProfile} region */
export const weigh = (state, versions, region) => ({
  delta: needsReconsent(state, versions, Date.now(), region),
  on: effective(state, versions, Date.now(), region),
});

/**
 * The same answers under the current version's keys. Nothing is decided: each keeps the version and the time at which
 * it was given.
 *
 * @param {ConsentState} state
 * @param {string[]} on
 * @param {BannerConfig} config
 * @param {VersionFacts[]} versions
 */
export const carry = (state, on, { currentVersion: version, purposeKeys: purposes }, versions) => {
  const choices = Object.fromEntries(
    purposes.map((purpose) => [purpose, /** @type {Choice} */ (on.includes(purpose) ? "granted" : "denied")]),
  );
  return deriveState(state, { version, action: "custom", choices, asked: [], at: 0, until: 0 }, versions);
};
