/**
 * Erases the declared first-party storage of purposes.
 *
 * @import { CookieFacts, PurposeFacts } from "./types.js"
 */

/** @param {CookieFacts} cookie a pattern's `*` matches anything */
const matcher = ({ name, pattern }) => {
  const literal = name.replace(/[^\w*]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll("*", pattern ? ".*" : "\\*")}$`);
};

/** Cookies outlive a withdrawal on parent domains and folders, so each is expired on all of them. @param {RegExp} wanted */
const eraseCookies = (wanted) => {
  const names = document.cookie.split("; ").map((pair) => pair.split("=")[0]);
  const host = location.hostname.split(".");
  const folders = location.pathname.split("/");
  for (const name of names.filter((found) => wanted.test(found))) {
    for (const [depth] of folders.entries()) {
      const path = folders.slice(0, depth + 1).join("/") || "/";
      // Names with a prefix exist as secure cookies only, and are replaced by such only.
      const expired = `${name}=;max-age=0;path=${path}${name.startsWith("__") ? ";secure" : ""}`;
      document.cookie = expired;
      for (const [level] of host.entries()) document.cookie = `${expired};domain=${host.slice(level).join(".")}`;
    }
  }
};

/** @param {CookieFacts} cookie */
const eraseOne = (cookie) => {
  const wanted = matcher(cookie);
  if (cookie.store === "cookie") eraseCookies(wanted);
  else {
    const area = cookie.store === "local_storage" ? localStorage : sessionStorage;
    for (const key of Object.keys(area)) if (wanted.test(key)) area.removeItem(key);
  }
};

/** @param {PurposeFacts[]} purposes */
export const erase = (purposes) => {
  for (const cookie of purposes.flatMap(({ services }) => services).flatMap(({ cookies }) => cookies)) {
    try {
      eraseOne(cookie);
    } catch {
      // Storage that cannot be reached holds nothing we could erase.
    }
  }
};
