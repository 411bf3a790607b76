"use strict";
// Charts and tables of forecasts. Text from the data enters as text only.
const forecastCharts = (() => {
  const dashes = {
    naive: [8, 4],
    seasonal_naive: [2, 3],
    drift: [10, 3, 2, 3],
    naive2: [4, 4],
    auto_ets: [5, 2, 1, 2],
    auto_theta: [12, 3],
    validation: [6, 3],
  };
  const charts = [];
  const byId = (id) => document.getElementById(id);
  const isPrinted = window.matchMedia("print");
  const isDark = window.matchMedia("(prefers-color-scheme: dark)");

  function make(tag, attributes = {}, text = null) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== null) element.textContent = text;
    return element;
  }

  const colour = (key) => getComputedStyle(document.documentElement).getPropertyValue(`--${key}`).trim();

  function faded(key, share) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour(key).slice(at, at + 2), 16));
    return `rgba(${r},${g},${b},${share})`;
  }

  function format(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(3);
    return value.toLocaleString("en", { maximumSignificantDigits: size >= 1e5 ? 9 : 6 });
  }

  // Tick labels of dates, as much of the ISO date as distinguishes them.
  function dates(plot, splits, axis, space, step) {
    const day = 86400;
    return splits.map((seconds) => {
      const [date, time] = new Date(seconds * 1000).toISOString().split("T");
      if (step >= 365 * day) return date.slice(0, -6);
      if (step >= 28 * day) return date.slice(0, -3);
      return step >= day ? date : `${date.slice(-5)} ${time.slice(0, 5)}`;
    });
  }

  function legend(spec) {
    const list = make("ul", { class: "legend" });
    for (const line of spec.lines.filter((line) => line.name)) {
      const item = make("li");
      const space = "http://www.w3.org/2000/svg";
      const mark = document.createElementNS(space, "svg");
      mark.setAttribute("viewBox", "0 0 28 12");
      mark.setAttribute("aria-hidden", "true");
      const shape = document.createElementNS(space, line.share ? "rect" : "line");
      const place = line.share ? { y: 1, width: 28, height: 10 } : { x2: 28, y1: 6, y2: 6 };
      for (const [name, value] of Object.entries(place)) shape.setAttribute(name, value);
      shape.setAttribute(line.share ? "fill" : "stroke", `var(--${line.key})`);
      if (line.share) shape.setAttribute("fill-opacity", line.share);
      else shape.setAttribute("stroke-width", 3);
      if (dashes[line.key]) shape.setAttribute("stroke-dasharray", dashes[line.key].join(" "));
      mark.append(shape);
      item.append(mark, line.name);
      list.append(item);
    }
    return list;
  }

  const height = (width) => (width < 520 ? 250 : 340);

  function options(spec, width, onCursor) {
    const axis = { stroke: () => colour("quiet"), grid: { stroke: () => colour("grid"), width: 1 }, ticks: { show: false } };
    const whole = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7, 1e8, 1e9];
    const across = { ...axis, space: 85, size: 32 };
    if (spec.dated) across.values = dates;
    else across.incrs = whole;
    if (spec.label) Object.assign(across, { label: spec.label, labelSize: 20 });
    const longest = (values) => Math.max(...(values || [""]).map((text) => text.length));
    const up = {
      ...axis,
      values: (plot, splits) => splits.map(format),
      size: (plot, values) => Math.max(38, 7.5 * longest(values) + 14),
    };
    const series = spec.lines.map((line) => ({
      stroke: line.hidden ? undefined : () => colour(line.key),
      width: line.hidden ? 0 : line.key === "forecast" ? 2.5 : 1.6,
      dash: dashes[line.key],
      points: { show: line.hidden ? false : undefined, size: 5 },
    }));
    return {
      width,
      height: height(width),
      padding: [12, spec.dated ? 36 : 16, 0, 0],
      series: [{}, ...series],
      bands: (spec.bands || []).map((band) => ({ series: band.series, fill: () => faded("forecast", band.share) })),
      axes: [across, up],
      scales: { x: { time: Boolean(spec.dated) } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { size: 7 } },
      hooks: { setCursor: [onCursor] },
    };
  }

  // Draws into a figure; keeps the chart, to redraw it in other colours or sizes.
  function draw(figure, title, spec) {
    figure.querySelectorAll(".plot, .legend, .readout").forEach((element) => element.remove());
    charts.filter((chart) => chart.figure === figure).forEach((chart) => chart.end());
    const host = make("div", {
      class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart", "aria-label": title,
    });
    const readout = make("p", { class: "readout" });
    const caption = figure.querySelector("figcaption");
    caption.id = caption.id || `caption-${figure.id || figure.dataset.chart}`;
    host.setAttribute("aria-describedby", caption.id);
    caption.after(legend(spec), host, readout);
    const onCursor = (plot) => {
      readout.textContent = plot.cursor.idx === null || plot.cursor.idx === undefined ? "" : spec.read(plot.cursor.idx);
    };
    const values = [spec.x, ...spec.lines.map((line) => line.values)];
    const plot = new uPlot(options(spec, host.clientWidth || 600, onCursor), values, host);
    host.addEventListener("keydown", (event) => step(event, plot, readout, spec));
    const watch = new ResizeObserver(() => fit(plot, host));
    watch.observe(host);
    const chart = { figure, plot, host, end: () => { watch.disconnect(); plot.destroy(); charts.splice(charts.indexOf(chart), 1); } };
    charts.push(chart);
    return chart;
  }

  function fit(plot, host) {
    const width = host.clientWidth;
    if (width && Math.abs(width - plot.width) > 1) plot.setSize({ width, height: height(width) });
  }

  function step(event, plot, readout, spec) {
    const last = spec.x.length - 1;
    const now = plot.cursor.idx;
    const start = spec.start === undefined ? 0 : spec.start;
    const none = now === null || now === undefined;
    const moves = {
      ArrowRight: none ? start : Math.min(now + 1, last),
      ArrowLeft: none ? start : Math.max(now - 1, 0),
      Home: 0,
      End: last,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    readout.setAttribute("aria-live", "polite");
    const left = plot.valToPos(spec.x[moves[event.key]], "x");
    plot.setCursor({ left, top: plot.over.clientHeight / 2 });
  }

  function repaint() {
    for (const chart of charts) {
      fit(chart.plot, chart.host);
      chart.plot.redraw(false, true);
    }
  }

  // Forecasts: `data` holds axes, levels and what else the series of a page share

  function specOf(data, series) {
    const axis = data.axes[series.axis];
    const count = series.past.length + series.forecast.length;
    const x = axis.x.slice(series.at, series.at + count);
    const text = axis.text.slice(series.at, series.at + count);
    const before = series.past.map(() => null);
    const after = series.forecast.map(() => null);
    const last = series.past[series.past.length - 1];
    const joined = before.slice(0, -1).concat([last]); // the forecast line starts at the last value
    const lines = [
      { key: "past", name: "Past", values: series.past.concat(after) },
      { key: "forecast", name: "Forecast", values: joined.concat(series.forecast) },
    ];
    const bands = [];
    data.levels.forEach((level, k) => {
      const share = 0.16 + 0.14 * k;
      const at = lines.length + 1;
      lines.push({ key: "forecast", name: `${level}% interval`, share, hidden: true, values: joined.concat(series.ends[2 * k]) });
      lines.push({ key: "forecast", hidden: true, values: joined.concat(series.ends[2 * k + 1]) });
      bands.push({ series: [at + 1, at], share });
    });
    const read = (at) => `${text[at]}: ${describe(data, series, at)}`;
    return { x, text, lines, bands, read, dated: data.dated, label: data.zone, start: series.past.length };
  }

  function describe(data, series, at) {
    const step = at - series.past.length;
    if (step < 0) return format(series.past[at]);
    const ends = data.levels.map((level, k) => `; ${level}%: ${format(series.ends[2 * k][step])} to ${format(series.ends[2 * k + 1][step])}`);
    return `forecast ${format(series.forecast[step])}${ends.join("")}`;
  }

  function summary(data, series, text) {
    const path = series.forecast;
    const first = text[series.past.length];
    const known = series.past.filter((value) => value !== null);
    const past = known.length ? `The last observed value is ${format(known[known.length - 1])}. ` : "";
    if (path.length === 1) return `${past}The forecast for ${first} is ${describe(data, series, text.length - 1).replace("forecast ", "")}.`;
    const inner = data.levels.length - 1;
    const last = path.length - 1;
    const band = inner < 0 ? "" : ` The ${data.levels[inner]}% interval of its last step goes from ${format(series.ends[2 * inner][last])} to ${format(series.ends[2 * inner + 1][last])}.`;
    return `${past}The forecast of ${path.length} steps, ${first} to ${text[text.length - 1]}, goes from ${format(path[0])} to ${format(path[last])}; its values lie between ${format(Math.min(...path))} and ${format(Math.max(...path))}.${band}`;
  }

  function fillTable(data, series, text, place) {
    const wide = make("div", { class: "wide", role: "region", tabindex: "0", "aria-label": "Table of this forecast" });
    const table = make("table");
    const head = make("tr");
    const names = ["Time", "Forecast", ...data.levels.flatMap((level) => [`${level}% from`, "to"])];
    names.forEach((name) => head.append(make("th", { scope: "col" }, name)));
    table.append(make("thead"), make("tbody"));
    table.tHead.append(head);
    series.forecast.forEach((value, step) => {
      const row = make("tr");
      row.append(make("th", { scope: "row" }, text[series.past.length + step]));
      [value, ...series.ends.map((end) => end[step])].forEach((cell) => row.append(make("td", {}, format(cell))));
      table.tBodies[0].append(row);
    });
    wide.append(table);
    place.replaceChildren(wide);
  }

  isPrinted.addEventListener("change", repaint);
  isDark.addEventListener("change", repaint);
  return { byId, draw, fillTable, format, make, specOf, summary };
})();
