"use strict";
(function () {
  const announce = document.getElementById("announce");
  const say = (text) => { if (announce) { announce.textContent = ""; requestAnimationFrame(() => { announce.textContent = text; }); } };

  // The colours: as the system has them, light, dark.
  const theme = document.getElementById("theme");
  const themes = { "": ["◐", "as the system has them"], light: ["☀", "light"], dark: ["☾", "dark"] };
  function showTheme() {
    const [sign, text] = themes[document.documentElement.dataset.theme || ""];
    theme.textContent = sign;
    theme.setAttribute("aria-label", "Colours: " + text);
    theme.title = "Colours: " + text;
  }
  theme.hidden = false;
  showTheme();
  theme.addEventListener("click", () => {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(document.documentElement.dataset.theme || "") + 1) % names.length];
    if (next) document.documentElement.dataset.theme = next;
    else delete document.documentElement.dataset.theme;
    try {
      if (next) localStorage.setItem("theme", next);
      else localStorage.removeItem("theme");
    } catch (e) { /* it holds for this page */ }
    showTheme();
    Charts.again();
  });

  // What the server last sent for each part of the page that can change.
  const sent = new Map();
  const parts = (root) => Array.from(root.querySelectorAll("[data-live][id]"));
  let asking = 0;

  // take puts the parts of a page just loaded into this one, where they differ.
  function take(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    let changed = 0;
    // Where a part has come or gone, for instance with the last problem, the page is another.
    const names = (root) => parts(root).map((part) => part.id).join(" ");
    if (names(page) !== names(document)) {
      replace(document.getElementById("main"), document.importNode(page.getElementById("main"), true));
      parts(page).forEach((part) => { if (page.getElementById("main").contains(part)) sent.set(part.id, part.outerHTML); });
      changed++;
    }
    for (const fresh of parts(page)) {
      const old = document.getElementById(fresh.id);
      if (!old || sent.get(fresh.id) === fresh.outerHTML) continue;
      sent.set(fresh.id, fresh.outerHTML);
      replace(old, document.importNode(fresh, true));
      changed++;
    }
    document.title = page.title;
    if (page.body.dataset.snapshot) document.body.dataset.snapshot = page.body.dataset.snapshot;
    return changed;
  }

  // replace keeps what the reader has opened, and where the focus is.
  function replace(old, fresh) {
    const open = Array.from(old.querySelectorAll("details[open][id]")).map((d) => d.id);
    const focus = old.contains(document.activeElement) ? place(old, document.activeElement) : null;
    const scroll = Array.from(old.querySelectorAll(".scroll")).map((s) => [s.scrollLeft, s.scrollTop]);
    old.replaceWith(fresh);
    open.forEach((id) => { const d = document.getElementById(id); if (d) d.open = true; });
    fresh.querySelectorAll(".scroll").forEach((s, i) => { if (scroll[i]) [s.scrollLeft, s.scrollTop] = scroll[i]; });
    const to = focus && focus(fresh);
    if (to) to.focus({ preventScroll: true });
    Charts.drawAll(fresh);
  }
  // place tells how to find an element again in what replaces its part: by its name, where it
  // leads to, or the how-manieth of its kind it is.
  function place(root, element) {
    const kind = element.tagName.toLowerCase(), href = element.getAttribute("href");
    if (element.id) return (fresh) => fresh.querySelector("#" + CSS.escape(element.id));
    if (href) return (fresh) => fresh.querySelector(kind + '[href="' + CSS.escape(href) + '"]');
    const at = Array.from(root.querySelectorAll(kind)).indexOf(element);
    return (fresh) => fresh.querySelectorAll(kind)[at];
  }

  // refresh asks for the page again; an answer that is overtaken by a later one is dropped.
  async function refresh(address) {
    const mine = ++asking;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      const html = await answer.text();
      if (mine !== asking) return false;
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return false; }
      if (answer.status === 404 && document.querySelector("main .page-head")) { location.reload(); return false; } // it is gone
      if (answer.status === 404) return false;
      if (!answer.ok) { lost(); return false; }
      return take(html) > 0;
    } catch (error) {
      if (mine === asking) lost();
      return false; // the stream tells when the server is there again
    }
  }
  // lost says that what is shown is not followed any more: its ages would stand still.
  function lost() {
    const pulse = document.getElementById("pulse");
    const since = pulse.querySelector("time");
    if (sent.get("pulse") === "") return;
    pulse.className = "pulse bad";
    pulse.textContent = "No answer from the monitor" + (since ? "; shown is " + since.dateTime.replace("T", " ").replace("Z", " UTC") : "");
    sent.set("pulse", ""); // with the next answer it is put right
    say(pulse.textContent);
  }
  // The page as it came, before charts are drawn into it.
  parts(document).forEach((part) => sent.set(part.id, part.outerHTML));
  Charts.drawAll(document);

  // The address without what is shown once.
  const here = () => { const u = new URL(location.href); u.searchParams.delete("done"); u.hash = ""; return u; };
  if (new URL(location.href).searchParams.has("done")) history.replaceState(null, "", here());

  // Following: the stream tells that there is something new, the page is asked for again.
  async function follow(version) {
    if (version === document.body.dataset.snapshot && sent.get("pulse") !== "" || document.hidden) { missed = document.hidden; return; }
    const changed = await refresh(here());
    Charts.reload();
    // Whoever listens to the page need not hear of every step of a cycle.
    if (changed && Date.now() - told > 60000) { told = Date.now(); say("Updated."); }
  }
  let missed = false, told = 0;
  document.addEventListener("visibilitychange", () => { if (!document.hidden && missed) { missed = false; follow(""); } });
  const stream = new EventSource("/live");
  stream.addEventListener("change", (event) => follow(event.data));
  stream.addEventListener("error", () => { if (!document.hidden) refresh(here()); }); // a restart, or the end
  // Ages grow even if nothing else changes; and a stream may have ended for good.
  setInterval(() => { if (!document.hidden) refresh(here()); }, 60000);
  addEventListener("pagehide", () => stream.close());

  // Filters apply while one types.
  const filters = document.getElementById("filters");
  async function go(address, push) {
    history[push ? "pushState" : "replaceState"](null, "", address);
    await refresh(address);
    const part = document.querySelector("[data-said]");
    if (part) say(part.dataset.said);
  }
  if (filters) {
    let typing;
    const apply = () => {
      const address = new URL(filters.action);
      for (const [name, value] of new FormData(filters)) if (value !== "") address.searchParams.set(name, value);
      go(address, false);
    };
    filters.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); apply(); });
    filters.addEventListener("input", (event) => {
      clearTimeout(typing);
      if (event.target.name === "sort") filters.elements.dir.value = event.target.value === "name" || event.target.value === "decision" ? "asc" : "desc";
      typing = setTimeout(apply, event.target.type === "search" ? 180 : 0);
    });
    // match sets the form to what the address asks for.
    const match = () => {
      const query = new URL(location.href).searchParams;
      const sorted = document.querySelector("#table th[aria-sort]");
      const usual = { sort: "name", dir: sorted && sorted.getAttribute("aria-sort") === "descending" ? "desc" : "asc" };
      for (const field of filters.elements) {
        if (field.name && field.type !== "hidden" && field !== document.activeElement) field.value = query.get(field.name) || usual[field.name] || "";
      }
    };
    // Headings and pages of the table, without loading everything anew.
    document.addEventListener("click", (event) => {
      const a = event.target.closest("#table a[data-sort], #table .pager a, #timeline .pager a");
      if (!a || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      go(new URL(a.href), true).then(match);
      if (a.closest(".pager")) document.getElementById("main").scrollIntoView();
    });
    addEventListener("popstate", () => refresh(location.href).then(match));
  }
})();
