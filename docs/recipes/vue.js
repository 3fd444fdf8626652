// Consent in a Vue application: call loadConsent() once, where the application starts.
import { onScopeDispose, readonly, ref } from "vue";
import { isOn, subscribe } from "consent-server-widget";

/** Whether a purpose is on, as a ref that follows the visitor's choices. */
export const useConsent = (purpose) => {
  const on = ref(isOn(purpose));
  onScopeDispose(subscribe(() => (on.value = isOn(purpose))));
  return readonly(on);
};
