/**
 * Module: what stands in for frames until they may load: why each is shut, and a button that opens it.
 *
 * @import { Detail } from "./types.js"
 * @import { Parts } from "./parts.js"
 */
import { purposesOf } from "./gate.js";
import { createDetails, phrase } from "./details.js";
import styles from "../styles/frames.css";

/** @param {string} length an HTML length: pixels without a unit, or per cent */
const cssLength = (length) => (/^\d+$/.test(length) ? `${length}px` : length);

/** @param {Parts} parts */
export default (parts) => {
  const { consent, covers, decide, element, fill, words } = parts;
  const detail = createDetails(parts);
  parts.addStyles(styles);

  /** @param {string} label @param {() => void} act */
  const button = (label, act) =>
    element(
      "button",
      {
        type: "button",
        class: parts.DECIDE,
        // A script may refuse for the visitor, never accept.
        click: ({ isTrusted }) => isTrusted && act(),
      },
      label,
    );

  /** This frame, on this page view: nothing is decided or stored. @param {HTMLIFrameElement} frame */
  const showOnce = (frame) => {
    covers.get(frame)?.remove();
    covers.delete(frame);
    // Without its mark the gate has no business with it any more.
    frame.removeAttribute("data-consent");
    frame.dataset.once = "";
    frame.hidden = false;
    frame.src = frame.dataset.src ?? "";
    frame.focus();
  };

  /** @param {HTMLIFrameElement} frame @param {Detail} found */
  const coverOf = (frame, found) => {
    const { texts } = found;
    const purposes = purposesOf(frame);
    const named = { purposes: phrase(found, purposes, words.tag()) };
    // The frame's own class keeps the page's layout; its attributes keep the size.
    const cover = element(
      "div",
      { class: `csv-frame ${frame.className}`, lang: words.tag(), dir: words.direction() },
      element("p", {}, fill(texts.frame, named)),
      element(
        "div",
        { class: "csv-choices" },
        button(texts.once, () => showOnce(frame)),
        button(fill(texts.allow, named), () => {
          document.addEventListener("consent:change", () => frame.focus(), { once: true });
          decide("frame", [...consent.granted(), ...purposes], purposes);
        }),
      ),
    );
    cover.style.width = cssLength(frame.width);
    cover.style.minHeight = cssLength(frame.height);
    return cover;
  };

  /** Covers what is bare, and all of it anew in another language. */
  const cover = async () => {
    const language = words.tag();
    const found = await detail();
    // The page has changed its language meanwhile, and has asked for covers in that one.
    if (language !== words.tag()) return cover();
    for (const [frame, old] of covers) {
      if (!(frame instanceof HTMLIFrameElement) || (old?.isConnected && old.getAttribute("lang") === words.tag())) continue;
      const shown = coverOf(frame, found);
      covers.set(frame, shown);
      old?.remove();
      frame.before(shown);
      frame.hidden = true;
    }
  };
  return { cover };
};
