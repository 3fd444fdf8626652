/**
 * `window.Consent`, described for other people's editors in ../consent.d.ts.
 *
 * @import { Consent } from "./consent.js"
 * @import { Transport } from "./transport.js"
 */

/** @param {Consent} consent */
export const snapshot = (consent) => ({
  version: consent.version,
  decided: !!consent.record(),
  purposes: Object.fromEntries(consent.purposes.map((purpose) => [purpose, consent.isOn(purpose)])),
});

/** @param {string} event @param {object} detail */
export const emit = (event, detail) =>
  document.dispatchEvent(new CustomEvent(`consent:${event}`, { detail }));

/**
 * @param {Consent} consent
 * @param {Transport} transport
 * @param {Consent["decide"]} decide
 * @param {() => Promise<void>} open
 * @param {(token: string|null) => Promise<boolean>} identify
 * @param {(purposes: string|string[]) => Promise<boolean>} ask
 */
export const createApi = (consent, transport, decide, open, identify, ask) => {
  /** @param {string} event @param {(detail: any) => void} listener */
  const on = (event, listener) => {
    /** @param {any} fired */
    const heard = (fired) => listener(fired.detail);
    document.addEventListener(`consent:${event}`, heard);
    return () => document.removeEventListener(`consent:${event}`, heard);
  };
  return {
    get: () => snapshot(consent),
    open,
    /** @param {string|string[]} purposes */
    withdraw: (purposes = consent.purposes) => {
      const list = consent.purposes.filter((purpose) => [purposes].flat().includes(purpose));
      if (list.length)
        decide("api", consent.granted().filter((purpose) => !list.includes(purpose)), list, "withdraw");
    },
    on,
    identify,
    ask,
    receipt: transport.answer,
    /** @param {string} purpose @returns {Promise<void>} */
    whenGranted: (purpose) =>
      new Promise((resolve) => {
        const check = () => {
          if (!consent.isOn(purpose)) return;
          off();
          resolve();
        };
        const off = on("change", check);
        check();
      }),
  };
};
