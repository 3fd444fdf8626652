/**
 * Module: a short cookie that the site's own web server sets. It outlives what scripts may store, and is shared by the
 * subdomains that it is set for. It holds the visitor's id and the whole of a settled choice.
 *
 * @import { Parts, Teller } from "./parts.js"
 */
import { createShort } from "./short.js";

/** @param {Parts} parts @returns {Teller} */
export default (parts) => {
  const name = `${parts.storage.name}_kept`;
  const short = createShort(parts);
  let restored = false;

  const read = () => {
    try {
      return document.cookie.match(`${name}=([\\w.-]+)`)?.[1] ?? "";
    } catch {
      return "";
    }
  };

  return {
    tell: async (granting) => {
      if (!restored) {
        restored = true;
        short.restore(read());
      }
      const value = short.text();
      // A header of its own: no other site's page can send it, and it stands in no access log.
      if (value && value !== read()) fetch(granting.address[0], { method: "POST", headers: { "X-Consent": `${name}=${value}` }, keepalive: true }).catch(() => {});
    },
  };
};
