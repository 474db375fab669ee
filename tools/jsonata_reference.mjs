// JSONata's reference implementation behind a pipe: one JSON request a line in, one JSON answer a line out.
//
// Request: {expression, input}: `input` is what $states.input reads.
// Answer: {value}, {} for nothing (undefined), {isFunction: true}, or {code, message}; no code for an internal error.
//
// Usage: node jsonata_reference.mjs DIRECTORY, the directory that has the package in its node_modules.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const jsonata = createRequire(`${process.argv[2]}/package.json`)('jsonata');

const isFunction = (value) => typeof value === 'function' || value?._jsonata_lambda || value?._jsonata_function;

// Numbers that JSON does not have become texts, as on AWS.
const printable = (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);

async function evaluated({ expression, input }) {
  try {
    const value = await jsonata(expression).evaluate(undefined, { states: { input } });
    if (value === undefined) return {};
    return isFunction(value) ? { isFunction: true } : { value };
  } catch (error) {
    return { code: error.code, message: String(error.message) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await evaluated(JSON.parse(line)), printable)}\n`);
}
