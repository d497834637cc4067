// Count constraints with ZoKrates: reads an object of programs by name, writes one of counts.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.cwd()}/`);
const { initialize } = require("zokrates-js");
const zokrates = await initialize();
const counts = {};
for (const [name, source] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  counts[name] = zokrates.compile(source).constraintCount;
}
process.stdout.write(JSON.stringify(counts));
process.exit(0);
