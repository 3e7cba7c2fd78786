// Runs ONNX files in ONNX Runtime and compares them with what zsr made of the same inputs (tests/onnx/onnx_pairs.cpp).
//   node compare.mjs FOLDER_OF_ONNXRUNTIME_NODE FOLDER
// Prints a line for each file: the largest difference, as a part of the largest value. Fails above 1e-4, and above 1e-2
// for files named *.half.onnx.
import {createRequire} from "node:module";
import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";

const [runtime, folder] = process.argv.slice(2);
const ort = createRequire(join(runtime, "package.json"))("onnxruntime-node");

function floats(entry) {
  const bytes = readFileSync(join(folder, entry.file));
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function difference(made, expected) {
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; ++i) {
    const miss = Math.abs(made[i] - expected[i]);
    worst = miss > worst || Number.isNaN(miss) ? miss : worst;
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return worst / largest;
}

// One thread: the pictures are small, and idle threads of the runtime spin.
const options = {logSeverityLevel: 3, intraOpNumThreads: 1, interOpNumThreads: 1};

async function check(file) {
  const name = file.replace(/(\.half)?\.onnx$/, "");
  const session = await ort.InferenceSession.create(join(folder, file), options);
  const input = session.inputNames[0];
  let worst = 0;
  for (const pair of JSON.parse(readFileSync(join(folder, name + ".pairs.json"), "utf8"))) {
    const result = await session.run({[input]: new ort.Tensor("float32", floats(pair.input), pair.input.shape)});
    const output = result.output;
    if (String(output.dims) !== String(pair.output.shape)) {
      throw new Error(`${file}: ${output.dims} instead of ${pair.output.shape}`);
    }
    worst = Math.max(worst, difference(output.data, floats(pair.output)));
  }
  await session.release();
  return worst;
}

let failed = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith(".onnx")).sort()) {
  const limit = file.endsWith(".half.onnx") ? 1e-2 : 1e-4;
  const worst = await check(file);
  const good = worst <= limit;
  if (!good) ++failed;
  console.log(`${file.padEnd(44)} ${worst.toExponential(1)}${good ? "" : `   more than ${limit}`}`);
}
if (failed > 0) {
  console.error(`${failed} differ`);
  process.exit(1);
}
