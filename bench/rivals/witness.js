// Fills the wires of a circuit compiled by circom, once for each line of its input.
// Usage: node witness.js FOLDER_js NAME INPUT_JSON
const fs = require("fs");
const readline = require("readline");
const [folder, name, input] = process.argv.slice(2);
const calculator = require(folder + "/witness_calculator.js");

calculator(fs.readFileSync(`${folder}/${name}.wasm`)).then(async (made) => {
  process.stdout.write("ready\n");
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    const witness = await made.calculateWTNSBin(JSON.parse(input), 0);
    // The first output is the second element; elements of 32 bytes end the file.
    const head = witness.length - 32 * made.witnessSize;
    let value = 0n;
    for (let i = 31; i >= 0; i--) value = value * 256n + BigInt(witness[head + 32 + i]);
    process.stdout.write(value.toString() + "\n");
  }
});
