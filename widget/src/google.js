/**
 * Google Consent Mode v2: everything denied by default, before any other script of the page can ask, and one update for
 * each decision and for each page of a visitor who has chosen.
 *
 * @import { BannerConfig } from "./types.js"
 */

/**
 * @param {BannerConfig["google"]} settings
 * @param {(purpose: string) => boolean} isOn
 * @returns {() => void} sends an update with what is on now
 */
export const createGoogle = (settings, isOn) => {
  if (!settings) return () => {};
  const [signals, commands] = settings;
  /** Google tells a command from an event by the `arguments` object. @type {(...command: any[]) => void} */
  const gtag = function () {
    (window.dataLayer ??= []).push(arguments);
  };
  /** @param {string} command @param {(purpose: string) => boolean} on @param {object} [more] */
  const send = (command, on, more) => {
    /** @type {Record<string, string|number>} */
    const state = { security_storage: "granted", ...more };
    for (const [signal, purposes] of Object.entries(signals)) state[signal] = purposes.some(on) ? "granted" : "denied";
    gtag("consent", command, state);
  };
  send("default", () => false, { wait_for_update: 500 });
  for (const command of commands) gtag(...command);
  return () => send("update", isOn);
};
