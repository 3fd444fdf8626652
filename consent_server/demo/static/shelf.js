// The shop's own recommendations: keeps the books looked at in this browser and suggests others.
(() => {
  const KEY = "lb_shelf";
  const seen = () => JSON.parse(localStorage.getItem(KEY) ?? "[]");
  const books = () => [...document.querySelectorAll("[data-book]")];
  const show = () => {
    if (!window.Consent?.get().purposes.recommendations) return;
    const looked = seen();
    const list = document.querySelector("#picked ul");
    const others = books().filter((book) => !looked.includes(book.dataset.book)).slice(0, 3);
    list.replaceChildren(
      ...others.map((book) => {
        const item = document.createElement("li");
        item.textContent = book.querySelector("strong").textContent;
        return item;
      }),
    );
    document.querySelector("#picked").hidden = false;
  };
  const start = () => {
    localStorage.setItem(KEY, JSON.stringify(seen()));
    document.addEventListener("click", (event) => {
      const book = event.target.closest?.("[data-book]")?.dataset.book;
      if (!book || !window.Consent?.get().purposes.recommendations) return;
      localStorage.setItem(KEY, JSON.stringify([...new Set([book, ...seen()])].slice(0, 5)));
      show();
    });
    show();
    (window.lanternRan ??= []).push("recommendations");
    document.dispatchEvent(new Event("lantern:ran"));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
