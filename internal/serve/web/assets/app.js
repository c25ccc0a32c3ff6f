"use strict";
(function () {
  const announce = document.getElementById("announce");
  const read = (text) => { if (announce) { announce.textContent = ""; requestAnimationFrame(() => { announce.textContent = text; }); } };

  // The colours: system setting, light, dark.
  const theme = document.getElementById("theme");
  const themes = { "": ["◐", "system setting"], light: ["☀", "light"], dark: ["☾", "dark"] };
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
    } catch (e) { /* valid for this page only */ }
    showTheme();
    Charts.redraw();
  });

  // What the server last sent for each part that can change.
  const sent = new Map();
  const parts = (root) => Array.from(root.querySelectorAll("[data-live][id]"));
  let latest = 0;

  // update replaces the parts of this page that differ in the page just loaded.
  function update(html) {
    const page = new DOMParser().parseFromString(html, "text/html");
    let changed = 0;
    // If parts were added or removed, for example with the last problem, all of them are replaced.
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

  // inOrder keeps the order of a table while it is followed: a row moves when the page is loaded, sorted or filtered. A row that would
  // be elsewhere has a dot.
  function inOrder(old, fresh) {
    const rows = (root) => Array.from(root.querySelectorAll("tr[data-arn]"));
    const before = rows(old), now = rows(fresh), place = new Map(before.map((row, i) => [row.dataset.arn, i]));
    if (before.length !== now.length || !now.length || now.some((row) => !place.has(row.dataset.arn))) return;
    now.forEach((row, i) => { if (place.get(row.dataset.arn) !== i) row.classList.add("moved"); });
    now.sort((a, b) => place.get(a.dataset.arn) - place.get(b.dataset.arn)).forEach((row) => row.parentNode.append(row));
  }
  let following = false;

  // replace keeps opened details, the focus and the scroll position.
  function replace(old, fresh) {
    if (following) inOrder(old, fresh);
    const open = Array.from(old.querySelectorAll("details[open][id]")).map((d) => d.id);
    const focus = old.contains(document.activeElement) ? place(old, document.activeElement) : null;
    const scroll = Array.from(old.querySelectorAll(".scroll")).map((s) => [s.scrollLeft, s.scrollTop]);
    old.replaceWith(fresh);
    open.forEach((id) => { const d = document.getElementById(id); if (d) d.open = true; });
    fresh.querySelectorAll(".scroll").forEach((s, i) => { if (scroll[i]) [s.scrollLeft, s.scrollTop] = scroll[i]; });
    const to = focus && focus(fresh);
    if (to) to.focus({ preventScroll: true });
    Charts.drawAll(fresh);
    trial();
  }
  // place returns how to find an element in what replaces its part: by its id, its link, or its
  // index among elements of its kind.
  function place(root, element) {
    const kind = element.tagName.toLowerCase(), href = element.getAttribute("href");
    if (element.id) return (fresh) => fresh.querySelector("#" + CSS.escape(element.id));
    if (href) return (fresh) => fresh.querySelector(kind + '[href="' + CSS.escape(href) + '"]');
    const at = Array.from(root.querySelectorAll(kind)).indexOf(element);
    return (fresh) => fresh.querySelectorAll(kind)[at];
  }

  // refresh loads the page again; a response is dropped if a later one was requested.
  async function refresh(address, follows) {
    const mine = ++latest;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      const html = await answer.text();
      if (mine !== latest) return false;
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return false; }
      if (answer.status === 404 && document.querySelector("main .head")) { location.reload(); return false; } // it no longer exists
      if (answer.status === 404) return false;
      if (!answer.ok) { lost(); return false; }
      following = !!follows;
      return update(html) > 0;
    } catch (error) {
      if (mine === latest) lost();
      return false; // the stream reports when the server is back
    }
  }
  // lost shows that the page is no longer updated: its ages would be wrong.
  function lost() {
    const pulse = document.getElementById("pulse");
    const since = pulse.querySelector("time");
    if (sent.get("mode") === "") return;
    pulse.className = "end bad";
    pulse.textContent = "No answer from the monitor" + (since ? "; values from " + since.dateTime.replace("T", " ").replace("Z", " UTC") : "");
    sent.set("mode", ""); // the next response replaces it
    read(pulse.textContent);
  }
  // The page as it was served, before charts are drawn into it.
  parts(document).forEach((part) => sent.set(part.id, part.outerHTML));
  Charts.drawAll(document);

  // The address without the key of a note that is shown once.
  const here = () => { const u = new URL(location.href); u.searchParams.delete("done"); u.hash = ""; return u; };
  if (new URL(location.href).searchParams.has("done")) history.replaceState(null, "", here());

  // Following: the stream reports a new version, and the page is loaded again.
  async function follow(version) {
    if (version === document.body.dataset.snapshot && sent.get("mode") !== "" || document.hidden) { missed = document.hidden; return; }
    const changed = await refresh(here(), true);
    Charts.reload();
    // A screen reader need not announce every step of a cycle.
    if (changed && Date.now() - announced > 60000) { announced = Date.now(); read("Updated."); }
  }
  let missed = false, announced = 0;
  document.addEventListener("visibilitychange", () => { if (!document.hidden && missed) { missed = false; follow(""); } });
  const stream = new EventSource("/live");
  stream.addEventListener("change", (event) => follow(event.data));
  stream.addEventListener("error", () => { if (!document.hidden) refresh(here(), true); }); // a restart, or the end
  // Ages grow even if nothing else changes, and a stream may have ended.
  setInterval(() => { if (!document.hidden) refresh(here(), true); }, 60000);
  addEventListener("pagehide", () => stream.close());

  // Filters apply while typing.
  const filters = document.getElementById("filters");
  async function go(address, push) {
    history[push ? "pushState" : "replaceState"](null, "", address);
    await refresh(address);
    const part = document.querySelector("[data-announce]");
    if (part) read(part.dataset.announce);
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
      if (event.target.name === "sort") filters.elements.dir.value = event.target.value === "name" || event.target.value === "state" ? "asc" : "desc";
      typing = setTimeout(apply, event.target.type === "search" ? 180 : 0);
    });
    // match sets the form to the values in the address.
    const match = () => {
      const query = new URL(location.href).searchParams;
      const sorted = document.querySelector("#table th[aria-sort]");
      const defaults = { sort: "saves", dir: sorted && sorted.getAttribute("aria-sort") === "descending" ? "desc" : "asc" };
      for (const field of filters.elements) {
        if (field.name && (field.type !== "hidden" || field.name === "show" || field.name === "kind") && field !== document.activeElement) field.value = query.get(field.name) || defaults[field.name] || "";
      }
    };
    // Headings, tabs and pages of the table, without a new page load.
    document.addEventListener("click", (event) => {
      const a = event.target.closest("#table a[data-sort], #table .pager a, #timeline .pager a, #tabs a");
      if (!a || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      go(new URL(a.href), true).then(match);
      if (a.closest(".pager")) document.getElementById("main").scrollIntoView();
    });
    const search = filters.querySelector("input[type=search]");
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
      event.preventDefault();
      search.focus();
    });
    addEventListener("popstate", () => refresh(location.href).then(match));
  }

  // Commands are copied, the jump list is searched, and the form of a minimum shows what it costs.
  const showCopy = () => document.querySelectorAll("[data-copy]").forEach((b) => { b.hidden = !navigator.clipboard; });
  showCopy();
  new MutationObserver(showCopy).observe(document.getElementById("main"), { childList: true, subtree: true });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    read("Copied.");
    button.textContent = "Copied";
  });
  const jump = document.getElementById("jump");
  if (jump) {
    jump.addEventListener("input", () => document.querySelectorAll(".jump li").forEach((li) => {
      li.hidden = !li.textContent.toLowerCase().includes(jump.value.trim().toLowerCase());
    }));
  }
  // The slider moves over minimums whose figures came with the page. It keeps its place while its part is replaced.
  let tried = null;
  const steps = () => { const data = document.getElementById("trial-data"); return data ? JSON.parse(data.textContent) : []; };
  function trial() {
    const slider = document.getElementById("trial-min"), list = steps();
    if (!slider || !list.length) return;
    const at = tried == null ? -1 : list.findIndex((step) => step.min === tried);
    if (at >= 0) slider.value = at;
    const scale = document.querySelector("#slide .scale"), first = Number(slider.value);
    const labels = new Map([[0, String(list[0].min)], [list.length - 1, String(list[list.length - 1].min)]]);
    if (!list[first].now && tried == null) labels.set(first, list[first].min + " proposed");
    const now = list.findIndex((step) => step.now);
    if (now >= 0) labels.set(now, list[now].min + " now");
    const places = Array.from(labels.keys()).filter((i) => i === now || now < 0 || Math.abs(i - now) > list.length / 6);
    scale.replaceChildren(...places.map((i) => {
      const label = document.createElement("span");
      label.textContent = labels.get(i);
      label.style.left = 100 * i / Math.max(1, list.length - 1) + "%";
      return label;
    }));
    document.getElementById("slide").hidden = false;
    show(slider, list);
  }
  function show(slider, list) {
    const step = list[Number(slider.value)], box = document.getElementById("slide");
    box.querySelectorAll("[data-of]").forEach((part) => {
      const name = part.dataset.of;
      part.textContent = name === "change" ? (step.now ? "now" : step.change && step.change + " against now") : step[name];
      if (name === "change") part.classList.toggle("less", !!step.cheaper);
    });
    box.querySelector(".risk").className = "risk " + step.tone;
    slider.setAttribute("aria-valuetext", step.min + (step.now ? ", now" : "") + ": " + step.cost + " a month" + (step.change ? " (" + step.change + ")" : "") +
      ", " + step.hours + " TPS-hours, " + step.cold + " cold steps a week, risk " + step.risk + ", " + step.above + " of the steps above");
    document.querySelectorAll("#trial tr[data-min]").forEach((row) => row.classList.toggle("picked", !step.now && row.dataset.min.replaceAll(",", "") === String(step.min)));
    const apply = document.getElementById("trial-apply"), command = document.getElementById("trial-command");
    if (apply) {
      const present = list.find((one) => one.now);
      apply.textContent = (present && step.min < present.min ? "Lower to " : "Raise to ") + step.min + "…";
      apply.parentElement.hidden = !!step.now;
    }
    if (command) {
      const text = command.dataset.command + " " + step.min;
      command.querySelector("[role=group]").textContent = command.querySelector("[data-copy]").dataset.copy = text;
    }
    if (tried != null || !step.now) Charts.mark("throughput", step.now ? null : { label: "what if: " + step.min, value: step.min });
  }
  document.addEventListener("input", (event) => {
    if (event.target.id !== "trial-min") return;
    const list = steps();
    tried = list[Number(event.target.value)].min;
    show(event.target, list);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("#trial-apply")) return;
    const field = document.querySelector("#change [name=min]");
    event.preventDefault();
    document.getElementById("change").scrollIntoView();
    field.value = steps()[Number(document.getElementById("trial-min").value)].min;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus({ preventScroll: true });
  });

  // What is still being read when a page is made is there a little later.
  let asking;
  function pending() {
    clearTimeout(asking);
    if (document.querySelector("[data-pending]")) asking = setTimeout(() => refresh(here(), true).then(pending), 1000);
  }

  const form = document.querySelector("[data-preview]");
  if (form) {
    const out = document.getElementById("preview"), first = out.textContent, present = Number(form.dataset.present);
    const hours = 730, count = (n) => Math.round(n).toLocaleString("en");
    const preview = () => {
      const field = form.elements.min, wanted = Number(field.value);
      if (!field.value || !field.validity.valid) { out.textContent = field.value ? "A whole number from 1 is needed." : first; return; }
      const change = (wanted - present) * hours;
      const step = steps().find((one) => one.min === wanted);
      const known = step ? step.cost + " a month" + (step.change ? " (" + step.change + " against now)" : "") + ", " + step.cold + " cold steps a week, risk " + step.risk + ". " : "";
      out.textContent = known + count(wanted * hours) + " TPS-hours a month at least, " + (change < 0 ? "−" : "+") + count(Math.abs(change)) + " against now." +
        (wanted > present + 10 || wanted > 2 * present ? " You are asked to confirm it." : "");
    };
    form.addEventListener("input", preview);
    if (Number(form.elements.min.value) !== present) preview();
  }
  trial();
  pending();
})();
