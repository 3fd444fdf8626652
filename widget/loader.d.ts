import type { ConsentApi, ConsentSnapshot } from "./consent.js";

export type { ConsentApi, ConsentChange, ConsentReceipt, ConsentSnapshot } from "./consent.js";

export interface TagOptions {
  /** Address of the consent server, as in "https://consent.example.org". */
  server: string;
  /** Public key of the site. */
  site: string;
  /** Pins the tag: the part of its address after the @. */
  hash?: string;
  /** Of the pinned tag, as the server prints it: "sha256-…". */
  integrity?: string;
  /** For pages whose policy asks for one. */
  nonce?: string;
}

/** Puts the tag into the page, once. Null when it could not be loaded: then nothing is granted. */
export function loadConsent(options: TagOptions): Promise<ConsentApi | null>;

/** Whether a purpose is on now; false while nothing is known. */
export function isOn(purpose: string): boolean;

/** Calls a listener as soon as choices are known, and whenever they change; call what it returns to stop. */
export function subscribe(listener: (snapshot: ConsentSnapshot) => void): () => void;
