/**
 * Erases the declared first-party storage of a purpose.
 *
 * @import { Store } from "./types.js"
 */

/** @param {string} pattern `*` matches anything */
const matcher = (pattern) =>
  new RegExp(`^${pattern.replace(/[^\w*]/g, "\\$&").replaceAll("*", ".*")}$`);

/** Cookies outlive a withdrawal on parent domains and folders, so each is expired on all of them. @param {RegExp} wanted */
const eraseCookies = (wanted) => {
  const names = document.cookie.split("; ").map((pair) => pair.split("=")[0]);
  const host = location.hostname.split(".");
  const folders = location.pathname.split("/");
  for (const name of names.filter((found) => wanted.test(found))) {
    for (const [depth] of folders.entries()) {
      const path = folders.slice(0, depth + 1).join("/") || "/";
      const expired = `${name}=;max-age=0;path=${path}`;
      document.cookie = expired;
      for (const [level] of host.entries()) document.cookie = `${expired};domain=${host.slice(level).join(".")}`;
    }
  }
};

/** @param {[Store, string][]} declared */
export const erase = (declared) => {
  for (const [store, pattern] of declared) {
    try {
      const wanted = matcher(pattern);
      if (store === "cookie") eraseCookies(wanted);
      else {
        const area = store === "local_storage" ? localStorage : sessionStorage;
        for (const key of Object.keys(area)) if (wanted.test(key)) area.removeItem(key);
      }
    } catch {
      // Storage that cannot be reached holds nothing we could erase.
    }
  }
};
