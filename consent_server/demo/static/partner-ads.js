// Plays the advertiser: notes which advertisement brought this browser, and says that it ran.
(() => {
  document.cookie = "pp_ref=window-display;path=/;max-age=7776000;samesite=lax";
  (window.lanternRan ??= []).push("marketing");
  document.dispatchEvent(new Event("lantern:ran"));
})();
