import type { BannerConfig } from "./types.js";

declare global {
  /** Bound by the server: `(function($){ <core.js> })(<JSON>);`; the build renames it */
  const CONSENT_CONFIG: BannerConfig;
  interface Navigator {
    globalPrivacyControl?: boolean;
  }
  interface Window {
    dataLayer?: unknown[];
    trustedTypes?: {
      createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
    };
  }
}
