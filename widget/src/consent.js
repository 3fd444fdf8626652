/**
 * The visitor's choices: what is on, what must be asked, and taking a decision. Knows no DOM.
 *
 * @import { Action, Choice, BannerConfig, Layer, VisitorRecord } from "./types.js"
 * @import { Storage } from "./storage.js"
 * @import { Transport } from "./transport.js"
 */
import { needsReconsent } from "./reconsent.js";
import { deriveState, effective } from "./state.js";

// randomUUID exists on secure pages only.
const uuid = () =>
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (+digit / 4)))).toString(16),
  );

const signals = () => ({ gpc: !!navigator.globalPrivacyControl, dnt: navigator.doNotTrack === "1" });

/**
 * @param {BannerConfig} config
 * @param {Storage} storage
 * @param {Transport} transport
 * @param {() => string} language of what the visitor sees
 * @param {() => void} changed called in a task of its own, so that the click that decided is painted first
 */
export const createConsent = (config, storage, transport, language, changed) => {
  const { versions, region } = config;
  const { number: version, purposes } = versions[versions.length - 1];
  let record = storage.readRecord();
  const state = () => record?.state ?? null;
  const signalled = () => signals().gpc || signals().dnt;

  /** The additional purposes that are on. */
  const granted = () => effective(state(), versions, Date.now(), region, signalled());

  /** @param {VisitorRecord|null} next */
  const keep = (next) => {
    storage.writeRecord((record = next));
    setTimeout(changed);
  };

  /** What the visitor must be asked or told now, or null. */
  const mustAsk = () => needsReconsent(state(), versions, Date.now(), region);

  /**
   * Takes a decision: applied and queued at once, released and sent in later tasks.
   *
   * @param {Layer} layer
   * @param {string[]} on every additional purpose that is on from now
   * @param {string[]} [asked] those that were really put to the visitor
   * @param {Action} [action] follows from the choices if left out
   */
  const decide = (layer, on, asked = purposes, action) => {
    const all = purposes.every((purpose) => on.includes(purpose));
    action ??= all ? "accept_all" : on.length ? "custom" : "reject_all";
    const at = Date.now();
    const choices = Object.fromEntries(
      purposes.map((purpose) => [purpose, /** @type {Choice} */ (on.includes(purpose) ? "granted" : "denied")]),
    );
    const until = at + config.days * 864e5;
    const id = record?.id ?? uuid();
    const decision = { version, action, choices, asked, at, until };
    transport.enqueue({
      receipt_id: uuid(),
      visitor_id: id,
      policy_version: version,
      language: language(),
      action,
      layer,
      choices,
      asked,
      banner_build: config.build,
      decided_at: new Date(at).toISOString(),
      signals: signals(),
    });
    keep({ ...record, id, state: deriveState(state(), decision, versions) });
    setTimeout(transport.flush);
  };

  return {
    version,
    purposes,
    granted,
    keep,
    signalled,
    mustAsk,
    decide,
    record: () => record,

    /** Another tab has decided. */
    reread: () => {
      record = storage.readRecord();
      changed();
    },

    /** The visitor has read the notice of the current version. Kept here only: reading is no decision. */
    acknowledge: () => record && keep({ ...record, state: { ...record.state, seen: version } }),

    /** Where consent is not asked for first, a signal answers what the visitor has not. */
    honourSignal: () => {
      const { gpc, dnt } = signals();
      const open = mustAsk()?.ask.filter((purpose) => record?.state.purposes[purpose]?.choice !== "granted");
      if (region === "opt_out" && (gpc || dnt) && open?.length) decide("api", granted(), open, gpc ? "gpc" : "dnt");
    },

    /** @param {string} purpose a basic one is always on, an unknown one never */
    isOn: (purpose) => config.basic.includes(purpose) || granted().includes(purpose),

  };
};

/** @typedef {ReturnType<typeof createConsent>} Consent */
