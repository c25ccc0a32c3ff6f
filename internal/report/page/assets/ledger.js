"use strict";
(function () {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const series = read("series");
  const drawn = new Map();

  // draw makes one chart in the colours of the moment; charts are made again when these change.
  function draw(box) {
    const data = series[Number(box.dataset.series)];
    const old = drawn.get(box);
    if (old) old.destroy();
    const line = css("--line"), ink = css("--soft");
    const day = uPlot.fmtDate("{MM}-{DD}"), minute = uPlot.fmtDate("{HH}:{mm}"), full = uPlot.fmtDate("{YYYY}-{MM}-{DD} {HH}:{mm}");
    const utc = (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const chart = new uPlot({
      width: box.clientWidth || 300, height: 200, tzDate: utc,
      scales: { y: { range: (u, min, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [Object.assign({
        values: (u, at, i, space, step) => at.map((ts) => (step >= 86400 || ts % 86400 === 0 ? day : minute)(utc(ts))),
      }, axis), Object.assign({ size: 64 }, axis)],
      series: [
        { label: "hour (UTC)", value: (u, ts) => ts == null ? "–" : full(utc(ts)) },
        { label: "provisioned " + data.unit, stroke: css("--provisioned"), width: 2, dash: [6, 4], points: { show: false } },
        { label: "actual " + data.unit, stroke: css("--actual"), width: 2, points: { show: data.t.length < 3 } },
      ],
    }, [data.t, data.provisioned, data.actual], box);
    drawn.set(box, chart);
    box.style.height = "auto";
  }
  const visible = (box) => { const d = box.closest("details"); return !d || d.open; };
  const drawAll = () => document.querySelectorAll(".chart").forEach((box) => { if (visible(box)) draw(box); });
  drawAll();
  document.querySelectorAll("details").forEach((d) => d.addEventListener("toggle", () => {
    if (d.open) d.querySelectorAll(".chart").forEach(draw);
  }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach((chart, box) => chart.setSize({ width: box.clientWidth || 300, height: 200 })), 100);
  });

  const table = document.querySelector(".resources");
  if (!table) return;
  const body = table.tBodies[0], heads = Array.from(table.tHead.rows[0].cells), select = document.getElementById("sort");
  const status = document.getElementById("status");
  const value = (row, column) => {
    const text = row.cells[column].dataset.v;
    return text === "" ? null : heads[column].dataset.kind === "number" ? Number(text) : text.toLowerCase();
  };
  // What is not known stays at the end, whichever way the rest is sorted.
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
