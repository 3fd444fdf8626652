import type { BannerConfig } from "./types.js";

declare global {
  /** Bound by the server: `(function($,_){ <core.js> })(<JSON>,<cookies>);`; the build renames both */
  const CONSENT_CONFIG: BannerConfig;
  /** `document.cookie` as the tag began to run; none where localStorage has a record, or where a frame may not read them */
  const CONSENT_COOKIES: string | null | undefined;
  interface Document {
    prerendering?: boolean;
  }
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
