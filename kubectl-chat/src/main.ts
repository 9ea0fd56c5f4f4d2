import { parseArgs } from "node:util";
import { drain, logs, pause, rebalance, release, status, trace } from "./commands.ts";
import { Kubectl, Refusal } from "./kubectl.ts";
import { promote, rollback } from "./rollout.ts";

const HELP = `kubectl chat COMMAND NAME [FLAGS]

  status NAME             conditions, connections per pod, partitions and their owners, lag, push
  pause NAME              the operator observes and reports, and changes nothing
  resume NAME             the operator changes the cluster again
  logs NAME [COMPONENT]   logs of its pods; --follow continues
  promote NAME            lets the revision go on that waits for it, or that was taken back
  rollback NAME           takes the revision back that is being rolled out
  drain NAME POD          a connector leaves: its successor comes first, then its devices go
  rebalance NAME          connectors with many devices send some to those with few, now
  trace NAME TRACE_ID     what was logged under the \`traceId\` of an error

  release NAME            releases one that is being deleted, and leaves its data where it is

  -n, --namespace  --context  --kubeconfig: as kubectl's
`;

const COMMANDS = new Set([
  "status",
  "pause",
  "resume",
  "logs",
  "trace",
  "drain",
  "promote",
  "rollback",
  "rebalance",
  "release",
]);

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      namespace: { type: "string", short: "n" },
      context: { type: "string" },
      kubeconfig: { type: "string" },
      follow: { type: "boolean", short: "f", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, name, more] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(HELP);
    return command === undefined && !values.help ? 1 : 0;
  }
  if (!COMMANDS.has(command))
    throw new Refusal(`there is no command ${command}; \`kubectl chat --help\` lists them`);
  if (name === undefined)
    throw new Refusal(`${command} needs the name of a ChatCluster: \`kubectl get chat\` lists them`);
  const common = (["context", "kubeconfig", "namespace"] as const).flatMap((flag) =>
    values[flag] === undefined ? [] : [`--${flag}=${values[flag]}`],
  );
  const kubectl = new Kubectl(common);
  const view = ["config", "view", "--minify", "--output=jsonpath={..namespace}"];
  const namespace = values.namespace ?? ((await kubectl.ask(view).catch(() => "")) || "default");
  const asked = { kubectl, namespace, name };
  switch (command) {
    case "status":
      process.stdout.write(await status(asked));
      return 0;
    case "logs":
      return logs(asked, more, values.follow);
    case "trace":
      process.stdout.write(await trace(asked, more ?? ""));
      return 0;
    case "drain":
      process.stdout.write(await drain(asked, more));
      return 0;
    case "promote":
      process.stdout.write(await promote(asked));
      return 0;
    case "rollback":
      process.stdout.write(await rollback(asked));
      return 0;
    case "rebalance":
      process.stdout.write(await rebalance(asked, new Date()));
      return 0;
    case "release":
      process.stdout.write(await release(asked));
      return 0;
    default:
      process.stdout.write(await pause(asked, command === "pause"));
      return 0;
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const isPlain =
    error instanceof Refusal || (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS");
  if (isPlain !== true) throw error;
  process.stderr.write(`kubectl chat: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
