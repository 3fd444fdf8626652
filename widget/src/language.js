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

/**
 * The words of the interface in the visitor's language, read anew each time: a page may change its language.
 *
 * @param {import("./types.js").BannerConfig} config
 */
export const createWords = (config) => {
  const language = () => pickLanguage(Object.keys(config.languages), wantedLanguages(), config.language);
  const pack = () => config.languages[language()];
  return {
    language,
    texts: () => pack().texts,
    dir: () => pack().dir ?? "ltr",
    /** The names of purposes as one phrase. @param {string[]} purposes */
    names: (purposes) =>
      new Intl.ListFormat(language()).format(purposes.map((purpose) => pack().names[purpose] ?? purpose)),
    policyUrl: () => `${config.api}/p/${config.site}/${config.policy}/${config.version}?lang=${language()}`,
  };
};

/** @typedef {ReturnType<typeof createWords>} Words */
