/**
 * The visitor's choices, and taking a decision. Knows no DOM, and only the easy part of the rules: a visitor who has
 * never decided, and one whose choices are settled under the current version. Anything older is judged by the second
 * module, which has the history; until then nothing is on.
 *
 * @import { Action, BannerConfig, Choice, ConsentState, Layer, VisitorRecord } from "./types.js"
 * @import { Decision } from "./state.js"
 * @import { Storage } from "./storage.js"
 * @import { Transport } from "./transport.js"
 *
 * @typedef {object} Verdict What a state amounts to.
 * @property {ConsentState} state
 * @property {string[]} on
 * @property {boolean} settled nothing is left to ask or tell
 *
 * @typedef {(previous: ConsentState|undefined, decision: Decision) => Verdict} Derive
 */

/** On secure pages at no cost; the address of a blob, here an empty one, ends in a random UUID everywhere, after some milliseconds. */
export const uuid = () => (crypto.randomUUID ? crypto.randomUUID() : URL.createObjectURL(new Blob()).slice(-36).toLowerCase());

/**
 * @param {BannerConfig} config
 * @param {Storage} storage
 * @param {Transport} transport
 * @param {() => string} language of what the visitor sees
 * @param {() => void} changed called in a task of its own, so that the click that decided is painted first
 */
export const createConsent = (config, storage, transport, language, changed) => {
  const { currentVersion: version, purposeKeys: purposes, region } = config;
  const optOut = region === "opt_out";
  const mark = region + version;
  let record = storage.readRecord(CONSENT_COOKIES);
  /** What the second module has found to be on. @type {string[]} */
  let found = [];
  const signals = { gpc: !!navigator.globalPrivacyControl, dnt: navigator.doNotTrack === "1" };
  const signalled = signals.gpc || signals.dnt;

  /** Whether the easy part of the rules is enough, and has nothing to ask. */
  const settled = () =>
    record?.judged === mark && purposes.every((purpose) => Date.now() < (record?.state.purposes[purpose]?.until ?? 0));

  /** The additional purposes that are on. */
  const granted = () => {
    if (!record) return optOut && !signalled ? purposes : [];
    return settled() ? purposes.filter((purpose) => record?.state.purposes[purpose].choice === "granted") : found;
  };

  /** @param {VisitorRecord|null} next */
  const write = (next) => storage.writeRecord((record = next));

  /**
   * Takes a decision: applied and queued at once, released and sent in later tasks.
   *
   * @param {Layer} layer
   * @param {string[]} on every additional purpose that is on from now
   * @param {string[]} [asked] those that were really put to the visitor
   * @param {Action} [action] follows from the choices if left out
   * @param {Derive} [rule] needed where a key is not one of the current version
   */
  const decide = (layer, on, asked = purposes, action, rule) => {
    action ??= purposes.every((purpose) => on.includes(purpose)) ? "accept_all" : on.length ? "custom" : "reject_all";
    const at = Date.now();
    const until = at + config.days * 864e5;
    const id = record?.id ?? uuid();
    /** @type {Record<string, Choice>} */
    const choices = {};
    /** @type {ConsentState} */
    const state = { version, purposes: {} };
    for (const purpose of purposes) {
      const choice = (choices[purpose] = on.includes(purpose) ? "granted" : "denied");
      const kept = record?.state.purposes[purpose];
      // What was asked is answered anew, a refusal counts even where it was not asked, the rest stays.
      state.purposes[purpose] =
        kept?.choice === choice && !asked.includes(purpose) ? kept : { choice, version, at, until, by: action };
    }
    const verdict = rule?.(record?.state, { version, action, choices, asked, at, until }) ?? { state, on, settled: true };
    const dirty = record?.dirty || granted().some((purpose) => !on.includes(purpose));
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
      decided_at: new Date(at),
      signals,
    });
    found = verdict.on;
    write({ ...record, id, state: verdict.state, judged: verdict.settled ? mark : "", dirty });
    setTimeout(changed);
    setTimeout(transport.flush);
  };

  return {
    purposes,
    version,
    signalled,
    settled,
    granted,
    decide,
    write,
    record: () => record,

    /** The second module's verdict on older choices. @param {Verdict} verdict */
    judge: ({ state, on, settled }) => {
      found = on;
      if (record && settled) write({ ...record, state, judged: mark });
    },

    /** What was stored may have changed while the page waited to be shown. */
    load: () => {
      record = storage.readCookie() ?? storage.readRecord();
    },

    /** What was stored may have changed other than by a decision on this page. */
    reread: () => {
      const stored = storage.readRecord();
      if (JSON.stringify(stored) === JSON.stringify(record)) return;
      record = stored;
      found = [];
      changed();
    },

    /** Where consent is not asked for first, a signal answers for a visitor who has not. */
    honourSignal: () => {
      if (optOut && !record && signalled) decide("api", [], purposes, signals.gpc ? "gpc" : "dnt");
    },

    /**
     * A page that is prerendered may never be seen: nothing of it is on but what is basic.
     *
     * @param {string} purpose a basic one is always on, an unknown one never
     * @param {string[]} [on]
     */
    isOn: (purpose, on = granted()) => config.basic.includes(purpose) || (!document.prerendering && on.includes(purpose)),
  };
};

/** @typedef {ReturnType<typeof createConsent>} Consent */
