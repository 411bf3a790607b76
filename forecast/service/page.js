"use strict";
// The page of a service: what it shows is asked for when it is needed. Text enters as text only.
(() => {
  const { byId, draw, fillTable, format, make, specOf, summary } = forecastCharts;
  const maxListed = 100; // series in the list at a time
  const pause = 150; // milliseconds after a key before a search is asked for
  let models = [];
  let shown = null; // the chart of the series that is shown
  const asked = { list: 0, chart: 0 }; // an answer to an earlier question is late
  let timer = null;

  const model = () => models.find((one) => one.name === byId("model").value);

  function say(problem) {
    byId("problem").textContent = problem;
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

  // Runs one task for the user, and shows what is wrong with it.
  async function attempt(task) {
    try {
      await task();
      say("");
    } catch (error) {
      say(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
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
    if (!shown && found.series.length) await show(found.series[0].id);
  }

  function entry(series) {
    const item = make("li");
    const button = make("button", { type: "button", dir: "auto" }, String(series.id));
    button.addEventListener("click", () => attempt(() => show(series.id)));
    if (shown && shown.id === series.id) button.setAttribute("aria-current", "true");
    item.append(button);
    return item;
  }

  async function show(id, earlier = null) {
    const ours = ++asked.chart;
    const chart = await ask("chart", { model: model().name, series: id });
    if (ours !== asked.chart) return;
    shown = chart;
    paint(chart, earlier);
    document.querySelectorAll("#matches button").forEach((button) => {
      if (button.textContent === String(id)) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  }

  function paint(chart, earlier) {
    const figure = byId("series");
    const details = figure.querySelector("details");
    figure.classList.add("shown");
    figure.querySelectorAll("figure").forEach((one) => one.remove());
    byId("series-name").textContent = String(chart.id);
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
    const fields = model().targets.map((name, place) => {
      const field = make("div");
      field.append(
        make("label", { for: `value-${place}` }, name),
        make("input", { id: `value-${place}`, inputmode: "decimal", required: "", autocomplete: "off" }),
      );
      return field;
    });
    byId("fields").replaceChildren(...fields);
    byId("token-field").hidden = !model().needs_token;
    byId("observe").hidden = false;
  }

  async function observe() {
    const { id, time, targets, name } = model();
    const values = targets.map((target, place) => {
      const value = Number(byId(`value-${place}`).value.trim() || NaN);
      if (!Number.isFinite(value)) throw new Error(`${target} is no number; write it as in 1234.5`);
      return value;
    });
    const row = { [time]: shown.next };
    if (id !== null) row[id] = shown.id;
    targets.forEach((target, place) => { row[target] = values[place]; });
    const button = document.querySelector("form button");
    const before = shown;
    button.disabled = true;
    try {
      await ask("observe", {}, { model: name, rows: [row] });
      await show(before.id, before);
    } finally {
      button.disabled = false;
    }
    byId("done").textContent = `Observed ${values.map(format).join(", ")} at ${before.next}. The dashed line is the forecast before.`;
    byId("value-0").focus();
  }

  function choose() {
    shown = null;
    byId("done").textContent = "";
    byId("observe").hidden = true;
    byId("series").classList.remove("shown");
    const { frequency, known } = model();
    byId("about").textContent = `${model().name}: ${frequency}.` + (known.length ? ` Its forecasts need the future values of ${known.join(", ")}: ask /predict.` : "");
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
    attempt(observe);
  });
  attempt(begin);
})();
