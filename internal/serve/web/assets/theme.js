"use strict";
// Runs before the page is drawn, so that it does not flash in other colours.
(function () {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch (e) { /* no storage: system setting */ }
  document.documentElement.classList.add("js");
})();
