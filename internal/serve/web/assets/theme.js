"use strict";
// Runs before the page is drawn, so that it does not flash in the other colours.
(function () {
  try {
    const kept = localStorage.getItem("theme");
    if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  } catch (e) { /* no storage: as the system has it */ }
  document.documentElement.classList.add("js");
})();
