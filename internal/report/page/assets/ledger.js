"use strict";
(function () {
  Charts.drawAll(document);
  // A chart that is hidden has no width to draw in.
  document.querySelectorAll("details").forEach((d) => d.addEventListener("toggle", () => { if (d.open) Charts.drawAll(d); }));

  const table = document.querySelector(".resources");
  if (!table) return;
  const body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells), select = document.getElementById("sort");
  const status = document.getElementById("status");
  const value = (row, column) => {
    const text = row.cells[column].dataset.v;
    return text === "" ? null : heads[column].dataset.kind === "number" ? Number(text) : text.toLowerCase();
  };
  // Unknown values stay at the end in both directions.
  function sort(column, down) {
    const rows = Array.from(body.rows).map((row) => [value(row, column), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    });
    body.append(...rows.map(([, row]) => row));
    heads.forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    select.value = String(column);
  }
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const now = head.getAttribute("aria-sort");
    sort(column, now ? now === "ascending" : head.dataset.kind === "number");
  }));
  select.addEventListener("change", () => {
    const column = Number(select.value);
    sort(column, heads[column].dataset.kind === "number");
  });
  document.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    let shown = 0;
    for (const row of body.rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown++;
    }
    status.textContent = wanted === "" ? "" : shown + " of " + body.rows.length + " shown";
  });
})();
