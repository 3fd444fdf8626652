/**
 * The baked configuration as it travels: a list, because names would weigh more than what they name.
 *
 * @import { BannerConfig, WireConfig } from "./types.js"
 */

/**
 * The order is that of `wire` in consent_server/banner/configuration.py.
 *
 * @param {WireConfig} list
 * @returns {BannerConfig}
 */
export const unpack = ([site, api, policy, build, modules, region, days, version, purposes, basic, languages, theme, reopen, google, adapters]) => ({
  site,
  api,
  policyKey: policy,
  build,
  modules,
  region,
  days,
  version,
  purposes,
  basic,
  languages,
  theme,
  reopen,
  google,
  adapters,
});
