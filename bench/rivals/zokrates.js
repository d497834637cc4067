// Compiles one program with ZoKrates for each line of its input, and answers each with the count
// of constraints. Usage: node zokrates.js MODULES PROGRAM
const fs = require("fs");
const readline = require("readline");
const { initialize } = require(process.argv[2] + "/zokrates-js");
const source = fs.readFileSync(process.argv[3], "utf8");

initialize().then(async (zokrates) => {
  process.stdout.write("ready\n");
  for await (const _ of readline.createInterface({ input: process.stdin })) {
    const made = zokrates.compile(source);
    process.stdout.write(String(made.constraintCount) + "\n");
  }
});
