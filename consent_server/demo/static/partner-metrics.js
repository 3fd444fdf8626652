// Plays the analytics partner: recognises this browser and this visit, and says that it ran.
(() => {
  const has = (name) => document.cookie.split("; ").some((pair) => pair.startsWith(`${name}=`));
  const id = () => crypto.getRandomValues(new Uint32Array(2)).join("");
  if (!has("lm_visitor")) document.cookie = `lm_visitor=${id()};path=/;max-age=34187400;samesite=lax`;
  if (!has("lm_page")) document.cookie = `lm_page=${id()};path=/;samesite=lax`;
  (window.lanternRan ??= []).push("analytics");
  document.dispatchEvent(new Event("lantern:ran"));
})();
