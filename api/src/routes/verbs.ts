import type { FastifyInstance } from "fastify";
import type { WriteFrame } from "@jichat/conversation/client-frame.ts";
import { commandOf } from "@jichat/conversation/command.ts";
import { addedBy, namedBy } from "@jichat/conversation/named.ts";
import type { VerbName } from "@jichat/conversation/tables.ts";
import { VERB_NAMES, verbOf } from "@jichat/conversation/tables.ts";
import type { AnyVerb } from "@jichat/conversation/verb.ts";
import { chargeMembers } from "@jichat/identity/people-config.ts";
import { errorOf } from "@jichat/protocol/bus/command.ts";
import { systemClock } from "@jichat/protocol/clock.ts";
import type { Field } from "@jichat/protocol/field.ts";
import { groupConversation } from "@jichat/protocol/ids.ts";
import type { RestTrait } from "@jichat/protocol/rest-errors.ts";
import type { Declared } from "../readers.ts";
import { bodyOf, paramsOf, queryOf, readAs } from "../readers.ts";
import type { TokenCheckParts } from "../request.ts";
import { identityOf, requireToken, sourceOf } from "../request.ts";
import * as schemas from "../schemas.ts";
import { VERB_OPERATIONS } from "../verb-operations.ts";
import type { Edge } from "@jichat/edge/edge.ts";
import type { Existence } from "@jichat/identity/existence.ts";
import type { TokenBuckets } from "@jichat/runtime/token-bucket.ts";

interface AdmissionParts {
  /** Undefined if unknown names are accepted. */
  readonly existence: Pick<Existence, "require"> | undefined;
  /** Limits how many people a user adds to groups, by user. */
  readonly memberBuckets: TokenBuckets;
}

export interface VerbParts extends AdmissionParts, TokenCheckParts {
  readonly lanes: Pick<Edge["lanes"], "require">;
}

/** A verb's method and URL, and where its fields are in the request. */
interface Route {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly inPath: Declared;
  /** Fields in the body, or in the query of a DELETE, which has no body. */
  readonly beside: Declared;
  readonly required: readonly string[];
}

function routeOf({ rest, frame, notInRest = [] }: AnyVerb): Route {
  const [method = "", path = ""] = rest.split(" ");
  const names = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? ""));
  const fields = Object.entries(frame).filter(([name]) => !notInRest.includes(name));
  const schemasOf = (some: readonly (readonly [string, Field<unknown>])[]): Declared =>
    Object.fromEntries(some.map(([name, { schema }]) => [name, schema]));
  const beside = fields.filter(([name]) => !names.has(name));
  return {
    method: method as Route["method"],
    url: path.replaceAll(/\{(\w+)\}/g, ":$1"),
    inPath: schemasOf(fields.filter(([name]) => names.has(name))),
    beside: schemasOf(beside),
    required: beside.filter(([, { isOptional }]) => isOptional !== true).map(([name]) => name),
  };
}

/** A route for each verb. It does what the socket does, one request at a time, for bots and back ends. */
export async function openVerbRoutes(app: FastifyInstance, parts: VerbParts): Promise<void> {
  requireToken(app, parts);
  for (const name of VERB_NAMES) openVerb(app, parts, name);
}

function openVerb(app: FastifyInstance, parts: VerbParts, name: VerbName): void {
  const verb = verbOf(name);
  const { method, url, inPath, beside, required } = routeOf(verb);
  const { operationId, tag, description, example } = VERB_OPERATIONS[name];
  const isCreated = method === "POST";
  const refuses: readonly RestTrait[] = [
    ...(verb.level > 0 ? ["level" as const] : []),
    "target",
    "rights",
    "change",
  ];
  app.route({
    method,
    url,
    config: { verb: name, refuses },
    schema: {
      operationId,
      tags: [tag],
      summary: verb.summary,
      description,
      ...(Object.keys(inPath).length === 0
        ? {}
        : { params: schemas.object(inPath, Object.keys(inPath) as never[]) }),
      ...(method === "DELETE"
        ? { querystring: schemas.object(beside, required as never[]) }
        : { body: schemas.request(beside, required as never[], example) }),
      response: { [isCreated ? 201 : 200]: schemas.reply("Accepted", "It is durable and numbered") },
    },
    handler: async (request, reply) => {
      const rest = method === "DELETE" ? queryOf(request, beside) : bodyOf(request, beside);
      const frame: WriteFrame = readAs(name, { ...rest, ...paramsOf(request, inPath) });
      const { user } = identityOf(request);
      await admit(parts, frame, user);
      const conversation = frame.t === "create" ? groupConversation(user, frame.id) : conversationOf(frame);
      const answer = await parts.lanes.require(commandOf(frame, sourceOf(request, conversation)));
      return reply.code(isCreated ? 201 : 200).send({ conversation, ...answer });
    },
  });
}

/** The conversation in the path. Every verb but `create` has one. */
const conversationOf = (frame: WriteFrame): string =>
  "conversation" in frame ? (frame.conversation ?? "") : "";

/** Charges the user for people added to groups. Named people must exist if that is checked. */
async function admit(parts: AdmissionParts, frame: WriteFrame, user: string): Promise<void> {
  const added = addedBy(frame);
  if (added > 0) {
    const tooMany = chargeMembers(parts.memberBuckets, user, added, systemClock.monotonic());
    if (tooMany !== undefined) throw errorOf(tooMany);
  }
  const named = namedBy(frame);
  if (named.length > 0) await parts.existence?.require(named);
}
