import { createHmac } from "node:crypto";
import { createServer } from "node:http";

/**
 * The program of a pod that takes pushes as one's own gateway would, and tells on `GET /` what it has taken.
 * It imports nothing but Node's own modules, since it runs from a ConfigMap.
 */
interface Taken {
  readonly id: string;
  readonly signatures: number;
  readonly type: string;
  readonly data: { readonly user: string; readonly device: string; readonly seq: number };
}

const keys = (process.env["SECRETS"] ?? "")
  .split(",")
  .map((secret) => Buffer.from(secret.replace("whsec_", ""), "base64"));
const taken = new Map<string, Taken>();
const told = { repeated: 0, refused: 0 };

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(JSON.stringify({ ...told, pushes: [...taken.values()] }));
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks).toString("utf8");
    const [id, timestamp, signature] = ["id", "timestamp", "signature"].map((name) =>
      String(request.headers[`webhook-${name}`]),
    );
    const given = (signature ?? "").split(" ");
    const wanted = keys.map(
      (key) => `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`,
    );
    if (!given.some((one) => wanted.includes(one))) {
      told.refused += 1;
      response.writeHead(401).end();
      return;
    }
    if (taken.has(id ?? "")) told.repeated += 1;
    const { type, data } = JSON.parse(body) as Pick<Taken, "type" | "data">;
    taken.set(id ?? "", { id: id ?? "", signatures: given.length, type, data });
    response.writeHead(204).end();
  });
});
server.listen(8080, "::");
process.once("SIGTERM", () => {
  process.exit(0);
});
