/**
 * Loads the banner's tag from the consent server, once, and tells when choices change. The banner itself stays on the server:
 * its texts, purposes and versions are the site's, and follow what the legal team publishes.
 *
 * @import { ConsentApi, ConsentSnapshot } from "./consent.js"
 * @import { TagOptions } from "./loader.d.ts"
 */

/** Where the page demands Trusted Types it has to allow this name. */
const POLICY = "consent-server-loader";

/** @type {Promise<ConsentApi|null>|undefined} */
let loading;

/**
 * Puts the tag into the page. A tag that is there already, and a second call, are used as they are.
 *
 * @param {TagOptions} options
 * @returns {Promise<ConsentApi|null>} null when it could not be loaded: then nothing is granted
 */
export const loadConsent = ({ server, site, hash, integrity, nonce }) =>
  (loading ??= new Promise((resolve) => {
    if (typeof document === "undefined") return resolve(null);
    const done = () => resolve(window.Consent ?? null);
    if (window.Consent) return done();
    const script = document.createElement("script");
    const address = `${server.replace(/\/+$/, "")}/w/${site}${hash ? `@${hash}` : ""}.js`;
    const policy = /** @type {any} */ (window).trustedTypes?.createPolicy(POLICY, { createScriptURL: String });
    script.src = policy?.createScriptURL(address) ?? address;
    script.async = true;
    if (nonce) script.nonce = nonce;
    if (integrity) Object.assign(script, { integrity, crossOrigin: "anonymous" });
    script.addEventListener("load", done);
    script.addEventListener("error", done);
    document.head.append(script);
  }));

/** Whether a purpose is on now; false while nothing is known. @param {string} purpose */
export const isOn = (purpose) => typeof window !== "undefined" && window.Consent?.get().purposes[purpose] === true;

/**
 * Calls a listener as soon as choices are known, and whenever they change.
 *
 * @param {(snapshot: ConsentSnapshot) => void} listener
 * @returns {() => void} stops listening
 */
export const subscribe = (listener) => {
  /** @param {CustomEvent<ConsentSnapshot>} event */
  const heard = ({ detail }) => listener(detail);
  document.addEventListener("consent:ready", heard);
  document.addEventListener("consent:change", heard);
  return () => {
    document.removeEventListener("consent:ready", heard);
    document.removeEventListener("consent:change", heard);
  };
};
