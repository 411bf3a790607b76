"use strict";
// The page of a report: its charts, and the search among the series.
(() => {
  const { byId, draw, fillTable, format, make, specOf, summary } = forecastCharts;
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const maxListed = 200; // series in the list at a time

  function drawFixed(figure) {
    const spec = data.charts[figure.dataset.chart];
    const read = (at) => `${spec.label} ${spec.x[at]}: ` + spec.lines.map((line) => `${line.name} ${format(line.values[at])}`).join("; ");
    draw(figure, figure.dataset.title, { ...spec, read });
  }

  let current = -1;

  function show(place) {
    current = place;
    const series = data.series[place];
    const figure = byId("series");
    const spec = specOf(data, series);
    byId("series-name").textContent = series.name;
    figure.querySelector("figcaption").textContent = summary(data, series, spec.text);
    draw(figure, `Forecast of ${series.name}`, spec);
    const details = figure.querySelector("details");
    figure.append(details);
    fillTable(data, series, spec.text, details.querySelector("div"));
    document.querySelectorAll("#matches button").forEach((button) => {
      if (Number(button.dataset.series) === place) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
  }

  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  function placesMatching(query) {
    const text = plain(query.trim());
    return data.series.map((series, place) => place).filter((place) => plain(data.series[place].name).includes(text));
  }

  function list() {
    const places = placesMatching(byId("search").value);
    const items = places.slice(0, maxListed).map((place) => {
      const item = make("li");
      const button = make("button", { type: "button", "data-series": place, dir: "auto" }, data.series[place].name);
      if (place === current) button.setAttribute("aria-current", "true");
      item.append(button);
      return item;
    });
    byId("matches").replaceChildren(...items);
    const all = data.series.length.toLocaleString("en");
    const more = places.length > maxListed ? `; the first ${maxListed} are listed` : "";
    byId("count").textContent = `${places.length.toLocaleString("en")} of ${all} series${more}`;
    return places;
  }

  function walk(event) {
    const buttons = [...document.querySelectorAll("#matches button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "Enter" && at < 0) {
      const places = placesMatching(byId("search").value);
      event.preventDefault();
      if (!places.length) return;
      show(places[0]);
      byId("count").textContent = `Shown: ${data.series[places[0]].name}`;
    } else if (event.key === "ArrowDown" && buttons[at + 1]) {
      event.preventDefault();
      buttons[at + 1].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (buttons[at - 1] || byId("search")).focus();
    }
  }

  function begin() {
    document.querySelectorAll("figure[data-chart]").forEach(drawFixed);
    if (byId("series") && data.series.length) {
      document.querySelector(".explorer").classList.toggle("single", data.series.length === 1);
      byId("search").addEventListener("input", list);
      document.querySelector(".find").addEventListener("keydown", walk);
      list();
      show(0);
    }
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-series]");
      if (!button) return;
      show(Number(button.dataset.series));
      if (!button.classList.contains("show")) return;
      byId("series").scrollIntoView();
      byId("series").querySelector(".plot").focus({ preventScroll: true });
    });
  }

  begin();
})();
