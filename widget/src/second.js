/**
 * Module: what most page views never need, and all that needs the policy's history. Loaded with import(), so it
 * inherits the nonce of the first.
 *
 * @import { Consent, Derive } from "./consent.js"
 * @import { Parts } from "./parts.js"
 */
import { ask } from "./ask.js";
import { showDelta, showReload } from "./delta.js";
import { createDetails } from "./details.js";
import { erase } from "./erase.js";
import { identify } from "./identify.js";
import { carry, weigh } from "./judge.js";
import { needsReconsent } from "./reconsent.js";
import { deriveState } from "./state.js";
import styles from "../styles/second.css";

/** @param {Parts} parts */
export default (parts) => {
  const { config, consent, cards, root } = parts;
  const detail = createDetails(parts);
  parts.addStyles(styles);

  /** @type {SecondLayer} */
  const layer = {
    decide: async (where, on, asked, action) => {
      const { versions } = await detail();
      /** @type {Derive} */
      const rule = (previous, decision) => {
        const state = deriveState(previous ?? null, decision, versions);
        const { delta, on } = weigh(state, versions, config.region);
        return { state, on, settled: !delta };
      };
      consent.decide(where, on, asked, action, rule);
    },

    /** Judges choices that are older than the current version, and asks what is left to ask. */
    review: async () => {
      const found = await detail();
      const state = consent.record()?.state;
      if (!state) return;
      const before = consent.granted();
      const { delta, on } = weigh(state, found.versions, config.region);
      consent.judge({ on, settled: !delta, state: delta ? state : carry(state, on, config, found.versions) });
      if (`${before}` !== `${on}`) parts.apply();
      if (!delta) cards.hide();
      else if (!delta.changes.length && delta.ask.length === consent.purposes.length) parts.firstLayer();
      else showDelta(parts, found, delta, layer);
    },

    outdated: async () => {
      const { versions } = await detail();
      return needsReconsent(consent.record()?.state ?? null, versions, Date.now())?.ask ?? [];
    },

    /** Erases what purposes that are off have stored. @param {boolean} [done] no script of theirs can run any more */
    erase: async (done) => {
      const { purposes } = await detail();
      erase(purposes.filter(({ key }) => !consent.isOn(key)));
      const record = consent.record();
      if (done && record && !parts.stale()) consent.write({ ...record, dirty: false });
      if (!parts.stale()) return;
      parts.show();
      if (!root.querySelector(".csv-card")) showReload(parts, await detail());
    },

    ask: (purposes) => ask(parts, detail, purposes),

    /** @param {string|null} token */
    identify: (token) => identify(parts, token),
  };
  return layer;
};

/**
 * @typedef {object} SecondLayer
 * @property {(...decision: Parameters<Consent["decide"]>) => Promise<void>} decide
 * @property {() => Promise<void>} review
 * @property {() => Promise<string[]>} outdated purposes whose answer no longer covers what is asked
 * @property {(done?: boolean) => Promise<void>} erase
 * @property {(purposes: string|string[]) => Promise<boolean>} ask
 * @property {(token: string|null) => Promise<boolean>} identify
 */
