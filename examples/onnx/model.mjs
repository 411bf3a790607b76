// An exported model: its description, its graphs, and the states of its series.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-web";

const ARRAYS = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, bool: Uint8Array };
const TYPES = { F32: "float32", F64: "float64", I64: "int64", BOOL: "bool" };

/** A tensor of numbers; those of type int64 may be given as plain ones. */
export function tensor(type, values, shape) {
  const data = type === "int64" ? values.map(BigInt) : values;
  return new ort.Tensor(type, ARRAYS[type].from(data), shape);
}

export class Model {
  #sessions = {};

  constructor(folder) {
    this.folder = folder;
    this.about = this.#json("model.json");
    this.ids = this.#json("state.json").ids.map(String);
    this.arrays = safetensors(readFileSync(join(folder, "state.safetensors")));
  }

  /** Whether there is a graph of this name. */
  has(graph) {
    return existsSync(join(this.folder, `${graph}.onnx`));
  }

  /** The state of a series that the model knows; undefined for others. */
  state(id) {
    const row = this.ids.indexOf(id);
    if (row < 0) return undefined;
    const entries = Object.entries(this.arrays).map(([name, array]) => [name, array.row(row)]);
    return Object.fromEntries(entries);
  }

  /** Run a graph: of all that is given it takes the inputs that it has. */
  async run(graph, given) {
    const path = join(this.folder, `${graph}.onnx`);
    this.#sessions[graph] ??= await ort.InferenceSession.create(readFileSync(path));
    const { inputs } = this.about.graphs[`${graph}.onnx`];
    return this.#sessions[graph].run(Object.fromEntries(inputs.map(({ name }) => [name, given[name]])));
  }

  /** The state among the outputs of a graph, ready to be an input. */
  stateAfter(outputs) {
    const prefix = this.about.state.outputs;
    const own = Object.keys(outputs).filter((name) => name.startsWith(prefix));
    return Object.fromEntries(own.map((name) => [name.slice(prefix.length), outputs[name]]));
  }

  #json(name) {
    return JSON.parse(readFileSync(join(this.folder, name), "utf8"));
  }
}

/** The arrays of a safetensors file by name: its head is JSON, and bytes follow. */
function safetensors(buffer) {
  const size = Number(buffer.readBigUInt64LE(0));
  const head = JSON.parse(buffer.subarray(8, 8 + size).toString());
  delete head.__metadata__;
  const bytes = buffer.subarray(8 + size);
  const entries = Object.entries(head).map(([name, { dtype, shape, data_offsets }]) => {
    const [begin, end] = data_offsets;
    const copy = bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + end); // aligned
    const data = new ARRAYS[TYPES[dtype]](copy);
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    const row = (k) =>
      new ort.Tensor(TYPES[dtype], data.slice(k * width, (k + 1) * width), [1, ...shape.slice(1)]);
    return [name, { row }];
  });
  return Object.fromEntries(entries);
}
