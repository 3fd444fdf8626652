// Consent in a React application: call loadConsent() once, where the application starts.
import { useSyncExternalStore } from "react";
import { isOn, subscribe } from "consent-server-widget";

/** Whether a purpose is on; the component is rendered anew when that changes. */
export const useConsent = (purpose) => useSyncExternalStore(subscribe, () => isOn(purpose), () => false);

/** Renders what needs a purpose, and something else while it is off. */
export const WithConsent = ({ purpose, fallback = null, children }) => (useConsent(purpose) ? children : fallback);
