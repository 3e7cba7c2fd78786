// Lets zsr and ONNX Runtime enlarge images in turns and prints medians and ratios. Called by bench/vs-onnxruntime:
//   node onnxruntime_turns.mjs RUNTIME_FOLDER TURNS_PROGRAM THREADS ROUNDS SIDES NAME WEIGHTS ONNX [NAME WEIGHTS ONNX]...
import {createRequire} from "node:module";
import {spawn} from "node:child_process";
import {createInterface} from "node:readline";
import {join} from "node:path";

const [runtime, program, threadsText, roundsText, sidesText, ...networks] = process.argv.slice(2);
const ort = createRequire(join(runtime, "package.json"))("onnxruntime-node");
const threads = Number(threadsText);
const rounds = Number(roundsText);

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

// A network held by zsr: `run` asks for one inference.
async function zsrSide(weights, side) {
  const child = spawn(program, [weights, String(side), String(threads)], {stdio: ["pipe", "pipe", "inherit"]});
  const lines = createInterface({input: child.stdout})[Symbol.asyncIterator]();
  const next = async () => {
    const {value, done} = await lines.next();
    if (done) throw new Error(`zsr gave no answer for ${weights}`);
    return value;
  };
  const [, , channels] = (await next()).split(" ");
  return {
    channels: Number(channels),
    run: async () => {
      child.stdin.write("\n");
      return Number(await next());
    },
    close: () => child.stdin.end(),
  };
}

async function runtimeSide(file, channels, side) {
  // Spinning threads would take the cores from zsr while it is its turn.
  const session = await ort.InferenceSession.create(file, {
    logSeverityLevel: 3,
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: {session: {intra_op: {allow_spinning: "0"}}},
  });
  const input = session.inputNames[0];
  const data = new Float32Array(channels * side * side);
  for (let i = 0; i < data.length; ++i) data[i] = ((i * 2654435761) % 4294967296) / 4294967296;
  const image = new ort.Tensor("float32", data, [1, channels, side, side]);
  const run = async () => {
    const start = performance.now();
    await session.run({[input]: image});
    return performance.now() - start;
  };
  await run();
  return {run, close: () => session.release()};
}

console.log(`${"network".padEnd(28)} ${"side".padStart(5)} ${"ORT ms".padStart(9)} ${"zsr ms".padStart(9)} ${"ratio".padStart(6)}`);
for (let i = 0; i + 2 < networks.length; i += 3) {
  for (const side of sidesText.split(",").map(Number)) {
    const ours = await zsrSide(networks[i + 1], side);
    const theirs = await runtimeSide(networks[i + 2], ours.channels, side);
    const times = {ours: [], theirs: []};
    for (let round = 0; round < rounds; ++round) {
      times.theirs.push(await theirs.run());
      times.ours.push(await ours.run());
    }
    ours.close();
    await theirs.close();
    const [a, b] = [median(times.theirs), median(times.ours)];
    console.log(`${networks[i].padEnd(28)} ${String(side).padStart(5)} ${a.toFixed(1).padStart(9)} ${b.toFixed(1).padStart(9)} ${(a / b).toFixed(2).padStart(6)}`);
  }
}
