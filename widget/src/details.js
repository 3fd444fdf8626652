/**
 * Texts, services and history in the visitor's language; public, and the same for everybody.
 *
 * @import { Detail } from "./types.js"
 * @import { Parts } from "./parts.js"
 */
import { order } from "./state.js";

/**
 * The names of purposes as one phrase. What the first layer says is joined on the server: `Intl.ListFormat` takes longer to
 * load than the whole banner does.
 *
 * @param {Detail} detail
 * @param {string[]} keys
 * @param {string} language
 */
export const phrase = ({ purposes }, keys, language) =>
  new Intl.ListFormat(language).format(keys.map((key) => purposes.find((purpose) => purpose.key === key)?.name ?? key));

/** @param {Parts} parts @returns {() => Promise<Detail>} asks once for each language */
export const createDetails = ({ config, words }) => {
  /** @type {Record<string, Promise<Detail>>} */
  const details = {};

  /** @param {string} language @param {RequestCache} [cache] @returns {Promise<Detail>} */
  const load = async (language, cache) => {
    const address = `${config.api}/v1/sites/${config.site}/banner?lang=${language}`;
    const answer = await fetch(address, { credentials: "omit", cache });
    /** @type {Detail} */
    const found = await answer.json();
    // The two responses may be of different age. Choices are judged by the history up to the version of the first;
    // a history that ends before it would carry a consent over that has to be asked again.
    const versions = found.versions.filter(({ number }) => order(number) <= order(config.currentVersion));
    if (versions.some(({ number }) => number === config.currentVersion)) return { ...found, versions };
    if (cache) throw new Error("the server does not know this banner's version");
    return load(language, "reload");
  };

  return () => {
    const language = words.tag();
    details[language] ??= load(language).catch((error) => {
      delete details[language];
      throw error;
    });
    return details[language];
  };
};
