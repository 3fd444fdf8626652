/**
 * Module: what stands in for frames until they may load: why each is shut, and a button that opens it.
 *
 * @import { Detail } from "./types.js"
 * @import { Parts } from "./parts.js"
 */
import { purposesOf } from "./gate.js";
import { createDetails } from "./details.js";
import styles from "../styles/frames.css";

/** @param {string} length an HTML length: pixels without a unit, or per cent */
const cssLength = (length) => (/^\d+$/.test(length) ? `${length}px` : length);

/** @param {Parts} parts */
export default (parts) => {
  const { consent, covers, decide, element, fill, words } = parts;
  const detail = createDetails(parts);
  parts.addStyles(styles);

  /** @param {HTMLIFrameElement} frame @param {Detail["texts"]} texts */
  const coverOf = (frame, texts) => {
    const purposes = purposesOf(frame);
    const named = { purposes: words.names(purposes) };
    // The frame's own class keeps the page's layout; its attributes keep the size.
    const cover = element(
      "div",
      { class: `csv-frame ${frame.className}`, lang: words.tag(), dir: words.direction() },
      element("p", {}, fill(texts.frame, named)),
      element(
        "button",
        {
          type: "button",
          class: parts.DECIDE,
          click: () => decide("frame", [...consent.granted(), ...purposes], purposes),
        },
        fill(texts.allow, named),
      ),
    );
    cover.style.width = cssLength(frame.width);
    cover.style.minHeight = cssLength(frame.height);
    return cover;
  };

  /** Covers what is bare, and all of it anew in another language. */
  const cover = async () => {
    const { texts } = await detail();
    for (const [frame, old] of covers) {
      if (!(frame instanceof HTMLIFrameElement) || (old?.isConnected && old.getAttribute("lang") === words.tag())) continue;
      const shown = coverOf(frame, texts);
      covers.set(frame, shown);
      old?.remove();
      frame.before(shown);
      frame.hidden = true;
    }
  };
  return { cover };
};
