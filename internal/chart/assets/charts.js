"use strict";
// Draws the charts of a page, over the static drawings if the page has some.
const Charts = (function () {
  const drawn = new Map(); // box → {chart, data}
  const loaded = new Set(); // boxes whose data were requested separately, successfully or not
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const height = 200;
  const day = uPlot.fmtDate("{MM}-{DD}"), minute = uPlot.fmtDate("{HH}:{mm}"), full = uPlot.fmtDate("{YYYY}-{MM}-{DD} {HH}:{mm}");
  const utc = (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC");
  const short = (v) => v == null ? "–" : v >= 1000 ? Math.round(v).toLocaleString("en") : String(v);

  // marks draws horizontal lines across the chart.
  function marks(list, colour) {
    return (u) => {
      const ctx = u.ctx;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      ctx.font = 11 * devicePixelRatio + "px system-ui, sans-serif";
      for (const mark of list) {
        const y = u.valToPos(mark.value, "y", true);
        if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) continue;
        ctx.beginPath();
        ctx.moveTo(u.bbox.left, y);
        ctx.lineTo(u.bbox.left + u.bbox.width, y);
        ctx.stroke();
        ctx.fillText(mark.label, u.bbox.left + 6 * devicePixelRatio, y - 4 * devicePixelRatio);
      }
      ctx.restore();
    };
  }

  function series(line) {
    const s = { label: line.label, stroke: css("--c" + line.colour), width: line.dashed ? 1.5 : 2, spanGaps: false, value: (u, v) => short(v) };
    if (line.dashed) s.dash = [6, 4];
    if (line.steps) s.paths = uPlot.paths.stepped({ align: 1 });
    const single = line.v.every((v, j) => v == null || (line.v[j - 1] == null && line.v[j + 1] == null));
    s.points = { show: single };
    return s;
  }

  function draw(box, data) {
    clear(box);
    const width = box.clientWidth;
    if (!width) return;
    box.textContent = "";
    const line = css("--line"), ink = css("--soft");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui, sans-serif" };
    const highest = Math.max(0, ...(data.marks || []).map((m) => m.value));
    const chart = new uPlot({
      width, height: height, tzDate: utc,
      scales: { y: { range: (u, min, max) => { const top = Math.max(max || 0, highest); return [0, top > 0 ? top * 1.08 : 1]; } } },
      axes: [
        Object.assign({ size: 30, values: (u, at, i, space, step) => at.map((ts) => (step >= 86400 || ts % 86400 === 0 ? day : minute)(utc(ts))) }, axis),
        Object.assign({ size: 52, values: (u, at) => at.map(short) }, axis),
      ],
      cursor: { y: false },
      legend: { live: true },
      hooks: { draw: [marks(data.marks || [], ink)] },
      series: [{ label: "time (UTC)", value: (u, ts) => ts == null ? "–" : full(utc(ts)) }, ...data.lines.map(series)],
    }, [data.t, ...data.lines.map((l) => l.v)], box);
    drawn.set(box, { chart, data });
  }

  // empty shows a text in place of a chart.
  function empty(box, text) {
    clear(box);
    const p = document.createElement("p");
    p.className = "soft plot-wait";
    p.textContent = text;
    box.replaceChildren(p);
  }

  function clear(box) {
    const old = drawn.get(box);
    if (old) old.chart.destroy();
    drawn.delete(box);
  }

  // load fetches the data of a chart that came without them.
  async function load(box) {
    loaded.add(box);
    const address = new URL(box.dataset.href, location.href);
    address.pathname = "/chart";
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error("status " + answer.status);
      const data = await answer.json();
      const figure = box.closest("figure");
      figure.querySelector(".summary").textContent = data.summary + (data.note ? " " + data.note : "");
      box.setAttribute("aria-label", data.title + ". " + data.summary);
      if (data.lines.some((l) => l.v.some((v) => v != null))) draw(box, data);
      else empty(box, data.note || "There are no data in this time.");
    } catch (error) {
      box.closest("figure").querySelector(".summary").textContent = "This chart could not be read. The page tries again at the next change.";
    }
  }
  const visible = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      visible.unobserve(entry.target);
      load(entry.target);
    }
  }, { rootMargin: "200px" });

  function drawAll(root) {
    for (const box of drawn.keys()) if (!box.isConnected) clear(box);
    for (const box of loaded) if (!box.isConnected) loaded.delete(box);
    root.querySelectorAll(".plot[data-plot]").forEach((box) => draw(box, JSON.parse(box.closest("figure").querySelector('script[type="application/json"]').textContent)));
    root.querySelectorAll(".plot[data-href]").forEach((box) => visible.observe(box));
  }

  function redraw() {
    for (const [box, { data }] of Array.from(drawn)) draw(box, data);
  }
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach(({ chart }, box) => chart.setSize({ width: box.clientWidth || 300, height })), 100);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return {
    drawAll, redraw,
    // reload fetches again the data that were requested separately.
    reload: () => loaded.forEach((box) => { load(box); }),
  };
})();
