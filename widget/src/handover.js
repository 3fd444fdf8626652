/**
 * Module: a choice that the owner's domains share although they share no storage. A visitor who follows a link from one to
 * another takes a settled choice along, in the address's fragment, which no server sees and which is gone before anything is
 * released.
 *
 * @import { Parts, Teller } from "./parts.js"
 */
import { createShort } from "./short.js";

/** Milliseconds from the click to the page: whoever writes such a link down does not keep it long. */
const FRESH = 60_000;

/** @param {Parts} parts @returns {Teller} */
export default (parts) => {
  const { name } = parts.storage;
  const short = createShort(parts);
  /** Of all of the owner's pages. @type {string[]|undefined} */
  let origins;

  /** Takes over what came with the address, if a page of the owner's sent it just now. */
  const arrive = async () => {
    const [, text, at] = location.hash.match(`^#${name}=([\\w.-]+)~([0-9a-z]+)$`) ?? [];
    if (!text) return;
    history.replaceState(history.state, "", location.pathname + location.search);
    if (Math.abs(Date.now() - parseInt(at, 36)) < FRESH && comes()) await short.restore(text);
  };

  /** Browsers say which page a visitor comes from, and no other page can say it for it. */
  const comes = () => origins?.some((origin) => document.referrer.startsWith(`${origin}/`));

  /** Lets a link take the choice along while it is followed, and only then. @param {MouseEvent} event */
  const leave = ({ isTrusted, defaultPrevented, target }) => {
    /** @type {HTMLAnchorElement|null|undefined} */
    const link = /** @type {Element} */ (target).closest?.("a[href]");
    const text = isTrusted && !defaultPrevented && short.text();
    // An address that has a fragment keeps it.
    if (!text || !link?.origin || link.origin === location.origin || link.hash || !origins?.includes(link.origin)) return;
    const written = /** @type {string} */ (link.getAttribute("href"));
    link.href += `#${name}=${text}~${Date.now().toString(36)}`;
    setTimeout(() => link.setAttribute("href", written));
  };

  return {
    tell: async (granting) => {
      if (origins) return;
      ({ origins } = granting);
      addEventListener("click", leave);
      addEventListener("auxclick", leave);
      await arrive();
    },
  };
};
