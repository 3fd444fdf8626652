/**
 * Holds known trackers that nobody has marked. Runs right before the first module, in the same response, so it only sees
 * what comes after the tag; what is not on the list is never touched. A script, frame or image that is held becomes a
 * marked one, and the gate opens it like any other; calls that cannot wait fail as they would without a network.
 *
 * The first in line hears of new elements first, which matters for frames: each asks for its page as soon as it is
 * inserted, and is stopped by being moved.
 *
 * @typedef {[purpose: string, hosts: string, cookies: string, keys: string]} Rule names separated by spaces; a host may
 *   have a path behind it, `*` in a name stands for anything
 * @typedef {HTMLScriptElement|HTMLIFrameElement|HTMLImageElement} Loader
 */

const KINDS = [HTMLScriptElement, HTMLIFrameElement, HTMLImageElement];
const LOADERS = "script[src],iframe[src],img[src]";
/** The same in markup, up to the end of the tag's attributes. */
const TAG = /<(script|iframe|img)(?=[\s/])((?:"[^"]*"|'[^']*'|[^>"'])*)/gi;
const SRC = /\ssrc\s*=\s*["']?([^"'\s>]+)/i;
/** Images that stand in no document, as pixels do. */
const MOST_PIXELS = 50;

/** @param {Rule[]} rules */
const guard = (rules) => {
  /** @type {Map<string, [path: string, purpose: string][]>} */
  const hosts = new Map();
  for (const [purpose, listed] of rules)
    for (const entry of listed.split(" ")) {
      const [host, path] = entry.split(/(?=\/)(.*)/s);
      hosts.set(host, [...(hosts.get(host) ?? []), [path ?? "/", purpose]]);
    }

  /** @param {2|3} place of the names in a rule @returns {[RegExp, string][]} */
  const patterns = (place) =>
    rules
      .filter((rule) => rule[place])
      .map((rule) => [
        new RegExp(`^(${rule[place].replace(/[^\w* ]/g, "\\$&").replaceAll("*", ".*").replaceAll(" ", "|")})$`),
        rule[0],
      ]);
  const cookies = patterns(2);
  const keys = patterns(3);

  /** @param {string} purpose */
  const on = (purpose) => !!window.Consent?.get().purposes[purpose];
  /** @param {[RegExp, string][]} list @param {string} name */
  const named = (list, name) => list.some(([pattern, purpose]) => pattern.test(name) && !on(purpose));

  /** The purpose that an address waits for. @param {unknown} address @returns {string|undefined} */
  const waitsFor = (address) => {
    try {
      const { hostname, pathname } = new URL(`${address}`, document.baseURI);
      if (hostname === location.hostname) return undefined;
      for (let host = hostname; host; host = host.replace(/^[^.]*\.?/, ""))
        for (const [path, purpose] of hosts.get(host) ?? []) if (pathname.startsWith(path) && !on(purpose)) return purpose;
    } catch {
      // No address: the browser will say so.
    }
    return undefined;
  };

  /** @type {HTMLImageElement[]} */
  let pixels = [];
  /** @type {WeakSet<Element>} */
  const held = new WeakSet();
  const { setAttribute } = Element.prototype;

  /** Makes a marked element of one that wants a listed address. @param {Loader} node @param {unknown} address */
  const hold = (node, address) => {
    const purpose = waitsFor(address);
    // What the owner has marked, and what the visitor has asked to see once, is their business.
    if (!purpose || node.dataset.once != null || (node.dataset.consent && node.dataset.consent !== purpose)) return false;
    if (node instanceof HTMLScriptElement && !held.has(node)) {
      if (node.type) node.dataset.type = node.type;
      setAttribute.call(node, "type", "text/plain");
    }
    held.add(node);
    node.dataset.consent = purpose;
    node.dataset.src = `${address}`;
    if (node instanceof HTMLImageElement && !node.isConnected) pixels = [...pixels, node].slice(-MOST_PIXELS);
    return true;
  };

  /** A held script that is given its type afterwards stays held. @param {Element} node @param {unknown} type */
  const retyped = (node, type) => {
    if (!(node instanceof HTMLScriptElement) || !held.has(node) || on(`${node.dataset.consent}`)) return false;
    node.dataset.type = `${type}`;
    return true;
  };

  /** Puts a question before the setter of a property.
   * @param {any} prototype @param {string} name @param {(self: any, value: unknown) => boolean} taken */
  const ask = (prototype, name, taken) => {
    const property = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, name));
    Object.defineProperty(prototype, name, {
      ...property,
      set(value) {
        if (!taken(this, value)) property.set?.call(this, value);
      },
    });
  };
  for (const kind of KINDS) ask(kind.prototype, "src", hold);
  ask(HTMLScriptElement.prototype, "type", retyped);
  // A name that is off is not written; taking one away always works.
  ask(Document.prototype, "cookie", (_, cookie) => !/max-age=0|=[^;]*;.*\b1970\b/i.test(`${cookie}`) && named(cookies, `${cookie}`.split("=")[0].trim()));

  Element.prototype.setAttribute = function (name, value) {
    const lower = `${name}`.toLowerCase();
    if (lower === "src" && KINDS.some((kind) => this instanceof kind) && hold(/** @type {Loader} */ (this), value)) return;
    if (lower === "type" && retyped(this, value)) return;
    setAttribute.call(this, name, value);
  };

  /** Markup in which what is on the list is marked. @param {unknown} markup */
  const marked = (markup) =>
    `${markup}`.replace(TAG, (tag, name, attributes) => {
      const purpose = waitsFor(SRC.exec(attributes)?.[1].replaceAll("&amp;", "&") ?? "");
      if (!purpose || /\sdata-(consent|once)\b/i.test(attributes)) return tag;
      const type = /\stype\s*=\s*["']?module/i.test(attributes) ? ' data-type="module"' : "";
      // Of two attributes of one name the first one counts.
      return `<${name} data-consent="${purpose}"${/^s/i.test(name) ? ` type="text/plain"${type}` : ""}${attributes.replace(/\ssrc(?=\s*=)/i, " data-src")}`;
    });

  /** Marks markup before a method or setter gets it; what needs no mark goes on as it came.
   * @param {Function} own @param {any} self @param {unknown[]} parts @param {number} first that is markup */
  const pass = (own, self, parts, first = 0) => {
    const text = parts.slice(first).join("");
    const safe = marked(text);
    if (safe === text) return own.apply(self, parts);
    try {
      return own.call(self, ...parts.slice(0, first), safe);
    } catch {
      // Where the page demands Trusted Types, what cannot be marked is not written.
    }
  };
  for (const [prototype, name, first] of /** @type {[any, string, number][]} */ ([
    [Document.prototype, "write", 0],
    [Document.prototype, "writeln", 0],
    [Element.prototype, "insertAdjacentHTML", 1],
  ])) {
    const own = prototype[name];
    /** @this {any} @param {unknown[]} parts */
    prototype[name] = function (...parts) {
      return pass(own, this, parts, first);
    };
  }
  for (const [prototype, name] of /** @type {[any, string][]} */ ([
    [Element.prototype, "innerHTML"],
    [Element.prototype, "outerHTML"],
    [ShadowRoot.prototype, "innerHTML"],
  ])) {
    const property = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(prototype, name));
    Object.defineProperty(prototype, name, {
      ...property,
      set(value) {
        pass(/** @type {any} */ (property.set), this, [value]);
      },
    });
  }

  const { setItem } = Storage.prototype;
  Storage.prototype.setItem = function (key, value) {
    if (!named(keys, `${key}`)) setItem.call(this, key, value);
  };

  // `localStorage.name = …` passes every method by, and whatever stands in for the object breaks pages that compare or
  // borrow it. What was written so goes when the page does.
  addEventListener("pagehide", () => {
    try {
      if (window.Consent && !document.prerendering)
        for (const store of [localStorage, sessionStorage])
          for (const key of Object.keys(store)) if (named(keys, key)) store.removeItem(key);
    } catch {
      // Storage is blocked: nothing was written.
    }
  });

  const { fetch } = window;
  window.fetch = (input, init) =>
    waitsFor(input instanceof Request ? input.url : input)
      ? Promise.reject(new TypeError("Waits for the visitor's consent"))
      : fetch(input, init);

  const { sendBeacon } = Navigator.prototype;
  Navigator.prototype.sendBeacon = function (address, data) {
    return !waitsFor(address) && sendBeacon.call(this, address, data);
  };

  /** @type {WeakMap<XMLHttpRequest, unknown>} */
  const opened = new WeakMap();
  const { open, send } = XMLHttpRequest.prototype;
  /** @this {XMLHttpRequest} @param {any[]} request */
  XMLHttpRequest.prototype.open = function (...request) {
    opened.set(this, request[1]);
    return open.apply(this, /** @type {any} */ (request));
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (waitsFor(opened.get(this))) setTimeout(() => ["error", "loadend"].forEach((name) => this.dispatchEvent(new ProgressEvent(name))));
    else send.call(this, body);
  };

  /** What the parser has put into the page: a script before it runs, a frame or image as early as it can be seen.
   * @param {Element} node */
  const parsed = (node) => {
    const loader = /** @type {Loader} */ (node);
    if (!node.matches(LOADERS) || !hold(loader, node.getAttribute("src"))) return;
    node.removeAttribute("src");
    // Moving it stops what it loads, and has the gate look at it.
    if (!(node instanceof HTMLScriptElement)) node.before(node);
  };
  new MutationObserver((records) => {
    document.querySelectorAll("iframe[src]").forEach(parsed);
    for (const { addedNodes } of records)
      for (const node of addedNodes) if (node instanceof Element) [node, ...node.querySelectorAll(LOADERS)].forEach(parsed);
  }).observe(document, { childList: true, subtree: true });

  document.addEventListener("consent:change", () => {
    const waiting = pixels.filter((image) => !image.isConnected);
    pixels = [];
    for (const image of waiting) image.src = `${image.dataset.src}`;
  });
};

try {
  guard(/** @type {any} */ (CONSENT_CONFIG));
} catch {
  // An old or hostile environment: marked elements still wait.
}
