/**
 * What the first module hands to those that are loaded later. Types only: nothing here reaches a bundle.
 *
 * @import { BannerConfig, Granting } from "./types.js"
 * @import { Cards } from "./banner.js"
 * @import { Consent } from "./consent.js"
 * @import { Storage } from "./storage.js"
 * @import { Transport } from "./transport.js"
 * @import { Words } from "./language.js"
 *
 * @typedef {object} Modules By name of its file, what each module answers with.
 * @property {import("./second.js").SecondLayer} second
 * @property {import("./preferences.js").Preferences} preferences
 * @property {{cover: () => Promise<void>}} frames
 * @property {{show: () => Promise<void>}} debug
 * @property {Teller} clarity
 * @property {Teller} uet
 * @property {Teller} matomo
 * @property {Teller} meta
 * @property {Teller} wordpress
 * @property {Teller} keep
 * @property {Teller} handover
 * @property {Teller} dialog
 *
 * @typedef {{tell: (granting: Granting) => Promise<void>}} Teller *
 * @typedef {<K extends keyof Modules>(name: K) => Promise<Modules[K]>} Load loaded once; a failure may be tried again
 *
 * @typedef {object} Parts
 * @property {BannerConfig} config
 * @property {Consent} consent
 * @property {Storage} storage
 * @property {Transport} transport
 * @property {Cards} cards
 * @property {Words} words
 * @property {HTMLElement} root
 * @property {Map<Element, Element|undefined>} covers shut frames, and what stands in for them
 * @property {Consent["decide"]} decide
 * @property {() => void} apply
 * @property {() => void} show puts the banner into the page now; what stands in it afterwards stays
 * @property {() => void} firstLayer
 * @property {() => Promise<void>} open
 * @property {() => boolean} stale
 * @property {Load} load
 * @property {typeof import("./dom.js").addStyles} addStyles
 * @property {typeof import("./dom.js").element} element
 * @property {typeof import("./dom.js").fill} fill
 * @property {string} DECIDE
 */
export {};
