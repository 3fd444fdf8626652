/** Types of `window.Consent`, the programming interface of the consent banner. */

/** What is on now. */
export interface ConsentSnapshot {
  /** Number of the current policy version, as in "2.0". */
  version: string;
  /** Whether this visitor has decided at least once. */
  decided: boolean;
  /** By key of an additional purpose: whether it is on. */
  purposes: Record<string, boolean>;
}

export interface ConsentChange extends ConsentSnapshot {
  /** True when something that was switched off still runs on this page. */
  reload: boolean;
}

/** The server's answer to the last decision of this browser. */
export interface ConsentReceipt {
  receipt_id: string;
  visitor_id: string;
  issued_at: string;
  expires_at: string;
  choices: Record<string, "granted" | "denied">;
  log_index: number;
  /** A signed JWS that anyone can verify. */
  receipt: string;
}

export interface ConsentApi {
  get(): ConsentSnapshot;
  /** Opens the preferences. */
  open(): Promise<void>;
  /** Withdraws the consent to some purposes, or to all of them. */
  withdraw(purposes?: string | string[]): void;
  /** Listens to an event; call what it returns to stop. The same events reach `document` as `consent:ready` and `consent:change`. */
  on(event: "ready", listener: (snapshot: ConsentSnapshot) => void): () => void;
  on(event: "change", listener: (change: ConsentChange) => void): () => void;
  /**
   * Ties this browser to a user whom the site's server vouches for with a signed token; null after signing out.
   * False when the token was refused or the server cannot be reached.
   */
  identify(token: string | null): Promise<boolean>;
  /** The last acknowledged decision, or null. */
  receipt(): ConsentReceipt | null;
  /**
   * Asks about some purposes at the moment when the page needs them, unless they are on. True when all of them are on
   * once the visitor has answered; false too when the question could not be shown.
   */
  ask(purposes: string | string[]): Promise<boolean>;
  /** Resolves as soon as the purpose is on; never, if it is never granted. */
  whenGranted(purpose: string): Promise<void>;
}

declare global {
  interface Window {
    /** Absent until the banner's script has run. */
    Consent?: ConsentApi;
  }
  interface DocumentEventMap {
    "consent:ready": CustomEvent<ConsentSnapshot>;
    "consent:change": CustomEvent<ConsentChange>;
  }
}
