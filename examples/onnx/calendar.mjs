// Times as whole numbers, and the step features of a model, as model.json describes them.

const DAY = 86_400_000_000; // in microseconds
const WEEK = 7 * DAY;
const modulo = (a, b) => ((a % b) + b) % b;

/** The ordinal of a time: see `frequency.ordinal` in model.json. */
export function ordinal(text, frequency) {
  if (frequency.unit === "integer") return Number(text);
  const microseconds = 1000 * Date.parse(isoTime(text));
  if (frequency.unit === "microsecond") return microseconds;
  if (frequency.unit === "month") {
    const date = new Date(microseconds / 1000);
    return 12 * (date.getUTCFullYear() - 1970) + date.getUTCMonth();
  }
  const days = Math.floor(microseconds / DAY) + 3; // 1 January 1970 was a Thursday
  return 5 * Math.floor(days / 7) + Math.min(modulo(days, 7), 5) - 3;
}

/** The time of an ordinal as text. */
export function timeText(number, frequency) {
  if (frequency.unit === "integer") return String(number);
  const text = new Date(microseconds(number, frequency) / 1000).toISOString();
  const isWholeDays = frequency.unit !== "microsecond" || frequency.step % DAY === 0;
  return isWholeDays ? text.slice(0, 10) : text.slice(0, 19).replace("T", " ");
}

/** One row of step features, of a time and its known covariates. */
export function stepFeatures(groups, number, known, frequency) {
  return groups.flatMap((group) => {
    if (group.kind === "season") return season(Math.floor(number / frequency.step), group.season);
    if (group.kind === "cycle") return circle(share(number, group.cycle, frequency));
    if (group.kind === "known") return covariate(group, known[group.name] ?? "");
    throw new Error(`this example computes no step features of the kind ${group.kind}`);
  });
}

function isoTime(text) {
  const [day, clock = "00:00:00"] = text.trim().split(/[ T]/);
  return `${day}T${clock.replace(/Z$/, "")}Z`; // clock time, whatever its zone
}

function microseconds(number, { unit, anchor }) {
  if (unit === "microsecond") return number;
  if (unit === "business day") {
    const weekday = modulo(number + 3, 5);
    return (7 * Math.floor((number + 3) / 5) + weekday - 3) * DAY;
  }
  const year = 1970 + Math.floor(number / 12);
  const month = modulo(number, 12);
  if (anchor === "end") return 1000 * Date.UTC(year, month + 1, 0);
  if (anchor.startsWith("business")) throw new Error("this example dates no business months");
  return 1000 * Date.UTC(year, month, anchor === "start" ? 1 : Number(anchor));
}

function season(number, steps) {
  if (steps < 2) return [0, 0, 0, 0];
  return [...circle(modulo(number, steps) / steps), Math.log(steps) / 2 - 1, 1];
}

function circle(part) {
  return [Math.sin(2 * Math.PI * part), Math.cos(2 * Math.PI * part)];
}

/** The share of a calendar cycle that has passed. */
function share(number, cycle, frequency) {
  if (frequency.unit === "month") return modulo(number, 12) / 12;
  const now = microseconds(number, frequency);
  if (cycle === "day") return modulo(now, DAY) / DAY;
  if (cycle === "week") return modulo(now + 3 * DAY, WEEK) / WEEK;
  const year = new Date(now / 1000).getUTCFullYear();
  const [begin, end] = [Date.UTC(year, 0, 1), Date.UTC(year + 1, 0, 1)];
  return (now / 1000 - begin) / (end - begin);
}

function covariate(group, cell) {
  const isMissing = cell === "";
  const own = group.categories.length
    ? group.categories.map((name) => Number(name === cell))
    : [isMissing ? 0 : (Number(cell) - group.location) / group.scale];
  return group.has_missing ? [...own, Number(!isMissing)] : own;
}
