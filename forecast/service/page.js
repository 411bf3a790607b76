"use strict";
// The page of a service: what it shows is asked for when it is needed. Text enters as text only.
(() => {
  const { byId, draw, fillTable, format, make, specOf, summary } = forecastCharts;
  const maxListed = 100; // series in the list at a time
  const pause = 150; // milliseconds after a key before a search is asked for
  let models = [];
  let wanted = null; // the id of the series that is chosen
  let shown = null; // its chart
  const asked = { list: 0, chart: 0 }; // an answer to an earlier question is late
  let timer = null;

  const model = () => models.find((one) => one.name === byId("model").value);

  function say(problem, place) {
    ["problem", "refused"].forEach((id) => { byId(id).textContent = id === place ? problem : ""; });
  }

  // The answer of the service; what is wrong is thrown as its one line.
  async function ask(address, values, body) {
    const url = new URL(address, document.baseURI);
    for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
    const headers = { "Content-Type": "application/json" };
    if (byId("token").value) headers.Authorization = `Bearer ${byId("token").value}`;
    const options = body ? { method: "POST", headers, body: JSON.stringify(body) } : {};
    const answer = await fetch(url, options).catch(() => {
      throw new Error("the service does not answer; is it still running?");
    });
    const text = await answer.text();
    const found = (() => {
      try {
        return JSON.parse(text);
      } catch {
        throw new Error(`the service answers ${answer.status} without JSON`);
      }
    })();
    if (!answer.ok) throw new Error(found.detail);
    return found;
  }

  // Runs one task for the user, and shows in a place what is wrong with it.
  async function attempt(task, place = "problem") {
    try {
      await task();
      say("");
    } catch (error) {
      say(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`, place);
    }
  }

  async function list() {
    const ours = ++asked.list;
    const search = byId("search").value.trim();
    const found = await ask("series", { model: model().name, search, limit: maxListed });
    if (ours !== asked.list) return;
    byId("matches").replaceChildren(...found.series.map(entry));
    const more = found.next === null ? "" : ` The first ${maxListed} that match are listed.`;
    byId("count").textContent = `${found.series.length.toLocaleString("en")} of ${found.total.toLocaleString("en")} series.${more}`;
    if (wanted === null && found.series.length) await show(found.series[0].id);
  }

  function entry(series) {
    const item = make("li");
    const button = make("button", { type: "button", dir: "auto" }, String(series.id));
    button.addEventListener("click", () => attempt(() => show(series.id)));
    if (wanted === series.id) button.setAttribute("aria-current", "true");
    item.append(button);
    return item;
  }

  async function show(id, earlier = null) {
    const ours = ++asked.chart;
    wanted = id;
    document.querySelectorAll("#matches button").forEach((button) => {
      if (button.textContent === String(id)) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    if (!isAssumed()) return clear(id);
    const chart = await ask("chart", {}, { model: model().name, series: id, known: assumed() });
    if (ours !== asked.chart) return;
    shown = chart;
    paint(chart, earlier);
  }

  // The values of fields by the names of their columns, as they are typed: the service reads them.
  function typed(names, kind) {
    return Object.fromEntries(names.map((name, place) => [name, byId(`${kind}-${place}`).value.trim()]));
  }

  const isAssumed = () => Object.values(typed(model().known, "known")).every((text) => text !== "");

  function assumed() {
    const values = Object.entries(typed(model().known, "known")).map(([name, text]) => [name, plain(text)]);
    return values.length ? Object.fromEntries(values) : null;
  }

  // A number as a number; any other writing is left to the service.
  const plain = (text) => (text !== "" && Number.isFinite(Number(text)) ? Number(text) : text);

  // Shows the name of a series whose forecast waits for assumptions.
  function clear(id) {
    shown = null;
    byId("series").classList.remove("shown");
    byId("observe").hidden = true;
    byId("assumed").textContent = `Type them to see the forecast of ${id}.`;
  }

  function paint(chart, earlier) {
    const figure = byId("series");
    const details = figure.querySelector("details");
    figure.classList.add("shown");
    byId("series-name").textContent = String(chart.id);
    byId("assumed").textContent = "They hold for all steps, and for the new value below.";
    const series = chart.series[0];
    const spec = specOf(chart, series);
    if (earlier) addEarlier(spec, earlier);
    const notes = chart.notes.map((note) => ` Note: ${note}.`).join("");
    figure.querySelector("figcaption").textContent = summary(chart, series, spec.text) + notes;
    draw(figure, `Forecast of ${series.name}`, spec);
    figure.append(details);
    fillTable(chart, series, spec.text, details.querySelector("div"));
    askFor(chart);
  }

  // The forecast before the last new value, as a line of its own.
  function addEarlier(spec, earlier) {
    const before = specOf(earlier, earlier.series[0]);
    const at = new Map(before.text.map((time, place) => [time, place]));
    const forecast = before.lines[1].values;
    const values = spec.text.map((time) => (at.has(time) ? forecast[at.get(time)] : null));
    spec.lines.splice(2, 0, { key: "naive", name: "Forecast before", values });
    spec.bands = spec.bands.map(({ series, share }) => ({ series: series.map((place) => place + 1), share }));
  }

  // Fields for the next row of the series that is shown.
  function askFor(chart) {
    byId("next").textContent = chart.next;
    byId("fields").replaceChildren(...fieldsFor(model().targets, "value"));
    byId("token-field").hidden = !model().needs_token;
    byId("observe").hidden = false;
  }

  function fieldsFor(names, kind) {
    return names.map((name, place) => {
      const field = make("div");
      const input = { id: `${kind}-${place}`, required: "", autocomplete: "off" };
      if (kind === "value") input.inputmode = "decimal";
      field.append(make("label", { for: input.id }, name), make("input", input));
      return field;
    });
  }

  async function observe() {
    const { id, time, targets, name } = model();
    const values = typed(targets, "value");
    const row = { [time]: shown.next, ...assumed() };
    if (id !== null) row[id] = shown.id;
    targets.forEach((target) => { row[target] = plain(values[target]); });
    const button = document.querySelector("#observe button");
    const before = shown;
    button.disabled = true;
    try {
      const { rows, notes } = await ask("observe", {}, { model: name, rows: [row] });
      if (model().name !== name || wanted !== before.id) return; // another series is looked at
      await show(before.id, before);
      if (rows === 0) throw new Error(`${before.id} has a value at ${before.next} already; this one was passed over`);
      const remarks = notes.map((note) => ` Note: ${note}.`).join("");
      byId("done").textContent = `Observed ${Object.values(values).join(", ")} at ${before.next}.${remarks} The dashed line is the forecast before.`;
    } finally {
      button.disabled = false;
    }
    byId("value-0").focus();
  }

  function choose() {
    asked.chart += 1;
    shown = null;
    wanted = null;
    byId("done").textContent = "";
    byId("observe").hidden = true;
    byId("series").classList.remove("shown");
    const { frequency, known } = model();
    byId("about").textContent = `${model().name}: ${frequency}.`;
    byId("known").replaceChildren(...fieldsFor(known, "known"));
    byId("assume").hidden = known.length === 0;
    attempt(list);
  }

  async function begin() {
    models = await ask("models", {});
    byId("model").replaceChildren(...models.map(({ name }) => make("option", { value: name }, name)));
    byId("choice").hidden = models.length < 2;
    choose();
  }

  byId("model").addEventListener("change", choose);
  byId("search").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(list), pause);
  });
  byId("observe").addEventListener("submit", (event) => {
    event.preventDefault();
    byId("done").textContent = "";
    attempt(observe, "refused");
  });
  byId("assume").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => show(wanted));
  });
  attempt(begin);
})();
