// The npm package aws-local-stepfunctions behind a pipe: one JSON request a line in, one JSON answer a line out.
//
// Request: {definition, input, tasks, context, count}. tasks: a Task state's name -> {output} or {error, cause}.
// Answer: {status, output, error, cause, seconds}: how the last of `count` executions ended, and how long all took;
// or {refused}: why the definition is not accepted.
//
// Usage: node aws_local_stepfunctions.mjs DIRECTORY, the directory that has the package in its node_modules.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// The package asks for Node 22. This is all that it uses of it, so Node 20 will do.
Promise.withResolvers ??= () => {
  const out = {};
  out.promise = new Promise((resolve, reject) => Object.assign(out, { resolve, reject }));
  return out;
};

const { StateMachine } = createRequire(`${process.argv[2]}/package.json`)('aws-local-stepfunctions');

function handler({ output, error, cause }) {
  return async () => {
    if (error === undefined) return output;
    const failure = new Error(cause);
    failure.name = error;
    throw failure;
  };
}

async function once(machine, { input, tasks = {}, context }) {
  const handlers = Object.fromEntries(Object.entries(tasks).map(([name, answer]) => [name, handler(answer)]));
  const retries = Object.fromEntries(Object.keys(tasks).map((name) => [name, 0]));
  const overrides = { taskResourceLocalHandlers: handlers, retryIntervalOverrides: retries };
  try {
    const output = await machine.run(input, { overrides, context }).result;
    return { status: 'SUCCEEDED', output };
  } catch (failure) {
    const reason = failure.cause ?? failure; // what is thrown only wraps the error that ended the execution
    return { status: 'FAILED', error: reason.name, cause: reason.message };
  }
}

async function answer(request) {
  let machine;
  try {
    machine = new StateMachine(request.definition, { validationOptions: { checkArn: false } });
  } catch (failure) {
    return { refused: failure.message };
  }
  let result;
  const start = performance.now();
  for (let n = 0; n < (request.count ?? 1); n += 1) result = await once(machine, request);
  return { ...result, seconds: (performance.now() - start) / 1000 };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
