import { Type } from "typebox";
import { CIDR, map, rules, word } from "./kinds.ts";

const optional = Type.Optional;

/** A Service that may be open to the outside. `field` is its place in the spec. */
export const service = (field: string, description: string) =>
  Type.Object(
    {
      type: word(["ClusterIP", "NodePort", "LoadBalancer"], { default: "ClusterIP" }),
      port: Type.Integer({ minimum: 1, maximum: 65_535, default: 80 }),
      nodePort: optional(
        Type.Integer({
          minimum: 1,
          maximum: 65_535,
          description: "a port of the nodes' range; default: Kubernetes chooses one",
        }),
      ),
      annotations: optional(map<string>(Type.String(), { maxProperties: 32 })),
      externalTrafficPolicy: optional(
        word(["Cluster", "Local"], {
          description: "`Local` keeps the devices' own addresses, for limits by address",
        }),
      ),
      loadBalancerClass: optional(
        Type.String({ minLength: 1, maxLength: 316, description: "the provider of the balancer" }),
      ),
      loadBalancerSourceRanges: optional(
        Type.Array(Type.String({ maxLength: 64, pattern: CIDR }), {
          minItems: 1,
          maxItems: 64,
          "x-kubernetes-list-type": "set",
          description: "CIDRs that may connect",
        }),
      ),
      trafficDistribution: optional(
        word(["PreferClose", "PreferSameZone", "PreferSameNode"], {
          description: "which pods are preferred; the last two need Kubernetes 1.34",
        }),
      ),
    },
    {
      default: {},
      description,
      ...rules(
        {
          rule: "self.type != 'ClusterIP' || !(has(self.externalTrafficPolicy) || has(self.nodePort))",
          message: `${field}.externalTrafficPolicy and ${field}.nodePort count only from outside: set ${field}.type to NodePort or LoadBalancer, or leave them out`,
        },
        {
          rule: "self.type == 'LoadBalancer' || !(has(self.loadBalancerClass) || has(self.loadBalancerSourceRanges))",
          message: `${field}.loadBalancerClass and ${field}.loadBalancerSourceRanges need a balancer: set ${field}.type to LoadBalancer, or leave them out`,
        },
        {
          rule: "self.type != 'LoadBalancer' || oldSelf.type != 'LoadBalancer' || (has(self.loadBalancerClass) == has(oldSelf.loadBalancerClass) && (!has(self.loadBalancerClass) || self.loadBalancerClass == oldSelf.loadBalancerClass))",
          message: `${field}.loadBalancerClass cannot change while there is a balancer: set ${field}.type to ClusterIP first, then to LoadBalancer with the new class`,
        },
      ),
    },
  );
