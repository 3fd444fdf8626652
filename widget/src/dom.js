/**
 * One element with attributes, listeners and children. Strings become text nodes, so nothing is ever parsed as markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string|boolean|undefined|((event: Event) => void)>} attributes functions are set as listeners, what is false or empty is left out
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export const element = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value) node.setAttribute(name, `${value}`);
  }
  node.append(...children);
  return node;
};

/**
 * Adds a style sheet that needs neither a nonce nor `unsafe-inline`.
 *
 * @param {string} css
 */
export const addStyles = (css) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
};

/**
 * Fills `{name}` in a text.
 *
 * @param {string} text
 * @param {Record<string, string>} values
 */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
