/**
 * Counts what goes wrong with the tag itself, on a share of the page views of sites whose owner has asked for it. A report
 * is a kind from a fixed list and the banner's build; nothing of the page, the visitor or the error's text is in it. Runs
 * after the first module, shares nothing with it, and stands in the same response.
 */
const [api, site, build, percent] = /** @type {[string, string, string, number]} */ (/** @type {unknown} */ (CONSENT_CONFIG));
const MOST = 3;
const ours = `${api}/w/`;

/** @param {Set<string>} told */
const watch = (told) => {
  /** @param {"start"|"script"|"module"|"policy"} kind */
  const report = (kind) => {
    if (told.has(kind) || told.size >= MOST) return;
    told.add(kind);
    const body = JSON.stringify({ kind, build });
    fetch(`${api}/v1/sites/${site}/errors`, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {});
  };
  if (!window.Consent) report("start");
  addEventListener("error", ({ filename }) => filename?.startsWith(ours) && report("script"));
  addEventListener("unhandledrejection", ({ reason }) => `${reason?.stack}`.includes(ours) && report("script"));
  addEventListener("securitypolicyviolation", ({ blockedURI }) => blockedURI.startsWith(api) && report("policy"));
  new PerformanceObserver((list) => {
    for (const { name, responseStatus } of /** @type {PerformanceResourceTiming[]} */ (list.getEntries()))
      if (name.startsWith(ours) && responseStatus >= 400) report("module");
  }).observe({ type: "resource", buffered: true });
};

try {
  if (Math.random() * 100 < percent) watch(new Set());
} catch {
  // What counts errors must not make any.
}
