/**
 * What stands in for a frame until it may load: why it is shut, and a button that opens it.
 *
 * @import { Consent } from "./consent.js"
 * @import { Words } from "./language.js"
 */
import { DECIDE } from "./banner.js";
import { element, fill } from "./dom.js";

/** @param {string} length an HTML length: pixels without a unit, or per cent */
const cssLength = (length) => (/^\d+$/.test(length) ? `${length}px` : length);

/** @param {Consent["granted"]} granted @param {Consent["decide"]} decide @param {Words} words */
export const createCover =
  (granted, decide, words) =>
  /** @param {HTMLIFrameElement} frame @param {string[]} purposes */
  (frame, purposes) => {
    const { texts, names, language, dir } = words;
    const named = { purposes: names(purposes) };
    // The frame's own class keeps the page's layout; its attributes keep the size.
    const cover = element(
      "div",
      { class: `csv-frame ${frame.className}`, lang: language(), dir: dir() },
      element("p", {}, fill(texts().frame, named)),
      element(
        "button",
        {
          type: "button",
          class: DECIDE,
          click: () => decide("frame", [...granted(), ...purposes], purposes),
        },
        fill(texts().allow, named),
      ),
    );
    cover.style.width = cssLength(frame.width);
    cover.style.minHeight = cssLength(frame.height);
    return cover;
  };
