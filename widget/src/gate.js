/**
 * Keeps marked scripts, frames, images and styles shut until their purposes are on, and opens each once, in document order.
 * Scripts stay the same elements: nonce, listeners and attributes are kept, and inline text stays trusted.
 */
/** @typedef {HTMLScriptElement|HTMLIFrameElement|HTMLImageElement|HTMLLinkElement|HTMLStyleElement} Marked */

const MARKED =
  '[data-consent]:is([type="text/plain"],iframe[data-src],img[data-src],link[data-href])';
/** A script that answers neither way must not hold up those after it. */
const PATIENCE = 5000;

/** @param {HTMLElement} node */
export const purposesOf = (node) => node.getAttribute("data-consent")?.match(/[^\s,]+/g) ?? [""];

/** Script addresses need a policy where the page demands Trusted Types. */
const trustedScripts = () => {
  try {
    return window.trustedTypes?.createPolicy("consent-server", { createScriptURL: String });
  } catch {
    return; // The page's own policy list leaves ours out: scripts with an address stay shut.
  }
};

/** Lets the browser do what is more urgent. @returns {Promise<void>} */
const pause = () => window.scheduler?.yield?.() ?? new Promise((go) => setTimeout(go));

/**
 * @param {(purpose: string) => boolean} isOn
 * @param {() => void} cover called when frames were found that have to stay shut
 */
export const createGate = (isOn, cover) => {
  /** @type {Set<string>} */
  const ran = new Set();
  /** Opened frames, images and styles, and scripts in the line. */
  const open = new Set();
  /** Shut frames, and what stands in for them. @type {Map<Marked, Element|undefined>} */
  const covers = new Map();
  /** @type {HTMLScriptElement[]} */
  let line = [];
  let loading = 0;
  let pumping = false;
  /** @type {ReturnType<typeof trustedScripts>} */
  let trusted;

  /** @param {Marked} node */
  const allowed = (node) => purposesOf(node).every(isOn);

  /** @param {HTMLScriptElement} script */
  const run = (script) => {
    const { src, type } = script.dataset;
    purposesOf(script).forEach((purpose) => ran.add(purpose));
    // Without async, scripts that a script inserts would run in the order of their arrival.
    script.async = script.hasAttribute("async");
    script.type = type || "text/javascript";
    // The first address that a script gets starts it; one that has none, or has had one, is started by its insertion.
    if (src) script.src = /** @type {string} */ ((trusted ??= trustedScripts())?.createScriptURL(src) ?? src);
    else script.before(script);
    if (script.src && !script.async) wait(script);
  };

  /** Holds inline scripts back until this one has run or failed. @param {HTMLScriptElement} script */
  const wait = (script) => {
    let waiting = 1;
    const done = () => {
      loading -= waiting;
      waiting = 0;
      pump();
    };
    loading++;
    script.addEventListener("load", done);
    script.addEventListener("error", done);
    setTimeout(done, PATIENCE);
  };

  /** One script at a time, with room between them for the visitor's next click. */
  const pump = async () => {
    if (pumping) return;
    pumping = true;
    for (let next; (next = line[0]) && (!loading || next.dataset.src || next.src); ) {
      line.shift();
      open.delete(next);
      try {
        if (allowed(next)) run(next);
      } catch {
        // Refused by the page's own policies: it stays shut, the rest goes on.
      }
      await pause();
    }
    pumping = false;
  };

  /** One way for all: a property that an element does not know means nothing to it. @param {any} node */
  const release = (node) => {
    covers.get(node)?.remove();
    covers.delete(node);
    node.hidden = false;
    open.add(node);
    node.type = "text/css";
    node.href = node.dataset.href;
    node.src = node.dataset.src;
  };

  /** @param {HTMLIFrameElement} frame */
  const shut = (frame) => {
    if (open.delete(frame)) frame.src = "about:blank";
    if (covers.get(frame)?.isConnected ?? covers.has(frame)) return;
    covers.set(frame, undefined);
    cover();
  };

  /** Looks at the whole page again; what is open already is left alone. */
  const scan = () => {
    for (const node of /** @type {NodeListOf<Marked>} */ (document.querySelectorAll(MARKED))) {
      const on = allowed(node);
      if (on && !open.has(node)) {
        if (node instanceof HTMLScriptElement) open.add(node), line.push(node);
        else release(node);
      } else if (!on && node instanceof HTMLIFrameElement) shut(node);
    }
    pump();
  };

  return {
    scan,
    covers,

    /** Whether scripts of a purpose that is off by now still run on this page. */
    stale: () => [...ran].some((purpose) => !isOn(purpose)),
  };
};
