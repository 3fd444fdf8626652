/**
 * The offered language that fits a list of wanted ones: exact first, then the same base language, so that `zh`,
 * `zh-Hans-CN` and `zh-TW` find `zh-CN`.
 *
 * @param {string[]} offered
 * @param {string[]} wanted most wanted first; empty ones are skipped
 * @param {string} fallback
 */
export const pickLanguage = (offered, wanted, fallback) => {
  /** @param {string} tag */
  const base = (tag) => tag.toLowerCase().split("-")[0];
  for (const tag of wanted) {
    const found =
      offered.find((language) => language.toLowerCase() === tag.toLowerCase()) ??
      offered.find((language) => base(language) === base(tag));
    if (found) return found;
  }
  return fallback;
};

/** The page's language, then the browser's. */
export const wantedLanguages = () => [document.documentElement.lang, ...(navigator.languages ?? [])];

/** Where in the list of a language's words each of them stands; `FIRST` in consent_server/banner/configuration.py. */
export const TITLE = 0;
export const BODY = 1;
export const ACCEPT = 2;
export const REJECT = 3;
export const PREFERENCES = 4;
export const POLICY = 5;
export const SIGNAL = 6;
export const OPEN = 7;

/**
 * The words of the interface in the visitor's language, read anew each time: a page may change its language.
 *
 * @param {import("./types.js").BannerConfig} config
 */
export const createWords = (config) => {
  const { api, packs } = config;
  const offered = Object.keys(packs);
  const language = () => pickLanguage(offered, wantedLanguages(), offered[0]);
  const pack = () => packs[language()];
  return {
    tag: language,
    list: () => pack()[0],
    direction: () => pack()[1] ?? "ltr",
    policyUrl: () => `${api}/p/${config.site}/${config.policyKey}/${config.currentVersion}?lang=${language()}`,
  };
};

/** @typedef {ReturnType<typeof createWords>} Words */
