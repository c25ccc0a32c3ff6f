"use strict";
// Draws the charts of a page, over the static drawings if the page has some.
const Charts = (function () {
  const drawn = new Map(); // box → {chart, data}
  const loaded = new Set(); // boxes whose data were requested separately, successfully or not
  const probe = document.createElement("i"); // resolves colours that depend on the theme
  probe.hidden = true;
  const css = (name) => {
    if (!probe.isConnected) document.body.append(probe);
    probe.style.color = "var(" + name + ")";
    return getComputedStyle(probe).color;
  };
  const lane = 22; // above the plot, for the numbers of pins
  const day = uPlot.fmtDate("{D} {MMM}"), minute = uPlot.fmtDate("{HH}:{mm}"), full = uPlot.fmtDate("{D} {MMM} {HH}:{mm}");
  const utc = (ts) => uPlot.tzDate(new Date(ts * 1000), "UTC");
  const short = (v) => v == null ? "–" : v >= 1000 ? Math.round(v).toLocaleString("en") : String(v);

  // marks draws horizontal lines across the chart.
  function marks(list, colour, halo) {
    return (u) => {
      const ctx = u.ctx, dpr = devicePixelRatio;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.lineWidth = dpr;
      ctx.setLineDash([2 * dpr, 3 * dpr]);
      ctx.textAlign = "left";
      ctx.textBaseline = "alphabetic";
      ctx.font = 11 * dpr + "px system-ui, sans-serif";
      for (const mark of list) {
        const y = u.valToPos(mark.value, "y", true);
        if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) continue;
        ctx.beginPath();
        ctx.moveTo(u.bbox.left, y);
        ctx.lineTo(u.bbox.left + u.bbox.width, y);
        ctx.stroke();
        ctx.save();
        ctx.setLineDash([]);
        ctx.strokeStyle = halo;
        ctx.lineWidth = 4 * dpr;
        ctx.lineJoin = "round";
        ctx.strokeText(mark.label, u.bbox.left + 6 * dpr, y - 4 * dpr);
        ctx.restore();
        ctx.fillText(mark.label, u.bbox.left + 6 * dpr, y - 4 * dpr);
      }
      ctx.restore();
    };
  }

  // pins draws a numbered line for each thing that happened. Numbers keep their distance.
  function pins(list, ink, card, bad) {
    return (u) => {
      const ctx = u.ctx, dpr = devicePixelRatio;
      ctx.save();
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.font = "600 " + 10 * dpr + "px system-ui, sans-serif";
      ctx.lineWidth = dpr;
      const right = u.bbox.left + u.bbox.width;
      const shown = list.map((pin, i) => ({ pin, i, x: u.valToPos(pin.t, "x", true) })).filter((p) => p.x >= u.bbox.left && p.x <= right);
      let last = -Infinity;
      shown.forEach(({ pin, i, x }, j) => {
        ctx.strokeStyle = ctx.fillStyle = pin.bad ? bad : ink;
        ctx.setLineDash([2 * dpr, 3 * dpr]);
        ctx.beginPath();
        ctx.moveTo(x, u.bbox.top);
        ctx.lineTo(x, u.bbox.top + u.bbox.height);
        ctx.stroke();
        const at = Math.max(Math.min(x, right - 18 * dpr * (shown.length - 1 - j)), last + 18 * dpr), y = u.bbox.top - 11 * dpr;
        last = at;
        ctx.setLineDash([]);
        ctx.beginPath();
        ctx.arc(at, y, 7.5 * dpr, 0, 2 * Math.PI);
        ctx.fillStyle = card;
        ctx.fill();
        ctx.stroke();
        ctx.fillStyle = pin.bad ? bad : ink;
        ctx.fillText(String(i + 1), at, y);
      });
      ctx.restore();
    };
  }

  // gaps hatches the times whose values are not known.
  function gaps(list, ink) {
    return (u) => {
      const ctx = u.ctx, dpr = devicePixelRatio, { left, top, width, height } = u.bbox;
      ctx.save();
      ctx.strokeStyle = ink;
      ctx.globalAlpha = .6;
      ctx.lineWidth = dpr;
      for (const gap of list) {
        const from = Math.max(left, Math.min(u.valToPos(gap.t, "x", true), left + width - 3 * dpr)), until = Math.min(left + width, u.valToPos(gap.u, "x", true));
        const wide = Math.max(3 * dpr, until - from);
        ctx.save();
        ctx.beginPath();
        ctx.rect(from, top, wide, height);
        ctx.clip();
        ctx.beginPath();
        for (let x = from - height; x < from + wide; x += 6 * dpr) {
          ctx.moveTo(x, top + height);
          ctx.lineTo(x + height, top);
        }
        ctx.stroke();
        ctx.restore();
      }
      ctx.restore();
    };
  }

  function series(line) {
    const s = { label: line.label, stroke: css("--c" + line.colour), width: 1.6, spanGaps: false };
    if (line.dashed) s.dash = [6, 4];
    if (line.steps) s.paths = uPlot.paths.stepped({ align: 1 });
    const single = line.v.every((v, j) => v == null || (line.v[j - 1] == null && line.v[j + 1] == null));
    s.points = { show: single };
    return s;
  }

  // readout is the line above the plot: the latest values, or those under the pointer.
  function readout(box, data) {
    const figure = box.closest("figure");
    let line = figure.querySelector(".read");
    if (!line) {
      line = document.createElement("div");
      line.className = "read";
      box.before(line);
    }
    line.replaceChildren();
    const when = document.createElement("span");
    line.append(when);
    // A line without any value has no place in a long list of them.
    const known = data.lines.map((one) => one.v.some((v) => v != null));
    const values = data.lines.map((one, i) => {
      if (!known[i] && data.lines.length > 3) return null;
      const part = document.createElement("span"), sign = document.createElement("i"), value = document.createElement("b");
      sign.className = "sws b" + one.colour + (one.dashed ? " dashed" : "");
      part.append(sign, one.label + " ", value);
      line.append(part);
      return value;
    });
    if (data.shade) {
      const part = document.createElement("span"), sign = document.createElement("i");
      sign.className = "swb";
      part.append(sign, data.shade);
      line.append(part);
    }
    for (const why of new Set((data.gaps || []).map((gap) => gap.label))) {
      const part = document.createElement("span"), sign = document.createElement("i");
      sign.className = "swh";
      part.append(sign, why);
      line.append(part);
    }
    const newest = data.lines.map((one) => one.v.findLast((v) => v != null));
    return (i) => {
      when.textContent = i == null ? (data.gaps ? "Latest" : "Now") : full(utc(data.t[i]));
      values.forEach((value, j) => { if (value) value.textContent = short(i == null ? newest[j] : data.lines[j].v[i]); });
    };
  }

  function draw(box, data) {
    clear(box);
    const width = box.clientWidth;
    if (!width) return;
    box.textContent = "";
    const height = Number(box.dataset.height) || 200;
    const line = css("--line"), ink = css("--soft");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const highest = () => Math.max(0, ...data.marks.map((m) => m.value));
    const show = readout(box, data);
    data.marks = data.marks || [];
    const hooks = [marks(data.marks, ink, css("--card"))];
    if (data.pins) hooks.push(pins(data.pins, ink, css("--card"), css("--bad")));
    const chart = new uPlot({
      width, height, tzDate: utc, padding: [data.pins ? lane : 8, 20, 0, 0],
      scales: { y: { range: (u, min, max) => { const top = Math.max(max || 0, highest()); return [0, top > 0 ? top * 1.08 : 1]; } } },
      axes: [
        Object.assign({ size: 26, space: 64, values: (u, at, i, space, step) => at.map((ts) => (step >= 86400 || ts % 86400 === 0 ? day : minute)(utc(ts))) }, axis),
        Object.assign({ size: 44, space: 34, values: (u, at) => at.map(short) }, axis),
      ],
      cursor: { y: false, points: { show: false } },
      legend: { show: false },
      bands: data.shade && data.lines.length > 1 ? [{ series: [1, 2], fill: css("--shade-area") }] : [],
      hooks: { drawAxes: data.gaps ? [gaps(data.gaps, css("--strong"))] : [], draw: hooks, setCursor: [(u) => show(u.cursor.idx)] },
      series: [{}, ...data.lines.map(series)],
    }, [data.t, ...data.lines.map((l) => l.v)], box);
    show(null);
    drawn.set(box, { chart, data });
    box.tabIndex = 0;
    box.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = chart.cursor.idx == null ? data.t.length - 1 : Math.min(data.t.length - 1, Math.max(0, chart.cursor.idx + step));
      chart.setCursor({ left: chart.valToPos(data.t[at], "x"), top: 1 });
    };
    box.onblur = () => chart.setCursor({ left: -10, top: -10 });
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
      const known = data.lines.some((l) => l.v.some((v) => v != null));
      figure.querySelector(".summary").textContent = known ? data.note || "" : ""; // without a line the note stands in its place
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", data.title + ". " + data.summary);
      if (known) draw(box, data);
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
    waiting = setTimeout(() => drawn.forEach(({ chart }, box) => chart.setSize({ width: box.clientWidth || 300, height: chart.height })), 100);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  return {
    drawAll, redraw,
    // mark draws a line across a chart, in place of the one drawn before; null removes it.
    mark: (id, mark) => {
      for (const [box, { chart, data }] of drawn) {
        if (box.closest("figure").id !== id) continue;
        data.marks.splice(0, data.marks.length, ...data.marks.filter((m) => !m.tried), ...(mark ? [Object.assign({ tried: true }, mark)] : []));
        chart.setData(chart.data);
      }
    },
    // reload fetches again the data that were requested separately.
    reload: () => loaded.forEach((box) => { load(box); }),
  };
})();
