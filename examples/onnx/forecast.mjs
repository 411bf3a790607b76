// Forecasts the series of a CSV file with an exported model:
//
//     forecast export model.forecast --out model/
//     node forecast.mjs model/ sales.csv 30 > forecast.csv
//
// The history in the file is encoded. A model without a graph for that continues the series that it
// knows: rows after the last one that its state has seen are observed. Rows at the end without a
// target hold the future covariates of a model that takes some.

import { readFileSync } from "node:fs";
import { ordinal, stepFeatures, timeText } from "./calendar.mjs";
import { Model, tensor } from "./model.mjs";

const [folder, table, steps] = process.argv.slice(2);
const horizon = Number(steps);
const model = new Model(folder);
const { about } = model;
const { step } = about.frequency;

console.log([about.id, about.time, ...names()].filter((name) => name !== null).join(","));
for (const [id, rows] of seriesOf(readCsv(table))) {
  const state = await stateOf(id, rows);
  const last = Number(state.time.data[0]);
  const future = features(last + step, horizon, rows);
  const { forecast } = await model.run("rollout", { ...state, ...future, horizon: tensor("int64", [horizon], []) });
  for (let h = 0; h < horizon; h++) {
    const values = forecast.data.slice(h * names().length, (h + 1) * names().length);
    const time = timeText(last + (h + 1) * step, about.frequency);
    console.log([...(about.id === null ? [] : [id]), time, ...values].join(","));
  }
}

/** The names of the columns of forecasts. */
function names() {
  return about.targets.length === 1 ? ["forecast"] : about.targets;
}

/** The state of a series after its rows. */
async function stateOf(id, rows) {
  const observed = [...rows.keys()].filter((time) => valuesOf(rows.get(time)).some((value) => value === value));
  const last = Math.max(...observed);
  if (model.has("encode")) {
    const first = Math.min(...rows.keys());
    const lengths = tensor("int64", [(last - first) / step + 1], [1]);
    const given = { ...history(first, last, rows), lengths, time: tensor("int64", [last], [1]) };
    return model.stateAfter(await model.run("encode", { ...given, ...statics(rows.get(last)) }));
  }
  const known = model.state(id);
  if (known === undefined) throw new Error(`the model knows no series ${id}`);
  const next = Number(known.time.data[0]) + step;
  if (last < next) return known;
  return model.stateAfter(await model.run("observe", { ...known, ...history(next, last, rows) }));
}

/** The rows of a stretch of time as inputs of a graph; those that are missing are NaN. */
function history(first, last, rows) {
  const count = (last - first) / step + 1;
  const times = Array.from({ length: count }, (_, k) => first + k * step);
  const values = times.flatMap((time) => valuesOf(rows.get(time) ?? {}));
  return {
    rows: tensor("float64", values, [1, count, about.targets.length]),
    ...features(first, count, rows),
  };
}

/** The step features of so many steps, for each network of the model. */
function features(first, count, rows) {
  const times = Array.from({ length: count }, (_, k) => first + k * step);
  const networks = about.members.filter(({ step_features }) => step_features?.length);
  return Object.fromEntries(
    networks.map(({ input, step_features }) => {
      const row = (time) => stepFeatures(step_features, time, rows.get(time) ?? {}, about.frequency);
      const numbers = times.flatMap(row);
      return [input, tensor("float32", numbers, [1, count, numbers.length / count])];
    }),
  );
}

/** The static covariates of a series. */
function statics(cells) {
  if (!about.static.length) return {};
  const groups = about.static.map((covariate) => ({ ...covariate, kind: "known" }));
  const numbers = stepFeatures(groups, 0, cells, about.frequency);
  return { static: tensor("float32", numbers, [1, numbers.length]) };
}

function valuesOf(cells) {
  return about.targets.map((name) => (cells[name] ? Number(cells[name]) : NaN));
}

/** The rows of each series by the ordinals of their times. */
function seriesOf(table) {
  const series = new Map();
  for (const cells of table) {
    const id = about.id === null ? about.targets[0] : cells[about.id];
    if (!series.has(id)) series.set(id, new Map());
    series.get(id).set(ordinal(cells[about.time], about.frequency), cells);
  }
  return series;
}

/** The rows of a CSV file without quoted cells, as objects. */
function readCsv(path) {
  const [head, ...lines] = readFileSync(path, "utf8").trim().split(/\r?\n/);
  const columns = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(columns.map((name, k) => [name, cells[k] ?? ""]));
  });
}
