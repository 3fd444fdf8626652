/**
 * Shapes that cross a file, a network or a storage boundary. Types only: nothing here reaches the bundle.
 *
 * @typedef {import("./state.js").Choice} Choice
 * @typedef {import("./state.js").Action} Action
 * @typedef {import("./state.js").Profile} RegionProfile
 * @typedef {import("./state.js").Change} Change
 * @typedef {import("./state.js").VersionFacts} VersionFacts
 * @typedef {import("./state.js").Entry} ConsentEntry
 * @typedef {import("./state.js").ConsentState} ConsentState
 * @typedef {import("./reconsent.js").Delta} Delta
 * @typedef {"banner"|"preferences"|"delta"|"frame"|"api"} Layer
 * @typedef {"cookie"|"local_storage"|"session_storage"} Store
 *
 * @typedef {object} VisitorRecord What the browser keeps; no identifier exists before the first decision.
 * @property {string} id visitor id, a UUID
 * @property {ConsentState} state
 * @property {string} [judged] region profile and version under which nothing is left to ask or tell
 * @property {boolean} [dirty] something was switched off: its storage is erased again on the next page
 * @property {boolean} [subject] this browser was tied to a known user
 *
 * @typedef {[texts: string[], dir?: "rtl"]} LanguagePack words in the order of language.js
 *
  * @typedef {object} BannerConfig The baked configuration: what the server wraps around the bundle. It travels as a list, and
 *   the build makes places in that list of these names.
 * @property {string} site public key of the site
 * @property {string} api address of the consent server, no slash at the end
 * @property {string} policyKey
 * @property {string} build hex sha-256, the banner build that a receipt names
 * @property {RegionProfile} region
 * @property {number} days how long a choice lasts
 * @property {Record<string, LanguagePack>} packs the site's default first
 * @property {string} currentVersion number of the current policy version
 * @property {string[]} purposeKeys keys of its additional purposes, in order
 * @property {string[]} basic keys of the basic purposes, always on
 * @property {string} styles the owner's look as rules: `:root{--consent-accent:#0a5}`, and what another form than a corner takes
 * @property {string|0} corner where the control stands that opens the preferences: start, end, or 0 for nowhere
 * @property {string} modules hash in the addresses of the modules, `/w/preferences-<hash>.js`
 * @property {[signals: Record<string, string[]>, commands: unknown[][]]|0} [google] Consent Mode: by Google's
 *   signal the purposes that grant it, and what is said after the default: settings, defaults of single regions
 * @property {[Adapter, Granting][]} adapters what other vendors are told
 *
 * @typedef {"clarity"|"uet"|"matomo"|"meta"|"wordpress"|"keep"|"handover"|"dialog"} Adapter a dialog hears too when something is said, and says nothing
 * @typedef {Record<string, string[]>} Granting by a vendor's signal the purposes that grant it
 *
 * @typedef {object} Decision The body of POST /v1/sites/<site>/decisions.
 * @property {string} receipt_id
 * @property {string} visitor_id
 * @property {string} policy_version
 * @property {string} language
 * @property {Action} action
 * @property {Layer} layer
 * @property {Record<string, Choice>} choices
 * @property {string[]} asked
 * @property {string} banner_build
 * @property {Date|string} decided_at by the browser's clock; ISO 8601 once it is stored or sent
 * @property {{gpc: boolean, dnt: boolean}} signals
 *
 * @typedef {object} CookieFacts
 * @property {string} name
 * @property {boolean} pattern
 * @property {Store} store
 * @property {"first"|"third"} party
 * @property {string} lifetime ISO 8601 duration, or `session`
 * @property {string} description
 *
 * @typedef {object} ServiceFacts
 * @property {string} key
 * @property {string} name
 * @property {string} provider
 * @property {string|null} privacy_url
 * @property {string} description
 * @property {CookieFacts[]} cookies
 *
 * @typedef {object} PurposeFacts
 * @property {string} key
 * @property {"basic"|"additional"} function
 * @property {string} name
 * @property {string} description
 * @property {ServiceFacts[]} services
 *
 * @typedef {object} Detail The second layer's data: GET /v1/sites/<site>/banner?lang=.
 * @property {Record<string, string>} texts `first` and `preferences` of the locale, merged
 * @property {PurposeFacts[]} purposes
 * @property {VersionFacts[]} versions in effect, with summaries
 * @property {string[]} [popups] numbers of versions whose changes a campaign wants told in a dialog
 * @property {string} policy_url
 */
export {};
